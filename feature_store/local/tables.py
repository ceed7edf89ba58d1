"""Delta tables in a folder: ``<warehouse>/<catalog>/<schema>/<table>`` and nothing else, no metastore.

Two writers produce the same commits. Spark writes anything. Where the warehouse is a local folder, Spark runs in this
process and the rows are few, delta-rs does the writing, a hundred times faster for a small window.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import deltalake
import polars as pl
import pyarrow as pa
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from feature_store import names as naming
from feature_store.errors import Misuse, NotFound, StorageError, suggestion
from feature_store.lineage import FORMAT, Commit, TableVersion, utc
from feature_store.local.writing import (
    USER_METADATA,
    check_schema,
    commit_properties,
    merge_with_spark,
    writing,
)
from feature_store.tables import TableInfo

FORMAT_PROPERTY = "pipeline.format"
_MOST_ROWS_IN_MEMORY = 2_000_000


class DeltaTables:
    """:class:`feature_store.store.Tables` over a folder of Delta tables."""

    def __init__(self, spark: SparkSession, warehouse: Path, *, catalog: str, schema: str) -> None:
        self.spark = spark
        self.warehouse = warehouse
        self.catalog = naming.check_simple_name(catalog, "catalog")
        self.schema = naming.check_simple_name(schema, "schema")
        self.in_process = (spark.conf.get("spark.master") or "").startswith("local")

    # ---- names and what exists

    def full_name(self, name: str) -> str:
        return naming.full_name(name, catalog=self.catalog, schema=self.schema)

    def path(self, name: str) -> Path:
        """The folder of the table; its name is checked, so it cannot lead out of the warehouse."""
        return self.warehouse.joinpath(*self.full_name(name).split("."))

    def exists(self, name: str) -> bool:
        return (self.path(name) / "_delta_log").is_dir()

    def names(self) -> list[str]:
        folder = self.warehouse / self.catalog / self.schema
        return sorted(log.parent.name for log in folder.glob("*/_delta_log")) if folder.is_dir() else []

    def open(self, name: str, *, version: int | None = None) -> deltalake.DeltaTable:
        """The table through delta-rs.

        Raises
        ------
        NotFound
            If there is no such table.
        StorageError
            If a newer version of this pipeline wrote it.
        """
        if not self.exists(name):
            hint = suggestion(name.split(".")[-1], self.names())
            if not self.names():
                hint = (
                    "The schema is empty: run ingest-sources first, or name another --workspace, --catalog or --schema."
                )
            raise NotFound(f"There is no table {self.full_name(name)}. {hint}")
        try:
            found = deltalake.DeltaTable(str(self.path(name)), version=version)
        except (TableNotFoundError, deltalake.exceptions.DeltaError) as error:
            raise NotFound(f"Table {self.full_name(name)} cannot be read{_at(version)}: {error}") from error
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
        schema = StructType.fromJson(json.loads(found.schema().to_json()))
        return TableInfo(
            self.full_name(name), schema, meta.description or "", dict(meta.configuration), found.version()
        )

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
        self.open(name, version=version)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(str(self.path(name)))

    def _version_at(self, name: str, moment: datetime) -> int:
        versions = [entry.version for entry in self.history(name) if entry.at <= moment]
        if not versions:
            raise NotFound(f"Table {self.full_name(name)} had not been written by {moment:%Y-%m-%d %H:%M:%S} UTC.")
        return max(versions)

    def arrow(
        self, name: str, columns: Sequence[str], *, version: int | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """The columns asked for, read without Spark; ``where`` prunes files by their statistics."""
        lazy = pl.scan_delta(self.open(name, version=version))
        if where is not None:
            lazy = lazy.filter(where)
        return lazy.select(columns).collect()

    # ---- writing

    def create(
        self, name: str, schema: StructType, *, description: str = "", properties: Mapping[str, str] | None = None
    ) -> None:
        configuration = {FORMAT_PROPERTY: str(FORMAT), **(properties or {})}
        path = self.path(name)
        with writing(self.full_name(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            deltalake.DeltaTable.create(
                str(path),
                deltalake.Schema.from_json(schema.json()),
                name=self.full_name(name).split(".")[-1],
                description=description,
                configuration=cast("Mapping[str, str | None]", configuration),
                raise_if_key_not_exists=False,
            )

    def set_properties(self, name: str, properties: Mapping[str, str]) -> None:
        """Add or replace table properties."""
        with writing(self.full_name(name)):
            self.open(name).alter.set_table_properties(dict(properties), raise_if_not_exists=False)

    def unset_property(self, name: str, key: str) -> None:
        """Remove one table property; nothing happens if it is not set."""
        self.open(name)
        with writing(self.full_name(name)):
            self.spark.sql(f"ALTER TABLE delta.`{self.path(name)}` UNSET TBLPROPERTIES IF EXISTS ('{_quoted(key)}')")

    def add_columns(self, name: str, schema: StructType) -> None:
        """Add those columns of ``schema`` that the table does not have yet, as nullable ones."""
        stored = set(self.info(name).schema.names)
        new = StructType([field for field in schema if field.name not in stored])
        if new.fields:
            with writing(self.full_name(name)):
                self.open(name).alter.add_columns(list(deltalake.Schema.from_json(new.json()).fields))

    def append(self, name: str, df: DataFrame, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="append", predicate=None)

    def overwrite(self, name: str, df: DataFrame, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="overwrite", predicate=None)

    def replace_window(
        self, name: str, df: DataFrame, *, column: str, start: datetime, end: datetime, commit: Commit
    ) -> int:
        by_day = df.schema[column].dataType.simpleString() == "date"
        first, last = (_first_midnight(m) if by_day else f"{utc(m):%Y-%m-%dT%H:%M:%S.%fZ}" for m in (start, end))
        predicate = f"`{column}` >= '{first}' AND `{column}` < '{last}'"
        return self._write(name, df, commit, mode="overwrite", predicate=predicate)

    def merge(self, name: str, df: DataFrame, *, keys: Sequence[str], commit: Commit) -> int:
        """Insert new keys and update rows that changed; rows that did not are not touched. Rows written."""
        with self._gathered(name, df) as (_, arrow), writing(self.full_name(name)):
            if arrow is None:
                return merge_with_spark(str(self.path(name)), df, keys, commit)
            current = self.arrow(name, arrow.column_names)
            given = cast(pl.DataFrame, pl.from_arrow(arrow))
            changed = given.join(current, on=given.columns, how="anti", nulls_equal=True)
            if changed.is_empty():
                return 0
            (
                self.open(name)
                .merge(
                    self._as_stored(name, changed.to_arrow()),
                    predicate=" AND ".join(f"t.`{key}` = s.`{key}`" for key in keys),
                    source_alias="s",
                    target_alias="t",
                    commit_properties=commit_properties(commit),
                )
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute()
            )
            self._forget(name)
            return changed.height

    def drop(self, name: str) -> None:
        self.open(name)
        with writing(self.full_name(name)):
            shutil.rmtree(self.path(name))

    # ---- how rows are written

    def _write(self, name: str, df: DataFrame, commit: Commit, *, mode: str, predicate: str | None) -> int:
        with self._gathered(name, df) as (rows, arrow), writing(self.full_name(name)):
            if arrow is None:
                writer = df.write.format("delta").mode(mode).option(USER_METADATA, commit.to_json())
                if predicate:
                    writer = writer.option("replaceWhere", predicate)
                writer.save(str(self.path(name)))
                return rows
            deltalake.write_deltalake(  # type: ignore[call-overload]
                str(self.path(name)),
                self._as_stored(name, arrow),
                mode=mode,
                predicate=predicate,
                commit_properties=commit_properties(commit),
            )
            self._forget(name)
            return rows

    def _forget(self, name: str) -> None:
        """Make Spark drop what it has cached of the table; it cannot know that delta-rs has written."""
        self.spark.catalog.refreshByPath(str(self.path(name)))

    @contextmanager
    def _gathered(self, name: str, df: DataFrame) -> Iterator[tuple[int, pa.Table | None]]:
        """The rows' number and, if they are few and Spark runs here, the rows themselves; computed once."""
        check_schema(self.full_name(name), df.schema, self.info(name).schema)
        already_cached = df.is_cached
        cached = df if already_cached else df.persist()
        try:
            rows = cached.count()
            yield rows, (cached.toArrow() if self.in_process and rows <= _MOST_ROWS_IN_MEMORY else None)
        finally:
            if not already_cached:
                cached.unpersist()

    def _as_stored(self, name: str, arrow: pa.Table) -> pa.Table:
        """``arrow`` with the table's own column order, types and nullability."""
        schema = pa.schema(self.open(name).schema().to_arrow())
        try:
            return arrow.select(schema.names).cast(schema)
        except ValueError as error:
            raise Misuse(f"{self.full_name(name)} refuses these rows: {error}. Nothing was written.") from error


def _first_midnight(moment: datetime) -> str:
    """The first day that begins at or after ``moment``."""
    return f"{utc(moment) + timedelta(days=1, microseconds=-1):%Y-%m-%d}"


def _at(version: int | None) -> str:
    return "" if version is None else f" at version {version}; its history may have been vacuumed"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
