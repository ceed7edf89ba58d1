"""A Delta table as a frame of Spark's.

delta-rs has read the log by then, so Spark is told the data files of a small table and reads nothing but them. Delta's own
reader asks the log anew, in several queries for each new version: that takes longer than reading few rows. What a
table's files alone do not say (deleted rows, renamed columns, widened types) is left to Delta's reader, and so are tables of
many files, of which it passes over those that a filter cannot want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import deltalake

from feature_store.tables.objects import Place
from feature_store.tables.without_pandas import added_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

MOST_FILES = 32
"""Spark lists more than these in a job of its own."""
MOST_BYTES = 32 * 2**20
_READER_WITHOUT_FEATURES = 1
_PATTERNS = frozenset("*?[]{}\\,")
"""Spark would take a path with one of these for a pattern."""


def frame(spark: SparkSession, place: Place, table: deltalake.DeltaTable, columns: StructType) -> DataFrame:
    """The rows of ``table``, at the version that it is open at; its ``columns`` are nullable to Spark."""
    files = files_of(table) if _is_plain(place, table) else None
    if files is None:
        return spark.read.format("delta").option("versionAsOf", table.version()).load(str(place))
    if not files:
        from pyspark.sql.pandas.types import to_arrow_schema

        return spark.createDataFrame(to_arrow_schema(columns, timezone="UTC").empty_table(), columns)
    return spark.read.schema(columns).parquet(*files)


def _is_plain(place: Place, table: deltalake.DeltaTable) -> bool:
    """Whether the table is small, and its rows are those in its files, no more and no less."""
    if table.protocol().min_reader_version != _READER_WITHOUT_FEATURES or table.metadata().partition_columns:
        return False
    if _PATTERNS & set(str(place)):
        return False
    sizes = added_files(table, flat=False)["size_bytes"].to_pylist()
    return len(sizes) <= MOST_FILES and sum(sizes) <= MOST_BYTES


def files_of(table: deltalake.DeltaTable) -> list[str]:
    """The table's data files, named as they are on the disk.

    The log names a file by its address, where a blank or an umlaut in the folder's name is written as ``%20`` or
    ``%C3%BC``.
    """
    return [unquote(address) for address in table.file_uris()]
