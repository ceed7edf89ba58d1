"""Feature tables of the Databricks store: checked here, made, written and tagged by the vendor's client."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import StructField, StructType

from feature_store.databricks.unity_tables import UnityTables
from feature_store.declare.table import FeatureTable
from feature_store.errors import Misuse, suggestion
from feature_store.publish.feature_table_checks import (
    check_fits,
    check_key_columns,
    check_keys,
    check_moment,
    check_same,
    check_version,
)
from feature_store.publish.publication import Publication
from feature_store.publish.publishing import publish_rows
from feature_store.tables.commit import Commit
from feature_store.tables.properties import OWNER
from feature_store.tables.spark_writing import committing
from feature_store.tables.stored import StoredFeatureTable


class FeatureTables:
    """Feature tables of Unity Catalog, through the vendor's client."""

    def __init__(self, client: Any, tables: UnityTables) -> None:
        self.client = client
        self.tables = tables

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
        keys = [primary_keys] if isinstance(primary_keys, str) else list(primary_keys)
        columns = schema or (df.schema if df is not None else None)
        if columns is None:
            raise Misuse(f"Feature table {name!r} needs a schema or a df.")
        full = self.tables.full_name(name)
        ordered = check_key_columns(name, keys, timeseries_column, columns)
        is_new = not self.tables.exists(name)
        if not is_new:
            check_same(self.get_table(name=name), ordered, timeseries_column, columns)
        else:
            self.client.create_table(
                name=full,
                primary_keys=ordered,
                timeseries_column=timeseries_column,
                partition_columns=partition_columns,
                schema=columns,
                description=description,
                tags=dict(tags or {}),
            )
        if df is not None:
            try:
                self.write_table(name=name, df=df)
            except Exception:
                if is_new:
                    self.tables.drop(name)
                raise
        return self.get_table(name=name)

    def get_table(self, *, name: str) -> StoredFeatureTable:
        return self.table_at(name, None)

    def table_at(self, name: str, version: int | None) -> StoredFeatureTable:
        """The feature table with the columns of ``version``; None: as it is. Keys and tags are those of now."""
        schema = self.tables.columns(name, version=version)
        properties = self.tables.properties(name)
        told = self._told(name)
        keys = list(told.primary_keys)
        return StoredFeatureTable(
            name=told.name,
            description=told.description or "",
            owner=properties.get(OWNER, ""),
            primary_keys=keys,
            timestamp_keys=list(told.timestamp_keys),
            features=schema.names,
            schema=StructType([StructField(f.name, f.dataType, f.name not in keys, f.metadata) for f in schema]),
            tags=dict(told.tags),
            version=self.tables.version(name) if version is None else version,
            table_id=told.table_id,
        )

    def _told(self, name: str) -> Any:
        """What the vendor's client tells of a table that is there."""
        full = self.tables.full_name(name)
        try:
            return self.client.get_table(name=full)
        except ValueError as error:
            raise Misuse(f"Table {full} is not a feature table: it declares no primary keys.") from error

    def _name(self, name: str) -> str:
        """The full name of a feature table that is there."""
        self.tables.check_is_there(name)
        return str(self._told(name).name)

    def read_table(
        self,
        *,
        name: str,
        as_of_delta_timestamp: datetime | str | None = None,
        as_of_delta_version: int | None = None,
    ) -> DataFrame:
        check_version(as_of_delta_version, as_of_delta_timestamp)
        return self.tables.read(name, version=as_of_delta_version, timestamp=check_moment(as_of_delta_timestamp))

    def write_table(self, *, name: str, df: DataFrame, mode: str = "merge") -> None:
        if mode != "merge":
            raise Misuse(f"write_table cannot write with mode {mode!r}. {suggestion(mode, ['merge'])}")
        if df.isStreaming:
            raise Misuse("write_table takes a batch data frame; this one streams. Use foreachBatch.")
        stored = self.get_table(name=name)
        check_keys(df, stored.primary_keys, stored.name)
        check_fits(df.schema, stored)
        with committing(self.tables.spark, Commit(verb="write_table", as_of=datetime.now(UTC))):
            self.client.write_table(name=stored.name, df=df)

    def drop_table(self, *, name: str) -> None:
        self.client.drop_table(name=self._name(name))

    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None:
        self.client.set_feature_table_tag(name=self._name(name), key=key, value=value)

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        self.client.delete_feature_table_tag(name=self._name(name), key=key)

    def create_declared(self, table: FeatureTable, schema: StructType) -> None:
        """Make the declared table, empty; ``schema`` has its comments."""
        self.create_table(
            name=table.name,
            primary_keys=table.primary_keys,
            timeseries_column=table.timeseries_column,
            schema=schema,
            description=table.description,
        )
        self.set_owner(name=table.name, owner=table.owner)

    def set_owner(self, *, name: str, owner: str) -> None:
        """Name who answers for the table."""
        self.tables.set_properties(name, {OWNER: owner})

    def publish_table(
        self, *, table: FeatureTable, df: DataFrame, commit: Commit, dry_run: bool = False
    ) -> Publication:
        return publish_rows(self, table=table, df=df, commit=commit, dry_run=dry_run)
