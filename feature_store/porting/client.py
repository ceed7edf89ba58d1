"""The vendor's client in its own words, over the local store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from feature_store.errors import Misuse, WrongKind, suggestion
from feature_store.porting.functions import with_code
from feature_store.porting.session import configured_store
from feature_store.porting.vocabulary import ABSENT_VERBS

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from feature_store.declare.feature import Feature
    from feature_store.declare.function import FeatureFunction
    from feature_store.declare.lookup import FeatureLookup
    from feature_store.package.contents import FeatureSpecInfo
    from feature_store.package.protocol import TrainingSet
    from feature_store.tables.stored import StoredFeatureTable

_EXPERIMENT, _OURS = "MLFLOW_EXPERIMENT_ID", "PIPELINE_SET_MLFLOW_EXPERIMENT_ID"
_FORMER = {"timestamp_keys": "timeseries_column", "timeseries_columns": "timeseries_column", "features_df": "df"}


class FeatureEngineeringClient:
    """The verbs of ``databricks.feature_engineering.FeatureEngineeringClient``, its parameters and defaults, for the local store.

    The store is the one that the environment names (``PIPELINE_WORKSPACE``, ``PIPELINE_SCHEMA``); a table of another catalog or
    schema is named in full. Runs that a notebook starts itself go to the experiment ``notebooks``, unless it names another.

    What only says how Databricks joins or keeps a table changes no value, and is taken without effect: ``partition_columns``,
    ``use_spark_native_join``, ``use_timeseries_filtering`` and their like, ``checkpoint_location`` and ``trigger``.

    Raises
    ------
    Misuse
        By each verb that the local store does not have; the text says what there is.
    """

    def __init__(self, *, model_registry_uri: str | None = None) -> None:
        if model_registry_uri and not model_registry_uri.startswith("databricks"):
            raise Misuse(
                "The registry is where MLFLOW_TRACKING_URI says, or else in the workspace. Leave model_registry_uri out."
            )
        self.store = configured_store()
        if os.environ.get(_EXPERIMENT) == os.environ.get(_OURS):
            os.environ[_EXPERIMENT] = os.environ[_OURS] = self.store.experiment("notebooks")

    def create_table(
        self,
        *,
        name: str,
        primary_keys: str | list[str],
        df: DataFrame | None = None,
        timeseries_column: str | None = None,
        partition_columns: str | list[str] | None = None,
        schema: StructType | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> StoredFeatureTable:
        """:meth:`feature_store.store.FeatureStore.create_table`; former spellings of ``df`` and the time are understood."""
        given: dict[str, Any] = {"df": df, "timeseries_column": timeseries_column}
        for former, value in kwargs.items():
            if former not in _FORMER:
                raise WrongKind(
                    f"create_table has no parameter {former!r}. {suggestion(former, [*_FORMER, 'df', 'schema'])}"
                )
            if given[_FORMER[former]] is not None:
                raise Misuse(
                    f"{former} is the former name of {_FORMER[former]}, and both are given. Leave {former} out."
                )
            given[_FORMER[former]] = value
        time = given["timeseries_column"]
        if isinstance(time, list | tuple):
            if len(time) > 1:
                raise Misuse(f"A table has one timeseries_column, not {len(time)}.")
            given["timeseries_column"] = time[0] if time else None
        return self.store.create_table(
            name=name, primary_keys=primary_keys, schema=schema, description=description, tags=tags, **given
        )

    def get_table(self, *, name: str) -> StoredFeatureTable:
        """:meth:`feature_store.store.FeatureStore.get_table`."""
        return self.store.get_table(name=name)

    def read_table(self, *, name: str, **kwargs: Any) -> DataFrame:
        """:meth:`feature_store.store.FeatureStore.read_table`, also ``as_of_delta_timestamp=``."""
        return self.store.read_table(name=name, **kwargs)

    def write_table(
        self,
        *,
        name: str,
        df: DataFrame,
        mode: str = "merge",
        checkpoint_location: str | None = None,
        trigger: Mapping[str, Any] = {"processingTime": "5 seconds"},
    ) -> None:
        """:meth:`feature_store.store.FeatureStore.write_table`; a frame that streams is refused."""
        self.store.write_table(name=name, df=df, mode=mode)

    def drop_table(self, *, name: str) -> None:
        """:meth:`feature_store.store.FeatureStore.drop_table`."""
        self.store.drop_table(name=name)

    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None:
        """Set a tag of the table."""
        self.store.set_feature_table_tag(name=name, key=key, value=value)

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        """Take a tag off the table."""
        self.store.delete_feature_table_tag(name=name, key=key)

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: list[FeatureLookup | FeatureFunction] | None = None,
        feature_spec: str | None = None,
        features: list[Feature] | None = None,
        label: str | list[str] | None,
        exclude_columns: list[str] | None = None,
        use_spark_native_join: bool = False,
        use_timeseries_filtering: bool = False,
        **kwargs: Any,
    ) -> TrainingSet:
        """:meth:`feature_store.store.FeatureStore.create_training_set`; functions that the notebook has defined are packaged."""
        _only(kwargs, "create_training_set", "hint_low_cardinality_columns", "use_scalable_native_join")
        return self.store.create_training_set(
            df=df,
            feature_lookups=_with_code(feature_lookups),
            feature_spec=feature_spec,
            features=features,
            label=label,
            exclude_columns=exclude_columns,
        )

    def compute_features(self, *, features: list[Feature]) -> DataFrame:
        """:meth:`feature_store.store.FeatureStore.compute_features`."""
        return self.store.compute_features(features=features)

    def create_feature_spec(
        self,
        *,
        name: str,
        features: list[FeatureLookup | FeatureFunction],
        exclude_columns: list[str] | None = None,
        extra_pip_requirements: list[str] | None = None,
    ) -> FeatureSpecInfo:
        """:meth:`feature_store.store.FeatureStore.create_feature_spec`."""
        return self.store.create_feature_spec(
            name=name,
            features=_with_code(features),
            exclude_columns=exclude_columns,
            extra_pip_requirements=extra_pip_requirements,
        )

    def delete_feature_spec(self, *, name: str) -> None:
        """:meth:`feature_store.store.FeatureStore.delete_feature_spec`."""
        self.store.delete_feature_spec(name=name)

    def log_model(
        self,
        *,
        model: Any,
        artifact_path: str,
        flavor: ModuleType,
        training_set: TrainingSet | None = None,
        registered_model_name: str | None = None,
        await_registration_for: int | None = None,
        infer_input_example: bool = False,
        extra_pip_requirements: list[str] | None = None,
        **kwargs: Any,
    ) -> ModelInfo:
        """:meth:`feature_store.store.FeatureStore.log_model`; a run that it starts itself is ended."""
        for refused in ("feature_spec_path", "params"):
            if kwargs.pop(refused, None) is not None:
                raise Misuse(
                    f"log_model(..., {refused}=) is not in the local store. Give training_set, and leave it out."
                )
        _use_own_registry()
        return self.store.log_model(
            model=model,
            artifact_path=artifact_path,
            flavor=flavor,
            training_set=training_set,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for,
            infer_input_example=infer_input_example,
            extra_pip_requirements=extra_pip_requirements,
            **kwargs,
        )

    def score_batch(
        self,
        *,
        model_uri: str,
        df: DataFrame,
        result_type: str = "double",
        env_manager: str = "local",
        params: dict[str, Any] | None = None,
        use_spark_native_join: bool = False,
        **kwargs: Any,
    ) -> DataFrame:
        """:meth:`feature_store.store.FeatureStore.score_batch`; as the vendor's, features that ``df`` brings are used."""
        _only(kwargs, "score_batch")
        if env_manager != "local" or params:
            raise Misuse(
                "A model is scored in the environment of the notebook, without params: leave env_manager and params out."
            )
        _use_own_registry()
        return self.store.score_batch(model_uri=model_uri, df=df, result_type=result_type, override_features=True)


