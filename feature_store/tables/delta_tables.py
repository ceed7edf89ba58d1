"""Delta tables in a folder, written.

Two writers produce the same commits. Spark writes anything. Where Spark runs in this process and the rows are few,
delta-rs does the writing, a hundred times faster for a small window. Whoever writes, writes in turn
(:mod:`feature_store.tables.turns`), and tries again upon the newest version if another was faster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import deltalake
import pyarrow as pa

from feature_store.tables.commit import FORMAT, Commit
from feature_store.tables.delta_folder import DeltaFolder, columns_of
from feature_store.tables.folders import remove
from feature_store.tables.properties import FORMAT_PROPERTY
from feature_store.tables.protocol import MANY_FILES, USER_METADATA
from feature_store.tables.spark_writing import check_schema
from feature_store.tables.turns import PATIENCE, in_turn
from feature_store.tables.writing import (
    commit_properties,
    is_just_so,
    merge_rows,
    merge_with_spark,
    within,
    write_rows,
    writing,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

Result = TypeVar("Result")


class DeltaTables(DeltaFolder):
    """:class:`feature_store.tables.protocol.Tables` over a folder of Delta tables."""

    patience = PATIENCE
    """How long a writer waits for its turn."""

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
            if isinstance(path, Path):
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
            stored = set(self.columns(name).names)
            new = [field.jsonValue() for field in schema if field.name not in stored]
            if new:
                fields = deltalake.Schema.from_json(json.dumps({"type": "struct", "fields": new})).fields
                self.open(name).alter.add_columns(list(fields))

        if not set(schema.names) <= set(self.columns(name).names):
            self._in_turn(name, add)

    def describe(self, name: str, *, description: str | None = None, comments: Mapping[str, str]) -> None:
        def change() -> None:
            table = self.open(name)
            if description is not None:
                table.alter.set_table_description(description)
            for column, comment in comments.items():
                table.alter.set_column_metadata(column, {"comment": comment})

        self._in_turn(name, change)

    def append(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="append", predicate=None)

    def overwrite(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int:
        return self._write(name, df, commit, mode="overwrite", predicate=None)

    def replace_window(
        self,
        name: str,
        df: DataFrame | pa.Table,
        *,
        column: str,
        start: datetime,
        end: datetime,
        commit: Commit,
        rows: int | None = None,
    ) -> int:
        predicate = within(column, _schema(df)[column], start=start, end=end)
        return self._write(name, df, commit, mode="overwrite", predicate=predicate, rows=rows)

    def merge(self, name: str, df: DataFrame | pa.Table, *, keys: Sequence[str], commit: Commit) -> int:
        """Insert new keys and update rows that changed; rows that did not are not touched. Rows written."""
        self._check_fits(name, df, self.open(name))
        with self._gathered(df) as (_, arrow):

            def write() -> int:
                table = self.open(name)
                self._check_fits(name, df, table)
                if arrow is None:
                    assert not isinstance(df, pa.Table)
                    return merge_with_spark(self.full_name(name), self.path(name), df, keys=keys, commit=commit)
                written = merge_rows(self.full_name(name), table, arrow, keys=keys, commit=commit)
                self._forget(name)
                return written

            return self._in_turn(name, write)

    def compact(self, name: str, *, commit: Commit) -> None:
        def put_together() -> None:
            table = self.open(name)
            if len(table.file_uris()) >= MANY_FILES:  # somebody else may have done it meanwhile
                table.optimize.compact(commit_properties=commit_properties(commit))
                self._forget(name)

        if len(self.open(name).file_uris()) >= MANY_FILES:
            self._in_turn(name, put_together)

    def drop(self, name: str) -> None:
        if not self.exists(name):
            self.open(name)  # says what there is
        self._in_turn(name, lambda: remove(self.path(name)))

    # ---- how rows are written

    def _write(
        self,
        name: str,
        df: DataFrame | pa.Table,
        commit: Commit,
        *,
        mode: str,
        predicate: str | None,
        rows: int | None = None,
    ) -> int:
        self._check_fits(name, df, self.open(name))
        with self._gathered(df, rows) as (count, arrow):

            def write() -> None:
                table = self.open(name)
                self._check_fits(name, df, table)
                if arrow is not None:
                    write_rows(self.full_name(name), table, arrow, mode=mode, predicate=predicate, commit=commit)
                    self._forget(name)
                    return
                assert not isinstance(df, pa.Table)
                writer = df.write.format("delta").mode(mode).option(USER_METADATA, commit.to_json())
                if predicate:
                    writer = writer.option("replaceWhere", predicate)
                writer.save(str(self.path(name)))

            self._in_turn(name, write)
            return count

    @contextmanager
    def _gathered(self, df: DataFrame | pa.Table, rows: int | None = None) -> Iterator[tuple[int, pa.Table | None]]:
        """Their number and, if they are to be written here, the rows; Spark is not started for those that are here."""
        if isinstance(df, pa.Table):
            yield df.num_rows, df
            return
        from feature_store.tables.gathering import gathered

        with gathered(df, rows=rows, here=self.in_process) as found:
            yield found

    def _check_fits(self, name: str, df: DataFrame | pa.Table, table: deltalake.DeltaTable) -> None:
        check_schema(self.full_name(name), _schema(df), columns_of(table))

    def _in_turn(self, name: str, write: Callable[[], Result]) -> Result:
        def attempt() -> Result:
            with writing(self.full_name(name), self.path(name)):
                return write()

        return in_turn(self.full_name(name), self.path(name), attempt, patience=self.patience)

    def _forget(self, name: str) -> None:
        """Make Spark drop what it has cached of the table; it cannot know that delta-rs has written."""
        if self.engine.running_session() is not None:
            self.spark.catalog.refreshByPath(str(self.path(name)))


def _schema(rows: DataFrame | pa.Table) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(rows.schema, prefer_timestamp_ntz=True) if isinstance(rows, pa.Table) else rows.schema


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
