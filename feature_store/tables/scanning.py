"""A Delta table for Polars, wherever it lies."""

from collections.abc import Sequence
from urllib.parse import unquote

import deltalake
import polars as pl

from feature_store.tables.reading import files_of
from feature_store.tables.without_pandas import added_files

_AS_SPARK_WRITES = pl.ScanCastOptions(datetime_cast=["nanosecond-downcast", "convert-timezone"])
_MOST_FILES = 64
_READER_WITHOUT_FEATURES = 1


def scan(table: deltalake.DeltaTable) -> pl.LazyFrame:
    """The table's rows, read when asked for; Polars would take a file's address for its name."""
    names = files_of(table)
    return pl.scan_delta(table) if names == table.file_uris() else _scan_files(table, names)


def newest_rows(table: deltalake.DeltaTable, columns: Sequence[str], *, most: int) -> pl.DataFrame:
    """At most so many rows, of the files that were written last, and of few files.

    What a table's files alone do not say (deleted rows, renamed columns) is left to Polars' own reader, and so is which
    rows it finds first.
    """
    if table.protocol().min_reader_version != _READER_WITHOUT_FEATURES or table.metadata().partition_columns:
        return scan(table).select(columns).head(most).collect()
    written = added_files(table, flat=False).select(["path", "modification_time"]).to_pylist()
    at = {_last_part(unquote(one["path"])): one["modification_time"] for one in written}
    names = sorted(files_of(table), key=lambda name: at[_last_part(name)], reverse=True)[:_MOST_FILES]
    return _scan_files(table, names).select(columns).head(most).collect()


def _scan_files(table: deltalake.DeltaTable, names: Sequence[str]) -> pl.LazyFrame:
    schema = pl.Schema(table.schema().to_arrow())
    if not names:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(list(names), schema=schema, missing_columns="insert", cast_options=_AS_SPARK_WRITES)


def _last_part(path: str) -> str:
    return path.rsplit("/", 1)[-1]
