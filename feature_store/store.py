"""The seam: the smallest set of verbs that differs between here and Databricks, in the vendor's words.

:func:`open_store` gives a :class:`FeatureStore`; everything above it (features, training, inference, monitoring) is
written against these protocols only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from feature_store.checks import WARN
from feature_store.errors import Misuse, suggestion

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow.models.model import ModelInfo
    from mlflow.types import Schema
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from feature_store.feature import Feature
    from feature_store.findings import Finding
    from feature_store.function import FeatureFunction
    from feature_store.lineage import Commit
    from feature_store.lookup import FeatureLookup
    from feature_store.table import FeatureTable
    from feature_store.tables import Tables


@dataclass(frozen=True)
class StoredFeatureTable:
    """A feature table as the store has it; attributes as in the vendor's ``FeatureTable`` entity.

    ``primary_keys`` includes the timeseries column, last. ``features`` lists all column names in the table's order.
    """

    name: str
    description: str
    owner: str
    primary_keys: list[str]
    timestamp_keys: list[str]
    features: list[str]
    schema: StructType
    tags: Mapping[str, str]
    version: int
    table_id: str = ""

    @property
    def timeseries_column(self) -> str | None:
        """The timeseries column, or None for a table without time."""
        return self.timestamp_keys[0] if self.timestamp_keys else None

    @property
    def entity_keys(self) -> list[str]:
        """The primary keys without the timeseries column."""
        return [key for key in self.primary_keys if key not in self.timestamp_keys]

    @property
    def feature_columns(self) -> list[str]:
        """All columns that are not keys, in the table's order."""
        return [name for name in self.features if name not in self.primary_keys]


@dataclass(frozen=True)
class Publication:
    """What publishing one window did, or would do.

    Rows written and set aside, features added to the table, texts of it that were renewed, and what the checks found.
    """

    rows: int
    quarantined: int
    added: Sequence[str]
    renewed: Sequence[str]
    findings: Sequence[Finding]

    @property
    def warnings(self) -> list[str]:
        """One clause for each check that failed without stopping the publishing."""
        return [f"{one.check}: {one.found}" for one in self.findings if not one.passed and one.check.on_failure == WARN]


@dataclass(frozen=True)
class FeatureSpecInfo:
    """A stored feature spec: its three-level name, who made it, and when, in milliseconds since 1970."""

    name: str
    creator: str
    creation_timestamp_ms: int


class TrainingSet(Protocol):
    """A data frame and the features that belong to it, not yet joined."""

    @property
    def feature_spec(self) -> object:
        """Which columns there are and where each comes from, in the backend's own form."""
        ...

    @property
    def table_versions(self) -> Mapping[str, int]:
        """Full table names and the Delta versions that :meth:`load_df` reads."""
        ...

    def load_df(self) -> DataFrame:
        """The joined frame: data frame columns less labels, looked-up features, function outputs, labels."""
        ...

    def load_rows(self) -> pa.Table:
        """The rows of :meth:`load_df` in this process, with the same types; they must fit in its memory."""
        ...

    def get_output_columns(self) -> list[str]:
        """The columns of :meth:`load_df`, in its order, without computing anything."""
        ...


