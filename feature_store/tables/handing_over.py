"""Rows of this process as a frame of the Spark that runs in it: few through Java's memory, many through a file on this disk.

Many rows in Java's memory are sent to each task as bytes, and read from them value by value. From a file Spark reads whole
columns, its heap holds none of them, and this process writes the file while the next rows are made.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, BinaryType, DataType, DecimalType, MapType, StructType, TimestampNTZType

from feature_store.tables.plain_scans import is_plain

_MOST_BYTES_IN_MEMORY = 32 * 2**20
_ROWS_OF_A_GROUP = 131_072
"""So many rows are read by one task."""
_DISK_SHARE = 4


def frame_of(spark: SparkSession, batches: Iterator[pa.RecordBatch], schema: StructType) -> DataFrame:
    """The rows as a frame; their types are those that Spark's own ``toArrow`` gives for ``schema``.

    A file is one of Spark's own passing ones: it is there as long as Spark runs, since whoever has a frame that was made of this one
    may still read it.
    """
    waiting, size = list[pa.RecordBatch](), 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size > _MOST_BYTES_IN_MEMORY and room_on_disk(spark, schema) >= size:
            return _from_file(spark, chain(waiting, batches), schema)
    return spark.createDataFrame(pa.Table.from_batches(waiting) if waiting else [], schema)


def room_on_disk(spark: SparkSession, schema: StructType) -> int:
    """The most bytes of such rows that may go through a file; 0 if none may: such a type, or files would have to be encrypted."""
    names = [name.casefold() for name in schema.names]
    if spark.conf.get("spark.io.encryption.enabled", "false") == "true" or len(set(names)) < len(names) or not names:
        return 0
    can_be = all(_can_be_written(field.dataType) for field in schema)
    return shutil.disk_usage(_place(spark)).free // _DISK_SHARE if can_be else 0


def _from_file(spark: SparkSession, batches: Iterator[pa.RecordBatch], schema: StructType) -> DataFrame:
    folder = Path(mkdtemp(prefix="rows-", dir=_place(spark)))
    try:
        _write(folder / "rows.parquet", batches, to_arrow_schema(schema, timezone="UTC"))
    except BaseException:
        shutil.rmtree(folder)
        raise
    return spark.read.schema(schema).option("datetimeRebaseMode", "CORRECTED").parquet(folder.as_uri())


def _write(file: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
    """Each batch while the next one is made; neither compressed nor described, since it is read once."""
    how = {"compression": "none", "use_dictionary": False, "write_statistics": False, "store_schema": False}
    with pq.ParquetWriter(file, schema, **how) as writer, ThreadPoolExecutor(1) as beside:
        writing = None
        for batch in batches:
            if writing:
                writing.result()
            writing = beside.submit(writer.write_batch, batch.cast(schema), _ROWS_OF_A_GROUP)
        if writing:
            writing.result()


def _place(spark: SparkSession) -> str:
    """Where PySpark itself puts what it hands to Java; removed when Spark ends."""
    return cast(str, spark.sparkContext._temp_dir)


def _can_be_written(kind: DataType) -> bool:
    """Whether Parquet has the type as Spark has it."""
    if isinstance(kind, StructType):
        return all(_can_be_written(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return _can_be_written(kind.elementType)
    if isinstance(kind, MapType):
        return _can_be_written(kind.keyType) and _can_be_written(kind.valueType)
    return is_plain(kind) or type(kind) in (BinaryType, DecimalType, TimestampNTZType)
