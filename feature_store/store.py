"""The seam: the smallest set of verbs that differs between here and Databricks, in the vendor's words.

:func:`open_store` gives a :class:`FeatureStore`; everything above it (features, training, inference, monitoring) is
written against these protocols only.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from feature_store.errors import Misuse, suggestion
from feature_store.lineage import Commit
from feature_store.lookup import FeatureLookup
from feature_store.table import FeatureTable
from feature_store.tables import Tables

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


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


class TrainingSet(Protocol):
    """A data frame and the features that belong to it, not yet joined."""

    @property
    def table_versions(self) -> Mapping[str, int]:
        """Full table names and the Delta versions that :meth:`load_df` reads."""
        ...

    def load_df(self) -> DataFrame:
        """The joined frame: data frame columns less labels, looked-up features, labels."""
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
    def read_table(self, *, name: str, as_of_delta_timestamp: datetime | str | None = None) -> DataFrame: ...
    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None: ...
    def drop_table(self, *, name: str) -> None: ...
    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None: ...
    def delete_feature_table_tag(self, *, name: str, key: str) -> None: ...
    def publish_table(self, *, table: FeatureTable, df: DataFrame, commit: Commit) -> int:
        """Replace ``commit.window`` (or merge by key, for a table without time) in the declared table; rows written."""
        ...

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: Sequence[FeatureLookup] | None = None,
        label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> TrainingSet: ...
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
    ) -> "ModelInfo": ...
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

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        """The feature tables that the model looks up, and their versions of this moment."""
        ...


BACKENDS = ("local",)


def open_store(
    *, catalog: str = "dev", schema: str = "flights", workspace: str | Path | None = None, backend: str = "local"
) -> FeatureStore:
    """The feature store for ``catalog.schema``, in the workspace folder (or ``PIPELINE_WORKSPACE``, or ``workspace``).

    Raises
    ------
    Misuse
        If there is no such backend, or a name cannot be one.
    StorageError
        If the workspace cannot be written, or was written by a newer version of this pipeline.
    """
    if backend not in BACKENDS:
        raise Misuse(f"There is no store backend {backend!r}. {suggestion(backend, BACKENDS)}")
    from feature_store.local.store import LocalStore

    place = Path(workspace or os.environ.get("PIPELINE_WORKSPACE") or "workspace")
    return LocalStore.open(catalog=catalog, schema=schema, workspace=place)