class FeatureStore(Protocol):
    """The vendor's verbs, with its parameter names, over tables by three-level name."""

    @property
    def catalog(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def spark(self) -> SparkSession: ...
    @property
    def tables(self) -> Tables: ...
    @property
    def reports(self) -> Path:
        """A folder for what people open from disk."""
        ...

    def experiment(self, name: str) -> str:
        """The id of the MLflow experiment of that name, created where its artifacts belong if it is new."""
        ...

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
    ) -> StoredFeatureTable: ...
    def get_table(self, *, name: str) -> StoredFeatureTable: ...
    def read_table(
        self,
        *,
        name: str,
        as_of_delta_timestamp: datetime | str | None = None,
        as_of_delta_version: int | None = None,
    ) -> DataFrame:
        """The table as it is, or as it was at a moment or a version; an unknown version names those that there are."""
        ...

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None: ...
    def drop_table(self, *, name: str) -> None: ...
    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None: ...
    def delete_feature_table_tag(self, *, name: str, key: str) -> None: ...
    def publish_table(
        self, *, table: FeatureTable, df: DataFrame, commit: Commit, dry_run: bool = False
    ) -> Publication:
        """Replace ``commit.window`` (or merge by key, for a table without time) in the declared table.

        The table is created, or brought up to its declaration; the rows are held against its checks. ``dry_run`` does
        all of it but the writing.

        Raises
        ------
        SchemaMismatch
            If the stored table is another one than the declared.
        InvalidRows
            If keys are null or not unique, or a check fails that must hold. Nothing is written then.
        """
        ...

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: Sequence[FeatureLookup | FeatureFunction] | None = None,
        feature_spec: str | None = None,
        features: Sequence[Feature] | None = None,
        label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> TrainingSet:
        """``df`` with features: of lookups and functions, of the stored feature spec of that name, or aggregated.

        Exactly one of the three is given; ``feature_lookups=[]`` means no features at all. Everything is checked here,
        and the table versions are fixed; nothing is computed before ``load_df()``.
        """
        ...

    def compute_features(self, *, features: Sequence[Feature]) -> DataFrame:
        """One row for each row of the features' source: entity, moment, and the aggregates as of that moment."""
        ...

    def create_feature_spec(
        self,
        *,
        name: str,
        features: Sequence[FeatureLookup | FeatureFunction],
        exclude_columns: Sequence[str] | None = None,
        extra_pip_requirements: Sequence[str] | None = None,
    ) -> FeatureSpecInfo:
        """Keep lookups and functions under a three-level name, for ``create_training_set(feature_spec=name)``."""
        ...

    def delete_feature_spec(self, *, name: str) -> None: ...
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
        """Package the model with its features, log it to the active run (or one of its own) and register it.

        ``output_schema`` stands in for the labels where a training set has none. ``lineage`` is kept with the model,
        beside the table versions. ``flavor_options`` go to ``flavor.save_model``.
        """
        ...

    def score_batch(
        self,
        *,
        model_uri: str,
        df: DataFrame,
        result_type: str = "double",
        override_features: bool = False,
        table_versions: Mapping[str, int] | None = None,
    ) -> DataFrame:
        """``df``, the model's features that it lacks, and ``prediction``; ``table_versions`` pins what is read."""
        ...

    def look_up(self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int]) -> DataFrame:
        """``df`` and the model's features as of these versions, just as :meth:`score_batch` gives them to the model."""
        ...

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        """The feature tables that the model looks up, and their versions of this moment."""
        ...


BACKENDS = ("databricks", "local")


def open_store(
    *,
    catalog: str = "dev",
    schema: str = "flights",
    workspace: str | Path | None = None,
    backend: str | None = None,
) -> FeatureStore:
    """The feature store for ``catalog.schema``, in the workspace folder (or ``PIPELINE_WORKSPACE``, or ``workspace``).

    ``backend`` is ``local`` or ``databricks``; None: what ``PIPELINE_BACKEND`` names, or else ``databricks`` on a
    Databricks runtime and ``local`` anywhere else.

    Raises
    ------
    Misuse
        If there is no such backend, a package for it is missing, or a name cannot be one.
    StorageError
        If the workspace cannot be written, or was written by a newer version of this pipeline.
    """
    there = "databricks" if os.environ.get("DATABRICKS_RUNTIME_VERSION") else "local"
    chosen = backend or os.environ.get("PIPELINE_BACKEND") or there
    place = Path(workspace or os.environ.get("PIPELINE_WORKSPACE") or "workspace")
    if chosen == "databricks":
        from feature_store.databricks import DatabricksStore

        return DatabricksStore.open(catalog=catalog, schema=schema, workspace=place)
    if chosen != "local":
        raise Misuse(f"There is no store backend {chosen!r}. {suggestion(chosen, BACKENDS)}")
    from feature_store.local.store import LocalStore

    return LocalStore.open(catalog=catalog, schema=schema, workspace=place)
