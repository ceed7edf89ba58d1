"""The tables under the store: Delta tables by three-level name, every commit with its lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import deltalake
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from feature_store.tables.commit import Commit, TableVersion

USER_METADATA = "userMetadata"
"""Where Delta's history keeps what a writer says of its commit."""
MANY_FILES = 50
"""From so many files on a table that small writes are appended to is compacted."""


@dataclass(frozen=True)
class TableInfo:
    """What a table says of itself: its schema, with comments, and its properties, at ``version``.

    ``table_id`` is another one once a table was dropped and made again under the same name.
    """

    name: str
    schema: StructType
    description: str
    properties: Mapping[str, str]
    version: int
    table_id: str = ""


class Engine(Protocol):
    """The Spark that the tables are read and written by, where delta-rs is not enough."""

    def spark_session(self) -> SparkSession:
        """The session, started if there is none."""
        ...

    def running_session(self) -> SparkSession | None:
        """The session, if there is one."""
        ...

    def expect(self, spark: SparkSession, *, rows: int) -> None:
        """A table of so many rows is about to be read."""
        ...


class Tables(Protocol):
    """Delta tables by three-level name (one part is completed with the store's catalog and schema).

    Each writing verb is one Delta commit that carries its :class:`~feature_store.tables.commit.Commit`, and returns the
    number of rows it wrote. ``create`` makes an empty table; columns that are not nullable refuse nulls for good.
    """

    @property
    def catalog(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def in_process(self) -> bool:
        """Whether Spark runs in this process, so that rows that fit may come here."""
        ...

    def full_name(self, name: str) -> str: ...
    def exists(self, name: str) -> bool: ...
    def names(self) -> list[str]: ...
    def info(self, name: str, *, version: int | None = None) -> TableInfo:
        """All that the table says of itself; to ask Unity Catalog costs several times what its version or columns do."""
        ...

    def version(self, name: str) -> int:
        """The newest version."""
        ...

    def columns(self, name: str, *, version: int | None = None) -> StructType: ...
    def read(self, name: str, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame: ...
    def collect(self, name: str, columns: Sequence[str], *, only: Mapping[str, object] | None = None) -> pa.Table:
        """Columns that are known to fit in this process; without Spark where that can be.

        ``only`` names columns, and the values that rows must have in them.
        """
        ...

    def history(self, name: str) -> list[TableVersion]: ...
    def create(
        self, name: str, schema: StructType, *, description: str = "", properties: Mapping[str, str] | None = None
    ) -> None: ...
    def add_columns(self, name: str, schema: StructType) -> None: ...
    def append(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int: ...
    def overwrite(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int: ...
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
        """Replace the rows with ``column`` in ``[start, end)``; ``rows``: the number of the new ones, if known."""
        ...

    def describe(self, name: str, *, description: str | None = None, comments: Mapping[str, str]) -> None:
        """Change the table's description, if one is given, and the comments of the columns named."""
        ...

    def merge(self, name: str, df: DataFrame | pa.Table, *, keys: Sequence[str], commit: Commit) -> int: ...
    def compact(self, name: str, *, commit: Commit) -> None:
        """Put the files together once there are :data:`MANY_FILES`: each small write leaves one, and each costs readers time."""
        ...

    def drop(self, name: str) -> None: ...


@runtime_checkable
class TablesInFiles(Tables, Protocol):
    """Tables whose files this process may read by itself, so that rows and their number are had without Spark."""

    def open(self, name: str, *, version: int | None = None) -> deltalake.DeltaTable: ...
    def rows(self, name: str, *, version: int | None = None) -> int:
        """How many rows the table has, by its log."""
        ...

    def arrow(
        self, name: str, columns: Sequence[str], *, version: int | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame: ...
