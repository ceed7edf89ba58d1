"""Columns of a Parquet file, a bounded number of rows at a time, with their place in the file."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

_OF_S3 = {
    "AWS_ACCESS_KEY_ID": "access_key",
    "AWS_SECRET_ACCESS_KEY": "secret_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_ENDPOINT_URL": "endpoint_override",
    "AWS_REGION": "region",
}
_BYTES_AT_ONCE, _MOST_ROWS, _WIDTH_OF_A_TEXT = 64 * 2**20, 1_000_000, 64
_FEW = 8
Integers = npt.NDArray[np.int64]


def credentials() -> dict[str, str]:
    """What this process knows of the object store, which its workers need as well: Spark hands it to its own readers too."""
    return {name: value for name, value in os.environ.items() if name in _OF_S3}


def opened(path: str, storage: Mapping[str, str]) -> pq.ParquetFile:
    """The file, on a disk or in an object store, whose ``storage`` are :func:`credentials`."""
    if path.split("://")[0] in ("s3", "s3a"):
        endpoint = storage.get("AWS_ENDPOINT_URL")
        given = {argument: storage[name] for name, argument in _OF_S3.items() if name in storage}
        client = pyarrow.fs.S3FileSystem(**given, scheme="http" if (endpoint or "").startswith("http:") else "https")
        return pq.ParquetFile(path.split("://", 1)[1], filesystem=client)
    if "://" in path:
        client, name = pyarrow.fs.FileSystem.from_uri(path)
        return pq.ParquetFile(name, filesystem=client)
    return pq.ParquetFile(path)


def attempt(
    batches: Iterable[pa.RecordBatch], *, paths: Sequence[str], storage: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Which Polars this worker has, and what keeps it from opening the files."""
    problem = ""
    try:
        for path in paths:
            opened(path, storage).close()
    except Exception as error:  # whatever it is, it is a reason to join otherwise
        problem = f"{type(error).__name__}: {error}"
    for batch in batches:
        versions, problems = [pl.__version__] * len(batch), [problem] * len(batch)
        yield pa.record_batch([pa.array(versions), pa.array(problems)], ["polars", "problem"])


def columns_of_file(
    path: str, schema: pa.Schema, *, table: str, storage: Mapping[str, str], wanted: Integers | None = None
) -> Iterator[tuple[Integers, pa.Table]]:
    """The columns, as ``schema`` has them (null where the file is older than they are), and the rows' numbers in the file, in order.

    Of row groups without a row that is ``wanted`` (row numbers in order, all if None) nothing is read; where few are, others are left out.

    Raises
    ------
    FileNotFoundError
        If the file is gone; the text names the table.
    """
    try:
        file = opened(path, storage)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{table} cannot be read: {path} is not there. VACUUM takes files away once they are old: join again."
            " Or a worker does not have the disk that it is on."
        ) from error
    with file:
        there = set(file.schema_arrow.names)
        names = [field.name for field in schema if field.name in there]
        height = _rows_at_once(schema)
        start = 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            here = None if wanted is None else wanted[slice(*np.searchsorted(wanted, [start, start + rows]))]
            if here is None or len(here) * _FEW >= rows > 0:
                yield from _row_group(file, number, names, schema, start, height)
            elif len(here):
                once = np.unique(here)
                yield once, _few_rows(file, number, names, schema, once - start)
            start += rows


def _row_group(
    file: pq.ParquetFile, number: int, names: list[str], schema: pa.Schema, start: int, height: int
) -> Iterator[tuple[Integers, pa.Table]]:
    if not names:
        rows = file.metadata.row_group(number).num_rows
        yield np.arange(start, start + rows), _as_declared({}, rows, schema)
        return
    for batch in file.iter_batches(height, row_groups=[number], columns=names, use_threads=False):
        # A name with a dot is a path to Parquet, which may give more than was asked for.
        columns = {name: batch.column(batch.schema.get_field_index(name)) for name in names}
        yield np.arange(start, start + batch.num_rows), _as_declared(columns, batch.num_rows, schema)
        start += batch.num_rows


def _few_rows(file: pq.ParquetFile, number: int, names: list[str], schema: pa.Schema, rows: Integers) -> pa.Table:
    """Column by column, each let go before the next is read: what is decoded and not wanted stays small."""
    columns = {}
    for name in names:
        column = file.read_row_group(number, columns=[name], use_threads=False)
        columns[name] = column.column(column.schema.get_field_index(name)).take(pa.array(rows))
    return _as_declared(columns, len(rows), schema)


def _as_declared(columns: Mapping[str, pa.Array | pa.ChunkedArray], height: int, schema: pa.Schema) -> pa.Table:
    """The columns with their declared types; null where there is none."""
    found = [columns[field.name] if field.name in columns else pa.nulls(height, field.type) for field in schema]
    cast = [one if one.type == field.type else one.cast(field.type) for one, field in zip(found, schema, strict=True)]
    return pa.table(cast, schema=schema)


def _rows_at_once(schema: pa.Schema) -> int:
    width = sum(_width(field.type) for field in schema)
    return max(1024, min(_MOST_ROWS, _BYTES_AT_ONCE // max(width, 1)))


def _width(kind: pa.DataType) -> int:
    try:
        return max(int(kind.bit_width) // 8, 1)
    except ValueError:
        return _WIDTH_OF_A_TEXT
