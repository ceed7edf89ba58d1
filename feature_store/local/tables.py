"""Delta tables in a folder: ``<warehouse>/<catalog>/<schema>/<table>`` and nothing else, no metastore.

Two writers produce the same commits. Spark writes anything. Where the warehouse is a local folder, Spark runs in this
process and the rows are few, delta-rs does the writing, a hundred times faster for a small window. Whoever writes,
writes in turn (:mod:`feature_store.local.turns`), and tries again upon the newest version if another was faster.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

import deltalake
import polars as pl
import pyarrow as pa
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from feature_store import names as naming
from feature_store.errors import NotFound, StorageError, suggestion
from feature_store.lineage import FORMAT, Commit, TableVersion, utc
from feature_store.local.folders import check_log, damaged, is_table, remove
from feature_store.local.gathering import gathered
from feature_store.local.scanning import scan
from feature_store.local.time_travel import check_readable, no_such_version
from feature_store.local.turns import PATIENCE, in_turn
from feature_store.local.writing import is_just_so, merge_rows, merge_with_spark, within, write_rows, writing
from feature_store.spark_writing import USER_METADATA, check_schema
from feature_store.tables import TableInfo

FORMAT_PROPERTY = "pipeline.format"
Result = TypeVar("Result")
_EMPTY = "The schema is empty: run ingest-sources first, or name another --workspace, --catalog or --schema."


class DeltaTables:
    """:class:`feature_store.store.Tables` over a folder of Delta tables."""

    def __init__(self, spark: SparkSession, warehouse: Path, *, catalog: str, schema: str) -> None:
        self.spark = spark
        self.warehouse = warehouse
        self.catalog = naming.check_simple_name(catalog, "catalog")
        self.schema = naming.check_simple_name(schema, "schema")
        self.in_process = (spark.conf.get("spark.master") or "").startswith("local")
        self.patience = PATIENCE

    # ---- names and what exists

    def full_name(self, name: str) -> str:
        return naming.full_name(name, catalog=self.catalog, schema=self.schema)

    def path(self, name: str) -> Path:
        """The folder of the table; its name is checked, so it cannot lead out of the warehouse."""
        return self.warehouse.joinpath(*self.full_name(name).split("."))

    def exists(self, name: str) -> bool:
        return is_table(self.path(name))

    def names(self) -> list[str]:
        folder = self.warehouse / self.catalog / self.schema
        return sorted(place.name for place in folder.iterdir() if is_table(place)) if folder.is_dir() else []

    def open(self, name: str, *, version: int | None = None) -> deltalake.DeltaTable:
        """The table through delta-rs.

        Raises
        ------
        NotFound
            If there is no such table.
        StorageError
            If a newer version of this pipeline wrote it, or its log is damaged.
        """
        if not self.exists(name):
            existing = self.names()
            hint = suggestion(name.split(".")[-1], existing) if existing else _EMPTY
            raise NotFound(f"There is no table {self.full_name(name)}. {hint}")
        check_log(self.full_name(name), self.path(name))
        try:
            found = deltalake.DeltaTable(str(self.path(name)), version=version)
        except (TableNotFoundError, deltalake.exceptions.DeltaError) as error:
            if version is not None:
                self.open(name)
                raise no_such_version(self.full_name(name), self.path(name), version) from error
            raise damaged(self.full_name(name), self.path(name), str(error).split("\n")[0]) from error
        written_as = found.metadata().configuration.get(FORMAT_PROPERTY, "1")
        if int(written_as) > FORMAT:
            raise StorageError(
                f"Table {self.full_name(name)} has format {written_as}; this version of the pipeline reads up to "
                f"{FORMAT}. Upgrade it, or point --workspace elsewhere."
            )
        return found

    def rows(self, name: str, *, version: int | None = None) -> int:
        """How many rows the table has, from its log."""
        return self.open(name, version=version).count()

    def info(self, name: str, *, version: int | None = None) -> TableInfo:
        found = self.open(name, version=version)
        meta = found.metadata()
        description, properties = meta.description or "", dict(meta.configuration)
        return TableInfo(self.full_name(name), _columns(found), description, properties, found.version(), str(meta.id))

    def history(self, name: str) -> list[TableVersion]:
        return [
            TableVersion(
                version=entry["version"],
                at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                operation=entry.get("operation", ""),
                commit=Commit.from_json(entry.get(USER_METADATA)),
            )
            for entry in self.open(name).history()
        ]

    # ---- reading

    def read(self, name: str, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        if timestamp is not None:
            version = self._version_at(name, utc(timestamp))
        # Without a version, each action on a frame would read the newest one: a frame is of one version.
        found = self._open_whole(name, version)
        return self.spark.read.format("delta").option("versionAsOf", found.version()).load(str(self.path(name)))

    def _open_whole(self, name: str, version: int | None) -> deltalake.DeltaTable:
        """The table; of an old version, all data files are known to be there."""
        found = self.open(name, version=version)
        if version is not None:
            check_readable(self.full_name(name), self.path(name), found)
        return found

    def _version_at(self, name: str, moment: datetime) -> int:
        versions = [entry.version for entry in self.history(name) if entry.at <= moment]
        if not versions:
            raise NotFound(f"Table {self.full_name(name)} had not been written by {moment:%Y-%m-%d %H:%M:%S} UTC.")
        return max(versions)

    def arrow(
        self, name: str, columns: Sequence[str], *, version: int | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """The columns asked for, read without Spark; ``where`` prunes files by their statistics."""
        lazy = scan(self._open_whole(name, version))
        return (lazy if where is None else lazy.filter(where)).select(columns).collect()

    # ---- writing

    def create(
        self, name: str, schema: StructType, *, description: str = "", properties: Mapping[str, str] | None = None
    ) -> None:
        configuration = {FORMAT_PROPERTY: str(FORMAT), **(properties or {})}
        path = self.path(name)

        def make() -> None:
            if self.exists(name) and is_just_so(self.info(name), schema, configuration):
                return
            deltalake.DeltaTable.create(
                str(path),
                deltalake.Schema.from_json(schema.json()),
                name=self.full_name(name).split(".")[-1],
                description=description,
                configuration=cast("Mapping[str, str | None]", configuration),
                raise_if_key_not_exists=False,
            )

        with writing(self.full_name(name), path):
            path.mkdir(parents=True, exist_ok=True)
        self._in_turn(name, make)

    def set_properties(self, name: str, properties: Mapping[str, str]) -> None:
        """Add or replace table properties."""
        self._in_turn(
            name, lambda: self.open(name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)
        )

    def unset_property(self, name: str, key: str) -> None:
        """Remove one table property; nothing happens if it is not set."""
        self.open(name)
        statement = f"ALTER TABLE delta.`{self.path(name)}` UNSET TBLPROPERTIES IF EXISTS ('{_quoted(key)}')"
        self._in_turn(name, lambda: self.spark.sql(statement))

    def add_columns(self, name: str, schema: StructType) -> None:
        """Add those columns of ``schema`` that the table does not have yet, as nullable ones."""

        def add() -> None:
            stored = set(self.info(name).schema.names)
            new = StructType([field for field in schema if field.name not in stored])
            if new.fields:
                self.open(name).alter.add_columns(list(deltalake.Schema.from_json(new.json()).fields))

        if not set(schema.names) <= set(self.info(name).schema.names):
            self._in_turn(name, add)

    def describe(self, name: str, *, description: str | None = None, comments: Mapping[str, str]) -> None:
        def change() -> None:
            table = self.open(name)
            if description is not None:
                table.alter.set_table_description(description)
            for column, comment in comments.items():
                table.alter.set_column_metadata(column, {"comment": comment})

        self._in_turn(name, change)

    def append(self, name: str, df: DataFrame, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="append", predicate=None)

    def overwrite(self, name: str, df: DataFrame, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="overwrite", predicate=None)

    def replace_window(
        self,
        name: str,
        df: DataFrame,
        *,
        column: str,
        start: datetime,
        end: datetime,
        commit: Commit,
        rows: int | pa.Table | None = None,
    ) -> int:
        predicate = within(column, df.schema[column], start=start, end=end)
        return self._write(name, df, commit, mode="overwrite", predicate=predicate, rows=rows)

    def merge(self, name: str, df: DataFrame, *, keys: Sequence[str], commit: Commit) -> int:
        """Insert new keys and update rows that changed; rows that did not are not touched. Rows written."""
        self._check_fits(name, df, self.open(name))
        with gathered(df, rows=None, here=self.in_process) as (_, arrow):

            def write() -> int:
                table = self.open(name)
                self._check_fits(name, df, table)
                if arrow is None:
                    return merge_with_spark(self.full_name(name), self.path(name), df, keys=keys, commit=commit)
                written = merge_rows(self.full_name(name), table, arrow, keys=keys, commit=commit)
                self._forget(name)
                return written

            return self._in_turn(name, write)

    def drop(self, name: str) -> None:
        if not self.exists(name):
            self.open(name)  # says what there is
        self._in_turn(name, lambda: remove(self.path(name)))

    # ---- how rows are written

    def _write(
        self,
        name: str,
        df: DataFrame,
        commit: Commit,
        *,
        mode: str,
        predicate: str | None,
        rows: int | pa.Table | None = None,
    ) -> int:
        self._check_fits(name, df, self.open(name))
        with gathered(df, rows=rows, here=self.in_process) as (count, arrow):

            def write() -> None:
                table = self.open(name)
                self._check_fits(name, df, table)
                if arrow is not None:
                    write_rows(self.full_name(name), table, arrow, mode=mode, predicate=predicate, commit=commit)
                    self._forget(name)
                    return
                writer = df.write.format("delta").mode(mode).option(USER_METADATA, commit.to_json())
                if predicate:
                    writer = writer.option("replaceWhere", predicate)
                writer.save(str(self.path(name)))

            self._in_turn(name, write)
            return count

    def _check_fits(self, name: str, df: DataFrame, table: deltalake.DeltaTable) -> None:
        check_schema(self.full_name(name), df.schema, _columns(table))

    def _in_turn(self, name: str, write: Callable[[], Result]) -> Result:
        def attempt() -> Result:
            with writing(self.full_name(name), self.path(name)):
                return write()

        return in_turn(self.full_name(name), self.path(name), attempt, patience=self.patience)

    def _forget(self, name: str) -> None:
        """Make Spark drop what it has cached of the table; it cannot know that delta-rs has written."""
        self.spark.catalog.refreshByPath(str(self.path(name)))


def _columns(table: deltalake.DeltaTable) -> StructType:
    return StructType.fromJson(json.loads(table.schema().to_json()))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
