"""A Delta table for Polars, wherever it lies."""

import deltalake
import polars as pl
import pyarrow as pa

from feature_store.tables.reading import files_of

_AS_SPARK_WRITES = pl.ScanCastOptions(datetime_cast=["nanosecond-downcast", "convert-timezone"])


def scan(table: deltalake.DeltaTable) -> pl.LazyFrame:
    """The table's rows, read when asked for; Polars would take a file's address for its name."""
    names = files_of(table)
    if names == table.file_uris():
        return pl.scan_delta(table)
    schema = pl.DataFrame(pa.schema(table.schema().to_arrow()).empty_table()).schema
    return pl.scan_parquet(names, schema=schema, missing_columns="insert", cast_options=_AS_SPARK_WRITES)
