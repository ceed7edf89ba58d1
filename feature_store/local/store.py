"""The local store: the vendor's verbs over Spark, Delta and MLflow, in one workspace folder."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from feature_store.errors import Misuse, StorageError, WrongKind, suggestion
from feature_store.lineage import Commit
from feature_store.local.checks import check_fits, check_key_columns, check_keys, check_moment, check_same, described
from feature_store.local.feature_spec import FeatureSpec
from feature_store.local.point_in_time import join
from feature_store.local.session import spark_session
from feature_store.local.tables import DeltaTables
from feature_store.local.training_set import (
    LocalTrainingSet,
    create_training_set,
    fill_defaults,
    packaged_lookups,
)
from feature_store.lookup import FeatureLookup
from feature_store.store import StoredFeatureTable, TrainingSet
from feature_store.table import FeatureTable

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

_KEYS, _TIME, _OWNER, _TAG = "pipeline.primary_keys", "pipeline.timeseries_column", "pipeline.owner", "pipeline.tag."
_TRACKING, _TRACKING_IS_OURS = "MLFLOW_TRACKING_URI", "PIPELINE_SET_MLFLOW_TRACKING_URI"


class LocalStore:
    """:class:`feature_store.store.FeatureStore` for a laptop or any Spark cluster."""

    def __init__(self, spark: SparkSession, workspace: Path, tables: DeltaTables) -> None:
        self.spark = spark
        self.workspace = workspace
        self.tables = tables

    @classmethod
    def open(cls, *, catalog: str, schema: str, workspace: Path) -> "LocalStore":
        """Open, and create where needed, the workspace.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        workspace = workspace.absolute()
        try:
            for folder in ("warehouse", "reports", "mlartifacts"):
                (workspace / folder).mkdir(parents=True, exist_ok=True)
            if not os.access(workspace / "warehouse", os.W_OK):
                raise PermissionError("permission denied")
        except OSError as error:
            raise StorageError(
                f"The workspace {workspace} cannot be written: {error}. Choose another with --workspace."
            ) from error
        if os.environ.get(_TRACKING) is None or os.environ.get(_TRACKING_IS_OURS):
            os.environ[_TRACKING] = f"sqlite:///{workspace / 'mlflow.db'}"
            os.environ[_TRACKING_IS_OURS] = "1"
        # Users see the pipeline's own progress; MLflow speaks only when something is wrong.
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        spark = spark_session()
        return cls(spark, workspace, DeltaTables(spark, workspace / "warehouse", catalog=catalog, schema=schema))

    @property
    def catalog(self) -> str:
        return self.tables.catalog

    @property
    def schema(self) -> str:
        return self.tables.schema

    @property
    def reports(self) -> Path:
        return self.workspace / "reports"

    # ---- feature tables

    def create_table(
        self,
        *,
        name: str,
        primary_keys: str | Sequence[str],
        df: DataFrame | None = None,
        timeseries_column: str | None = None,
        partition_columns: str | Sequence[str] | None = None,
        schema: StructType | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> StoredFeatureTable:
        if partition_columns:
            raise Misuse(
                "Local feature tables are not partitioned: file statistics prune them. Leave partition_columns out."
            )
        keys = [primary_keys] if isinstance(primary_keys, str) else list(primary_keys)
        columns = schema or (df.schema if df is not None else None)
        if columns is None:
            raise Misuse(f"Feature table {name!r} needs a schema or a df.")
        ordered = check_key_columns(name, keys, timeseries_column, columns)
        wanted = StructType([StructField(f.name, f.dataType, f.name not in ordered, f.metadata) for f in columns])
        is_new = not self.tables.exists(name)
        if not is_new:
            check_same(self.get_table(name=name), ordered, timeseries_column, wanted)
        else:
            properties = {_KEYS: json.dumps(ordered), _TIME: timeseries_column or ""}
            properties |= {_TAG + key: value for key, value in (tags or {}).items()}
            self.tables.create(name, wanted, description=description or "", properties=properties)
        if df is not None:
            try:
                self.write_table(name=name, df=df)
            except Exception:
                if is_new:
                    self.tables.drop(name)
                raise
        return self.get_table(name=name)

    def get_table(self, *, name: str) -> StoredFeatureTable:
        info = self.tables.info(name)
        if _KEYS not in info.properties:
            raise Misuse(f"Table {info.name} is not a feature table: it declares no primary keys.")
        time = info.properties.get(_TIME) or None
        return StoredFeatureTable(
            name=info.name,
            description=info.description,
            owner=info.properties.get(_OWNER, ""),
            primary_keys=json.loads(info.properties[_KEYS]),
            timestamp_keys=[time] if time else [],
            features=info.schema.names,
            schema=info.schema,
            tags={key.removeprefix(_TAG): value for key, value in info.properties.items() if key.startswith(_TAG)},
            version=info.version,
        )

    def read_table(self, *, name: str, as_of_delta_timestamp: datetime | str | None = None) -> DataFrame:
        return self.tables.read(name, timestamp=check_moment(as_of_delta_timestamp))

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        if mode != "merge":
            raise Misuse(f"write_table cannot write with mode {mode!r}. {suggestion(mode, ['merge'])}")
        if df.isStreaming:
            raise Misuse("write_table takes a batch data frame; this one streams. Use foreachBatch.")
        stored = self.get_table(name=name)
        check_keys(df, stored.primary_keys, stored.name)
        check_fits(df.schema, stored)
        self.tables.add_columns(name, df.schema)
        kept = [column for column in stored.features if column not in df.columns]
        if kept:
            old = self.tables.read(name).select(*stored.primary_keys, *kept)
            df = df.join(old, stored.primary_keys, "left")
        commit = Commit(verb="write_table", as_of=datetime.now(UTC))
        self.tables.merge(name, df, keys=stored.primary_keys, commit=commit)

    def drop_table(self, *, name: str) -> None:
        self.get_table(name=name)
        self.tables.drop(name)

    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None:
        self.get_table(name=name)
        self.tables.set_properties(name, {_TAG + key: value})

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        self.get_table(name=name)
        self.tables.unset_property(name, _TAG + key)

    def publish_table(self, *, table: FeatureTable, df: DataFrame, commit: Commit) -> int:
        table.check_columns(df.columns)
        ordered = df.select(*table.columns)
        schema = described(ordered.schema, table)
        cached = ordered.persist()
        try:
            check_keys(cached, list(table.primary_keys), table.name)
            self.create_table(
                name=table.name,
                primary_keys=table.primary_keys,
                timeseries_column=table.timeseries_column,
                schema=schema,
                description=table.description,
            )
            if self.get_table(name=table.name).owner != table.owner:
                self.tables.set_properties(table.name, {_OWNER: table.owner})
            if table.timeseries_column is None or commit.window is None:
                return self.tables.merge(table.name, cached, keys=table.primary_keys, commit=commit)
            start, end = commit.window
            return self.tables.replace_window(
                table.name, cached, column=table.timeseries_column, start=start, end=end, commit=commit
            )
        finally:
            cached.unpersist()

    # ---- training sets and models

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
        ours = os.environ.get(_TRACKING_IS_OURS)
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
