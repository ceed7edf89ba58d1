"""Training sets and models of the local store: joining, packaging, scoring."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from feature_store.declare.arguments import check_data_frame, check_features, check_one_of, names
from feature_store.join.rows import Rows, as_frame
from feature_store.local.feature_tables import FeatureTableVerbs
from feature_store.package.registry import make_ready

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.types import Schema
    from pyspark.sql import DataFrame

    from feature_store.declare.feature import Feature
    from feature_store.declare.function import FeatureFunction
    from feature_store.declare.lookup import FeatureLookup
    from feature_store.join.definition import Definition
    from feature_store.package.contents import FeatureSpecInfo, Package
    from feature_store.package.training_set import LocalTrainingSet
    from feature_store.store import TrainingSet
    from feature_store.tables.stored import StoredFeatureTable

TRACKING_IS_OURS = "PIPELINE_SET_MLFLOW_TRACKING_URI"


class ModelVerbs(FeatureTableVerbs):
    """What :class:`feature_store.local.store.LocalStore` does with training sets and models."""

    workspace: Path

    # ---- training sets

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: Sequence[FeatureLookup | FeatureFunction] | None = None,
        feature_spec: str | None = None,
        features: Sequence[Feature] | None = None,
        label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> LocalTrainingSet:
        from feature_store.package import aggregated, feature_specs
        from feature_store.package.training_set import LocalTrainingSet, checked_spec

        check_one_of(feature_lookups=feature_lookups, feature_spec=feature_spec, features=features)
        check_data_frame(df)
        labels, excluded = names(label, "label", or_one=True), names(exclude_columns, "exclude_columns")
        if features is not None:
            return aggregated.create(df, features, labels, excluded, self.tables)
        if feature_lookups is not None:
            definition, left_out, extra = self._defined(feature_lookups, "feature_lookups"), list[str](), list[str]()
        else:
            package, info = feature_specs.load(feature_spec or "", self.tables)
            definition = self._packaged(package, {}, f"feature spec {info['name']} was made with")
            left_out = [column.name for column in package.spec.columns if not column.include]
            extra = info["extra_pip_requirements"]
        spec, definition = checked_spec(df, definition, labels, [*excluded, *left_out])
        return LocalTrainingSet(df, labels, spec, definition, self.tables, extra)

    def compute_features(self, *, features: Sequence[Feature]) -> DataFrame:
        from feature_store.package import aggregated

        return aggregated.compute_features(features, self.tables)

    def create_feature_spec(
        self,
        *,
        name: str,
        features: Sequence[FeatureLookup | FeatureFunction],
        exclude_columns: Sequence[str] | None = None,
        extra_pip_requirements: Sequence[str] | None = None,
    ) -> FeatureSpecInfo:
        from feature_store.package import feature_specs

        definition = self._defined(features, "features")
        excluded = names(exclude_columns, "exclude_columns")
        requirements = names(extra_pip_requirements, "extra_pip_requirements")
        return feature_specs.create(name, definition, excluded, requirements, self.tables)

    def delete_feature_spec(self, *, name: str) -> None:
        from feature_store.package import feature_specs

        feature_specs.delete(name, self.tables)

    def _defined(self, features: Sequence[FeatureLookup | FeatureFunction], what: str) -> Definition:
        from feature_store.join.definition import define

        tables = check_features(features, what)
        return define(features, {name: self.get_table(name=name) for name in tables}, self.tables.full_name)

    def _packaged(self, package: Package, versions: Mapping[str, int], what: str) -> Definition:
        """What the package defines, once its tables are known to be those it was made with, as of ``versions``."""
        from feature_store.join.definition import packaged
        from feature_store.package.table_checks import check_tables

        stored: dict[str, StoredFeatureTable | None] = {}
        for name in dict.fromkeys(column.table for column in package.spec.features):
            stored[name] = self.table_at(name, versions.get(name)) if self.tables.exists(name) else None
        check_tables(package.spec, package.keys, stored, what=what)
        there = {name: table for name, table in stored.items() if table is not None}
        return packaged(package.spec.features, package.spec.functions, package.code, there)

    # ---- models

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
            return {name: self.tables.info(name).version for name in read}
        definition = self._packaged(package, {}, _TRAINED_WITH)
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
        definition = self._packaged(package, versions, _TRAINED_WITH).only(others, brought)
        whole = with_types(definition, df.schema, df.sparkSession)
        return looked_up(df, whole, spec, [*df.columns, *others], self.tables)


_TRAINED_WITH = "the model was trained with"
