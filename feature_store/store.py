"""The seam: the smallest set of verbs that differs between here and Databricks, in the vendor's words.

:func:`feature_store.open_store` gives a :class:`FeatureStore`; everything above it (features, training, inference, monitoring) is
written against these protocols only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.types import Schema
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from feature_store.declare.feature import Feature
    from feature_store.declare.function import FeatureFunction
    from feature_store.declare.lookup import FeatureLookup
    from feature_store.declare.table import FeatureTable
    from feature_store.join.misses import TableMisses
    from feature_store.package.contents import FeatureSpecInfo
    from feature_store.package.protocol import TrainingSet
    from feature_store.publish.publication import Publication
    from feature_store.tables.commit import Commit
    from feature_store.tables.protocol import Tables
    from feature_store.tables.stored import StoredFeatureTable


class FeatureStore(Protocol):
    """The vendor's verbs, with its parameter names, over tables by three-level name."""

    @property
    def catalog(self) -> str:
        """What a name of one part is completed with, before the schema."""
        ...

    @property
    def schema(self) -> str:
        """What a name of one part is completed with."""
        ...

    @property
    def spark(self) -> SparkSession:
        """The Spark session, started when it is first asked for."""
        ...

    @property
    def tables(self) -> Tables:
        """The Delta tables under the feature tables: sources, scores and metrics are there, too."""
        ...

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
    ) -> StoredFeatureTable:
        """Make a feature table of the columns of ``schema``, or of ``df`` and then with its rows.

        ``primary_keys`` name the entity; ``timeseries_column``, one of them or beside them, the moment at which a row
        was known. A table that is there already is returned if its keys and columns are these.

        Raises
        ------
        SchemaMismatch
            If there is a table of that name with other keys or columns; the difference is told.
        InvalidRows
            If a key or moment in ``df`` is null, or a key with its moment there twice. No table is left then.
        Misuse, WrongKind
            If an argument cannot be right; ``partition_columns`` is one, where file statistics prune instead.
        """
        ...

    def get_table(self, *, name: str) -> StoredFeatureTable:
        """Keys, columns, owner, tags and version of a feature table.

        Raises
        ------
        NotFound
            If there is no such table; the closest names are suggested.
        Misuse
            If it is a table without primary keys, and so no feature table.
        """
        ...

    def read_table(
        self,
        *,
        name: str,
        as_of_delta_timestamp: datetime | str | None = None,
        as_of_delta_version: int | None = None,
    ) -> DataFrame:
        """The table as it is, or as it was at a moment or a version; an unknown version names those that there are."""
        ...

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        """Merge the rows of ``df`` into the table by its keys, in one commit.

        Columns that only ``df`` has are added to the table; those that only the table has keep their values.

        Raises
        ------
        InvalidRows
            If a key or moment is null, or a key with its moment there twice; rows are named. Nothing is written then.
        SchemaMismatch
            If a column has another type than in the table.
        Misuse
            If ``mode`` is not ``merge``, or ``df`` streams.
        ConcurrentWrite
            If others kept changing the same table, however often it was tried again.
        """
        ...

    def drop_table(self, *, name: str) -> None:
        """Remove the table, its history included; NotFound if there is none."""
        ...

    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None:
        """Set a tag of the table, in the place of its former value."""
        ...

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        """Take a tag off the table, if it has it."""
        ...

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
        and the table versions are fixed; nothing is computed before ``load_df()``. ``label`` names columns of ``df``, and
        may be None; ``exclude_columns`` are looked up by but kept from the model.

        Raises
        ------
        NotFound
            If a table, feature or column does not exist; the closest names are suggested.
        Misuse, WrongKind
            If lookups and ``df`` do not go together: keys of other types, two outputs of one name, a feature that
            ``df`` has already.
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

    def delete_feature_spec(self, *, name: str) -> None:
        """Remove the stored feature spec; models that were made with it are not touched. NotFound if there is none."""
        ...

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
        beside the table versions. ``flavor_options`` go to ``flavor.save_model``; ``flavor`` is one of MLflow's modules.

        Raises
        ------
        Misuse, WrongKind
            If there is no training set of this store's, or an argument is of another kind.
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
        """``df``, the model's features that it lacks, and ``prediction`` of the Spark type ``result_type``.

        ``df`` brings the model's keys and moments; its rows come back all of them, in any order. Features that it brings
        are taken from it only with ``override_features``. ``table_versions`` pins what is read; without, it is what
        there is when this is called.

        Raises
        ------
        NotFound
            If there is no such model in the configured registry.
        Misuse
            If the model was packaged without features, ``df`` lacks a column that it requires, or brings a feature.
        """
        ...

    def look_up(self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int]) -> DataFrame:
        """``df`` and the model's features as of these versions, just as :meth:`score_batch` gives them to the model."""
        ...

    def count_misses(
        self, *, model_uri: str, df: DataFrame, table_versions: Mapping[str, int], fresh: Mapping[str, timedelta]
    ) -> Sequence[TableMisses]:
        """By feature table, the rows that find nothing there as of these versions, or only older rows than ``fresh`` says."""
        ...

    def feature_versions(self, *, model_uri: str) -> Mapping[str, int]:
        """The feature tables that the model looks up, and their versions of this moment."""
        ...
