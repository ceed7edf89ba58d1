"""Feature tables of the local store: the vendor's verbs over Delta tables, and publishing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from feature_store.declare.arguments import check_data_frame, names
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
from feature_store.tables.commit import Commit
from feature_store.tables.delta_tables import DeltaTables
from feature_store.tables.properties import KEYS, OWNER, TAG, TIME
from feature_store.tables.stored import StoredFeatureTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from feature_store.declare.table import FeatureTable


class FeatureTables:
    """Feature tables over the Delta tables of a folder."""

    def __init__(self, tables: DeltaTables) -> None:
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
        from pyspark.sql.types import StructField, StructType

        if partition_columns:
            raise Misuse(
                "Local feature tables are not partitioned: file statistics prune them. Leave partition_columns out."
            )
        keys = names(primary_keys, "primary_keys", or_one=True)
        if df is not None:
            check_data_frame(df)
        columns = schema or (df.schema if df is not None else None)
        if columns is None:
            raise Misuse(f"Feature table {name!r} needs a schema or a df.")
        ordered = check_key_columns(name, keys, timeseries_column, columns)
        wanted = StructType([StructField(f.name, f.dataType, f.name not in ordered, f.metadata) for f in columns])
        is_new = not self.tables.exists(name)
        if not is_new:
            check_same(self.get_table(name=name), ordered, timeseries_column, wanted)
        else:
            properties = {TAG + key: value for key, value in (tags or {}).items()}
            properties |= _identity(ordered, timeseries_column)
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
        return self.table_at(name, None)

    def table_at(self, name: str, version: int | None) -> StoredFeatureTable:
        """The feature table as it was at ``version``; None: as it is."""
        info = self.tables.info(name, version=version)
        if KEYS not in info.properties:
            raise Misuse(f"Table {info.name} is not a feature table: it declares no primary keys.")
        time = info.properties.get(TIME) or None
        return StoredFeatureTable(
            name=info.name,
            description=info.description,
            owner=info.properties.get(OWNER, ""),
            primary_keys=json.loads(info.properties[KEYS]),
            timestamp_keys=[time] if time else [],
            features=info.schema.names,
            schema=info.schema,
            tags={key.removeprefix(TAG): value for key, value in info.properties.items() if key.startswith(TAG)},
            version=info.version,
            table_id=info.table_id,
        )

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
        check_data_frame(df)
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
        self.tables.set_properties(name, {TAG + key: value})

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        self.get_table(name=name)
        self.tables.unset_property(name, TAG + key)

    def create_declared(self, table: FeatureTable, schema: StructType) -> None:
        """Make the declared table, empty; ``schema`` has its comments."""
        keys = check_key_columns(table.name, list(table.primary_keys), table.timeseries_column, schema)
        properties = _identity(keys, table.timeseries_column) | {OWNER: table.owner}
        self.tables.create(table.name, schema, description=table.description or "", properties=properties)

    def set_owner(self, *, name: str, owner: str) -> None:
        """Name who answers for the table."""
        self.tables.set_properties(name, {OWNER: owner})

    def publish_table(
        self, *, table: FeatureTable, df: DataFrame, commit: Commit, dry_run: bool = False
    ) -> Publication:
        from feature_store.publish.publishing import publish_rows

        return publish_rows(self, table=table, df=df, commit=commit, dry_run=dry_run)


def _identity(keys: Sequence[str], time: str | None) -> dict[str, str]:
    return {KEYS: json.dumps(list(keys)), TIME: time or ""}
