"""Models of the local store: packaged with their features, and scored by keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from feature_store.declare.arguments import names
from feature_store.join.rows import Rows, as_frame
from feature_store.local.training_sets import TrainingSets
from feature_store.package.registry import make_ready
from feature_store.tables.delta_tables import DeltaTables

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.types import Schema
    from pyspark.sql import DataFrame

    from feature_store.join.misses import TableMisses
    from feature_store.package.contents import Package
    from feature_store.package.protocol import TrainingSet

TRACKING_IS_OURS = "PIPELINE_SET_MLFLOW_TRACKING_URI"


class Models:
    """Models whose features are those of ``training_sets``; their files are kept in the workspace."""

    def __init__(self, workspace: Path, tables: DeltaTables, training_sets: TrainingSets) -> None:
        self.workspace = workspace
        self.tables = tables
        self.training_sets = training_sets

    def log_model(
        self,
        *,
        model: object,
        artifact_path: str,
        flavor: ModuleType,
        training_set: TrainingSet | None = None,
        registered_model_name: str | None = None,
        await_registration_for: int | None = None,
        infer_input_example: bool = False,
        extra_pip_requirements: Sequence[str] | None = None,
        output_schema: Schema | None = None,
        lineage: Mapping[str, object] | None = None,
        **flavor_options: object,
    ) -> ModelInfo:
        import mlflow

        from feature_store.package import packaging

        package = packaging.ModelPackage(
            model=model,
            artifact_path=artifact_path,
            flavor=flavor,
            training_set=packaging.checked(training_set, output_schema, artifact_path),
            lineage=lineage or {},
            output_schema=output_schema,
            infer_input_example=infer_input_example,
            extra_pip_requirements=names(extra_pip_requirements, "extra_pip_requirements"),
            flavor_options=flavor_options,
        )
        name = self.tables.full_name(registered_model_name) if registered_model_name else None
        with ExitStack() as own_run:
            if mlflow.active_run() is None:
                own_run.enter_context(mlflow.start_run(experiment_id=self.experiment(name or artifact_path)))
            return packaging.log_model(
                package, registered_model_name=name, await_registration_for=await_registration_for
            )

    def experiment(self, name: str) -> str:
        """The id of the MLflow experiment; its artifacts go into the workspace unless a server keeps them."""
        import mlflow

        make_ready()
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        ours = os.environ.get(TRACKING_IS_OURS)
        place = (self.workspace / "mlartifacts").as_uri() if ours else None
        try:
            return str(mlflow.create_experiment(name, artifact_location=place))
        except mlflow.exceptions.MlflowException:
            # Another process may have made it just now.
            found = mlflow.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def score_batch(
        self,
        *,
        model_uri: str,
        df: DataFrame,
        result_type: str = "double",
        override_features: bool = False,
        table_versions: Mapping[str, int] | None = None,
    ) -> DataFrame:
        from feature_store.package import packaging

        return self.score_packaged(
            packaging.packaged_folder(model_uri),
            df,
            result_type=result_type,
            override_features=override_features,
            table_versions=table_versions,
        )

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        from feature_store.package import aggregated, packaging
        from feature_store.package.contents import Package
        from feature_store.package.declared_spec import DeclaredSpec

        package = Package.load(packaging.packaged_folder(model_uri))
        if isinstance(package.spec, DeclaredSpec):
            read = aggregated.tables_of(package.spec.declared, self.tables)
            return {name: self.tables.version(name) for name in read}
        definition = self.training_sets.packaged(package, {}, _TRAINED_WITH)
        return {name: table.version for name, table in sorted(definition.stored.items())}

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
        from feature_store.package import scoring
        from feature_store.package.contents import Package

        scoring.check_result_type(result_type)
        package = Package.load(folder)
        brought = scoring.check_frame(df, package.spec, override_features=override_features)
        joined = self._looked_up(package, df, brought, table_versions or {})
        here = self.tables.in_process
        return scoring.predict(joined, folder, package.spec.included, result_type, here=here)

    def look_up(self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int]) -> DataFrame:
        from feature_store.package import packaging, scoring
        from feature_store.package.contents import Package

        package = Package.load(packaging.packaged_folder(model_uri))
        brought = scoring.check_frame(df, package.spec, override_features=False)
        return as_frame(self._looked_up(package, df, brought, table_versions))

    def count_misses(
        self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int], fresh: Mapping[str, timedelta]
    ) -> Sequence[TableMisses]:
        from feature_store.join import misses
        from feature_store.join.definition import with_types
        from feature_store.package import packaging, scoring
        from feature_store.package.contents import Package
        from feature_store.package.declared_spec import DeclaredSpec

        package = Package.load(packaging.packaged_folder(model_uri))
        spec = package.spec
        if isinstance(spec, DeclaredSpec):
            return []
        brought = scoring.check_frame(df, spec, override_features=False)
        definition = self.training_sets.packaged(package, table_versions, _TRAINED_WITH).only(spec.included, brought)
        whole = with_types(definition, df.schema, df.sparkSession)
        return misses.count_misses(df, whole, self.tables, fresh=fresh)

    def _looked_up(
        self, package: Package, df: DataFrame, brought: Sequence[str], versions: Mapping[str, int]
    ) -> DataFrame | Rows:
        """``df`` and the model's features that it did not bring; tables have the columns of the versions read."""
        from feature_store.join.definition import with_types
        from feature_store.package import aggregated
        from feature_store.package.declared_spec import DeclaredSpec
        from feature_store.package.training_set import looked_up

        spec = package.spec
        if isinstance(spec, DeclaredSpec):
            return aggregated.looked_up(spec, df, brought, versions, self.tables)
        others = [name for name in spec.included if name not in df.columns]
        definition = self.training_sets.packaged(package, versions, _TRAINED_WITH).only(others, brought)
        whole = with_types(definition, df.schema, df.sparkSession)
        return looked_up(df, whole, spec, [*df.columns, *others], self.tables)


_TRAINED_WITH = "the model was trained with"
