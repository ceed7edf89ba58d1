"""A Delta table for Polars, wherever it lies."""

from urllib.parse import unquote

import deltalake
import polars as pl
import pyarrow as pa

_AS_SPARK_WRITES = pl.ScanCastOptions(datetime_cast=["nanosecond-downcast", "convert-timezone"])


def scan(table: deltalake.DeltaTable) -> pl.LazyFrame:
    """The table's rows, read when asked for.

    The log names a file by its address, where a blank or an umlaut in the folder's name is written as ``%20`` or
    ``%C3%BC``; Polars takes that for the name itself. There the files are named as they are on the disk.
    """
    addresses = table.file_uris()
    if not any("%" in address for address in addresses):
        return pl.scan_delta(table)
    schema = pl.DataFrame(pa.schema(table.schema().to_arrow()).empty_table()).schema
    names = [unquote(address) for address in addresses]
    return pl.scan_parquet(names, schema=schema, missing_columns="insert", cast_options=_AS_SPARK_WRITES)
