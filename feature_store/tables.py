"""The tables under the store: Delta tables by three-level name, every commit with its lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.lineage import Commit, TableVersion


@dataclass(frozen=True)
class TableInfo:
    """What a table says of itself: its schema, with comments, and its properties, at ``version``."""

    name: str
    schema: StructType
    description: str
    properties: Mapping[str, str]
    version: int


class Tables(Protocol):
    """Delta tables by three-level name (one part is completed with the store's catalog and schema).

    Each writing verb is one Delta commit that carries its :class:`~feature_store.lineage.Commit`, and returns the
    number of rows it wrote. ``create`` makes an empty table; columns that are not nullable refuse nulls for good.
    """

    def full_name(self, name: str) -> str: ...
    def exists(self, name: str) -> bool: ...
    def names(self) -> list[str]: ...
    def info(self, name: str, *, version: int | None = None) -> TableInfo: ...
    def read(self, name: str, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame: ...
    def history(self, name: str) -> list[TableVersion]: ...
    def create(
        self, name: str, schema: StructType, *, description: str = "", properties: Mapping[str, str] | None = None
    ) -> None: ...
    def add_columns(self, name: str, schema: StructType) -> None: ...
    def append(self, name: str, df: DataFrame, *, commit: Commit) -> int: ...
    def overwrite(self, name: str, df: DataFrame, *, commit: Commit) -> int: ...
    def replace_window(
        self, name: str, df: DataFrame, *, column: str, start: datetime, end: datetime, commit: Commit
    ) -> int: ...
    def merge(self, name: str, df: DataFrame, *, keys: Sequence[str], commit: Commit) -> int: ...
    def drop(self, name: str) -> None: ...
