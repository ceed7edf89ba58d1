"""Models of the Databricks store: packaged and scored by the vendor's client, with their lineage beside them."""

import contextlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from feature_store.databricks.training_sets import DatabricksTrainingSet, TrainingSets, looked_up
from feature_store.databricks.translation import Moments
from feature_store.databricks.unity_tables import UnityTables
from feature_store.declare.arguments import names
from feature_store.errors import WrongKind
from feature_store.join import misses
from feature_store.join.definition import with_types
from feature_store.join.misses import TableMisses
from feature_store.package.contents import LINEAGE_FILE, Package
from feature_store.package.protocol import TrainingSet

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.types import Schema


class Models:
    """Models whose features are those of ``training_sets``; the vendor's client packages and scores them."""

    def __init__(self, client: Any, workspace: Path, tables: UnityTables, training_sets: TrainingSets) -> None:
        self.client = client
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
        output_schema: "Schema | None" = None,
        lineage: Mapping[str, object] | None = None,
        **flavor_options: object,
    ) -> "ModelInfo":
        import mlflow

        if not isinstance(training_set, DatabricksTrainingSet):
            raise WrongKind("log_model needs the training_set that create_training_set returned.")
        options = dict(flavor_options) | ({"output_schema": output_schema} if output_schema is not None else {})
        name = self.tables.full_name(registered_model_name) if registered_model_name else None
        with contextlib.ExitStack() as own_run:
            if mlflow.active_run() is None:
                own_run.enter_context(mlflow.start_run(experiment_id=self.experiment(name or artifact_path)))
            logged: ModelInfo = self.client.log_model(
                model=model,
                artifact_path=artifact_path,
                flavor=flavor,
                training_set=training_set.vendor,
                infer_input_example=infer_input_example,
                extra_pip_requirements=names(extra_pip_requirements, "extra_pip_requirements") or None,
                **options,
            )
            known = {"tables": dict(training_set.table_versions), **(lineage or {}), "keys": training_set.keys}
            _add_lineage(logged, known)
            # Registered last: the registry takes the files as they are by then.
            return logged if name is None else _registered(logged, name, await_registration_for)

    def experiment(self, name: str) -> str:
        """The id of the MLflow experiment; on Databricks its name is a path. No server keeps its files: the workspace does."""
        import mlflow

        tracking = mlflow.get_tracking_uri()
        if tracking.startswith("databricks") and not name.startswith("/"):
            name = f"/Shared/{name}"
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        kept_there = tracking.startswith(("databricks", "http"))
        place = None if kept_there else (self.workspace.absolute() / "mlartifacts").as_uri()
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
        from feature_store.package import packaging, scoring

        scoring.check_result_type(result_type)
        package = Package.load(packaging.packaged_folder(model_uri))
        brought = scoring.check_frame(df, package.spec, override_features=override_features)
        versions = table_versions or {}
        definition = self.training_sets.packaged(package, versions, _TRAINED_WITH)
        with_types(definition.only(package.spec.included, brought), df.schema, self.tables.spark)
        if self.tables.have_moved(versions):
            # Features that the frame brings are taken from it: the client has nothing left to look up.
            df = self._looked_up(package, df, brought, versions)
        moments = Moments.of(df, package.spec)
        scored = self.client.score_batch(model_uri=model_uri, df=moments.fill(df), result_type=result_type)
        return moments.put_back(scored)

    def look_up(self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int]) -> DataFrame:
        from feature_store.package import packaging, scoring

        package = Package.load(packaging.packaged_folder(model_uri))
        brought = scoring.check_frame(df, package.spec, override_features=False)
        return self._looked_up(package, df, brought, table_versions)

    def count_misses(
        self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int], fresh: Mapping[str, timedelta]
    ) -> Sequence[TableMisses]:
        from feature_store.package import packaging, scoring

        package = Package.load(packaging.packaged_folder(model_uri))
        brought = scoring.check_frame(df, package.spec, override_features=False)
        packaged = self.training_sets.packaged(package, table_versions, _TRAINED_WITH)
        whole = with_types(packaged.only(package.spec.included, brought), df.schema, self.tables.spark)
        return misses.count_misses(df, whole, self.tables, fresh=fresh)

    def _looked_up(
        self, package: Package, df: DataFrame, brought: Sequence[str], versions: Mapping[str, int]
    ) -> DataFrame:
        """``df`` and the model's features that it did not bring, joined here, as of ``versions``."""
        others = [name for name in package.spec.included if name not in df.columns]
        definition = self.training_sets.packaged(package, versions, _TRAINED_WITH).only(others, brought)
        typed = with_types(definition, df.schema, self.tables.spark)
        return looked_up(df, typed, package.spec, [*df.columns, *others], self.tables)

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        from feature_store.package import packaging

        definition = self.training_sets.packaged(Package.load(packaging.packaged_folder(model_uri)), {}, _TRAINED_WITH)
        return {name: table.version for name, table in sorted(definition.stored.items())}


_TRAINED_WITH = "the model was trained with"


def _add_lineage(logged: "ModelInfo", document: Mapping[str, object]) -> None:
    """Put ``lineage.json`` beside the model's feature spec."""
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data" / "feature_store"
        folder.mkdir(parents=True)
        (folder / LINEAGE_FILE).write_text(json.dumps(document, indent=2, default=str), encoding="utf-8")
        MlflowClient().log_model_artifacts(logged.model_id, temporary)


def _registered(logged: "ModelInfo", name: str, await_registration_for: int | None) -> "ModelInfo":
    import mlflow

    version = mlflow.register_model(logged.model_uri, name, await_registration_for=await_registration_for or 0)
    logged.registered_model_version = version.version
    return logged
