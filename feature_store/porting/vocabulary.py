"""The words of the vendor's client: those that are here, and what there is in the place of those that are not."""

from __future__ import annotations

from collections.abc import Mapping

CLIENT = "FeatureEngineeringClient"

_ONLINE = "there is no online store: score_batch looks features up in the tables themselves"
_SERVING = "nothing is served over the network: score_batch scores by keys, and `score-batch` does so as a job"
_REGISTERED = (
    "aggregated features are declarations, not entries of a catalog: make a Feature of feature_store.aggregation and give "
    "it to create_training_set(features=[...]) or compute_features"
)
_MATERIALISED = (
    "no service computes features in the background: declare them as a FeatureTable with Aggregates "
    "(feature_store.aggregation), and `publish-features` brings it up to date, also for past days (--from, --until)"
)
_STREAMS = (
    "tables are filled in batches: land the events as a table, and declare features of it (feature_store.aggregation)"
)

_INSTEAD: Mapping[str, str] = {
    _ONLINE: "publish_table drop_online_table create_online_store get_online_store list_online_stores update_online_store "
    "delete_online_store",
    _SERVING: "create_feature_serving_endpoint get_feature_serving_endpoint delete_feature_serving_endpoint "
    "grant_feature_serving_access",
    _REGISTERED: "create_feature register_feature get_feature list_features delete_feature purge_feature_entities "
    "feature_spec_from_batch_declarative_features",
    _MATERIALISED: "materialize_features list_materialized_features delete_materialized_feature backfill_features "
    "get_backfill wait_for_backfill cancel_backfill get_operation cancel_operation",
    _STREAMS: "create_stream get_stream list_streams update_stream delete_stream",
    "specs have no owner here: create_feature_spec and delete_feature_spec are what there is": "update_feature_spec",
    "a model's packages are told by mlflow.pyfunc.get_model_dependencies(model_uri)": "build_model_env",
}
ABSENT_VERBS: Mapping[str, str] = {verb: text for text, verbs in _INSTEAD.items() for verb in verbs.split()}
"""The client's verbs that the local store does not have, and what there is."""

ABSENT_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("Aggregation", "FeatureAggregations", "Window"), _REGISTERED),
    **dict.fromkeys(
        (
            "CronSchedule", "CronScheduleMode", "StreamingMode", "TableTrigger",
            "MaterializedFeaturePipelineScheduleState",
        ),
        _MATERIALISED,
    ),
    **dict.fromkeys(("FieldDefinition", "MtlsConfig", "ScalarDataType", "SecretScopeReference"), _STREAMS),
    "DatabricksOnlineStore": _ONLINE,
    "UNSET": "an argument that is not to be set is left out",
    "UpgradeClient": "tables have three-level names from the beginning, so there is nothing to upgrade",
    "FeatureStoreClient": f"the vendor's former client is not imitated: {CLIENT} has its verbs",
}  # fmt: skip
"""What else the vendor's package exports, and what there is."""