def _with_code(features: Any) -> Any:
    return [with_code(one) for one in features] if isinstance(features, list | tuple) else features


def _only(given: Mapping[str, Any], verb: str, *known: str) -> None:
    for name in given:
        if name not in known:
            raise WrongKind(f"{verb} has no parameter {name!r} in the local store. Leave it out.")


def _use_own_registry() -> None:
    """Where the notebook has chosen Databricks' registry, go back to the store's own, and say so."""
    import mlflow

    if str(mlflow.get_registry_uri()).startswith("databricks"):
        mlflow.set_registry_uri("")  # wherever runs are tracked
        os.environ.pop("MLFLOW_REGISTRY_URI", None)
        warnings.warn(
            "Models are registered in the store's own registry, not Unity Catalog: leave mlflow.set_registry_uri out.",
            UserWarning,
            stacklevel=3,
        )


def _refusing(verb: str, instead: str) -> Callable[..., Any]:
    def refuse(self: FeatureEngineeringClient, *_: Any, **__: Any) -> Any:
        raise Misuse(f"{verb} is not in the local store: {instead}.")

    refuse.__name__, refuse.__doc__ = verb, f"Not in the local store: {instead}."
    return refuse


for _verb, _instead in ABSENT_VERBS.items():
    setattr(FeatureEngineeringClient, _verb, _refusing(_verb, _instead))
