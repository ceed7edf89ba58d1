"""Training sets and models of the local store: joining, packaging, scoring."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from feature_store.errors import WrongKind
from feature_store.local.feature_spec import FeatureSpec
from feature_store.local.feature_tables import FeatureTableVerbs
from feature_store.local.point_in_time import join
from feature_store.local.training_set import (
    LocalTrainingSet,
    create_training_set,
    fill_defaults,
    packaged_lookups,
)
from feature_store.lookup import FeatureLookup
from feature_store.store import TrainingSet

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

TRACKING_IS_OURS = "PIPELINE_SET_MLFLOW_TRACKING_URI"


class ModelVerbs(FeatureTableVerbs):
    """What :class:`feature_store.local.store.LocalStore` does with training sets and models."""

    workspace: Path

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: Sequence[FeatureLookup] | None = None,
        label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> LocalTrainingSet:
        lookups = feature_lookups or []
        if not isinstance(lookups, list | tuple):
            raise WrongKind(f"feature_lookups is a list of FeatureLookup, not a {type(lookups).__name__}.")
        for lookup in lookups:
            if not isinstance(lookup, FeatureLookup):
                raise WrongKind(f"feature_lookups is a list of FeatureLookup, and has a {type(lookup).__name__}.")
        labels = [label] if isinstance(label, str) else list(label or [])
        stored = {name: self.get_table(name=name) for name in dict.fromkeys(lookup.table_name for lookup in lookups)}
        return create_training_set(df, lookups, labels, exclude_columns or [], stored, self.tables)

    def log_model(
        self,
        *,
        model: object,
        artifact_path: str,
        flavor: ModuleType,
        training_set: TrainingSet | None = None,
        registered_model_name: str | None = None,
        lineage: Mapping[str, object] | None = None,
        **flavor_options: object,
    ) -> "ModelInfo":
        import mlflow

        from feature_store.local import packaging

        if not isinstance(training_set, LocalTrainingSet):
            raise WrongKind("log_model needs the training_set that create_training_set returned.")
        name = self.tables.full_name(registered_model_name) if registered_model_name else None
        arguments = (model, artifact_path, flavor, training_set, name, lineage or {}, flavor_options)
        if mlflow.active_run() is not None:
            return packaging.log_model(*arguments)
        with mlflow.start_run(experiment_id=self.experiment(name or artifact_path)):
            return packaging.log_model(*arguments)

    def experiment(self, name: str) -> str:
        """The id of the MLflow experiment; its artifacts go into the workspace unless a server keeps them."""
        import mlflow

        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        ours = os.environ.get(TRACKING_IS_OURS)
        place = (self.workspace / "mlartifacts").as_uri() if ours else None
        return str(mlflow.create_experiment(name, artifact_location=place))

    def score_batch(
        self,
        *,
        model_uri: str,
        df: DataFrame,
        result_type: str = "double",
        override_features: bool = False,
        table_versions: Mapping[str, int] | None = None,
    ) -> DataFrame:
        from feature_store.local import packaging

        return self.score_packaged(
            packaging.packaged_folder(model_uri),
            df,
            result_type=result_type,
            override_features=override_features,
            table_versions=table_versions,
        )

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        from feature_store.local import packaging

        spec = FeatureSpec.load(packaging.packaged_folder(model_uri))
        return {name: self.tables.info(name).version for name in sorted({column.table for column in spec.features})}

    def score_packaged(
        self,
        folder: Path,
        df: DataFrame,
        *,
        result_type: str,
        override_features: bool,
        table_versions: Mapping[str, int] | None = None,
    ) -> DataFrame:
        """:meth:`score_batch` for a model whose ``data/feature_store`` folder is at hand."""
        from feature_store.local import packaging

        spec = FeatureSpec.load(folder)
        brought = packaging.check_frame(df, spec, override_features=override_features)
        stored = {name: self.get_table(name=name) for name in dict.fromkeys(column.table for column in spec.features)}
        lookups = packaged_lookups(spec, brought, df.schema, stored, table_versions or {})
        joined = fill_defaults(join(df, lookups, self.tables), spec)
        others = [name for name in spec.included if name not in df.columns]
        wanted = joined.select(*(f"`{name}`" for name in [*df.columns, *others]))
        return packaging.predict(wanted, folder, spec.included, result_type)
