"""Rows of a frame that is nothing but columns of files on this machine's disk: read in this process, without a Spark job.

Which files these are Spark says itself: those of the version that the frame is pinned to. All that the files alone do not
say (partitions, deleted rows, mapped columns, other types than the frame's) is left to Spark.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame
from pyspark.sql.types import (
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampType,
)

_MOST_FILES = 1_000
_PLANS, _CATALYST = "org.apache.spark.sql.execution.datasources.", "org.apache.spark.sql.catalyst."
_DELTA = "org.apache.spark.sql.delta."
_KINDS = (
    BooleanType, ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, StringType, DateType, TimestampType
)  # fmt: skip
_OLD_CALENDAR = (b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96")


@dataclass(frozen=True)
class PlainScan:
    """Parquet files, of which each has all columns of ``schema``; Spark's types."""

    files: Sequence[str]
    schema: pa.Schema
    rows: int

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows, so many at a time, across files, and at last what is left; none of the batches is empty."""
        waiting, missing = list[pa.RecordBatch](), rows
        for read in self._read(rows):
            batch = read
            while batch.num_rows:
                waiting.append(batch.slice(0, missing))
                batch, missing = batch.slice(missing), missing - waiting[-1].num_rows
                if not missing:
                    yield _together(waiting)
                    waiting, missing = [], rows
        if waiting:
            yield _together(waiting)

    def read(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self._read(1_000_000), self.schema)

    def _read(self, rows: int) -> Iterator[pa.RecordBatch]:
        for name in self.files:
            with _opened(name) as file:
                for batch in file.iter_batches(rows, columns=self.schema.names):
                    columns = [
                        column if column.type == field.type else column.cast(field.type)
                        for column, field in zip(batch.select(self.schema.names).columns, self.schema, strict=True)
                    ]
                    yield pa.record_batch(columns, schema=self.schema)


def plain_scan(df: DataFrame) -> PlainScan | None:
    """The files that hold the frame's rows, no more and no less; None where that is not sure."""
    if not df.columns or not all(is_plain(field.dataType) for field in df.schema):
        return None
    try:
        files = _files(df)
    except Py4JError:  # another version of Spark or Delta, whose plans are made otherwise
        return None
    if files is None:
        return None
    from pyspark.sql.pandas.types import to_arrow_schema

    wanted, rows = to_arrow_schema(df.schema, timezone="UTC"), 0
    for name in files:
        try:
            with _opened(name) as file:
                if not _has(file, wanted):
                    return None
                rows += file.metadata.num_rows
        except (OSError, pa.ArrowInvalid):  # Spark says what is wrong with it
            return None
    return PlainScan(files, wanted, rows)


def _together(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def is_plain(kind: DataType) -> bool:
    """Whether it is a type of single values that Parquet, Arrow and Spark have alike."""
    # Texts of another collation or of a fixed length are kinds of their own.
    return type(kind) in _KINDS and (not isinstance(kind, StringType) or kind == StringType())


def _opened(name: str) -> pq.ParquetFile:
    return pq.ParquetFile(name, coerce_int96_timestamp_unit="us")


def _has(file: pq.ParquetFile, wanted: pa.Schema) -> bool:
    """Whether the file has each column once, of the type wanted, and moments as the calendar has them today."""
    metadata, there = file.metadata.metadata or {}, file.schema_arrow
    for field in wanted:
        if there.names.count(field.name) != 1 or "." in field.name:
            return False
        if pa.types.is_temporal(field.type) and (
            any(key in metadata for key in _OLD_CALENDAR)
            or metadata.get(b"org.apache.spark.version", b"").startswith(b"2.")
        ):
            return False
        found = there.field(field.name).type
        if found == field.type or (pa.types.is_string(field.type) and pa.types.is_large_string(found)):
            continue
        # Spark writes moments in 96 bits, which name no zone and mean UTC.
        if field.type != pa.timestamp("us", "UTC") or _physical(file, field.name) != "INT96":
            return False
    return True


def _physical(file: pq.ParquetFile, name: str) -> str:
    return str(file.schema.column(file.schema.names.index(name)).physical_type) if name in file.schema.names else ""


def _files(df: DataFrame) -> list[str] | None:
    plan = df._jdf.queryExecution().optimizedPlan()
    chosen = None
    if _class(plan) == _CATALYST + "plans.logical.Project":
        chosen, plan = plan, plan.child()
    if _class(plan) != _PLANS + "LogicalRelation":
        return None
    relation = plan.relation()
    if _class(relation) != _PLANS + "HadoopFsRelation":
        return None
    stored = _schema(relation.dataSchema())
    partitions = _schema(relation.partitionSchema())
    if partitions.fields or not set(df.columns) <= set(stored.names) or len(set(df.columns)) < len(df.columns):
        return None
    if chosen is not None and not all(
        _class(one) == _CATALYST + "expressions.AttributeReference" for one in _each(chosen.projectList())
    ):
        return None
    return _files_of(relation)


def _files_of(relation: Any) -> list[str] | None:
    place, kind = relation.location(), _class(relation.fileFormat())
    if kind == _PLANS + "parquet.ParquetFileFormat" and _class(place) == _PLANS + "InMemoryFileIndex":
        addresses = list(place.inputFiles())
        local = [unquote(urlsplit(address).path) for address in addresses if address.startswith("file:")]
        return local if len(local) == len(addresses) <= _MOST_FILES else None
    if kind != _DELTA + "DeltaParquetFileFormat" or _class(place) != _DELTA + "stats.PreparedDeltaFileIndex":
        return None
    folder, files = str(place.path().toString()), place.preparedScan().files()
    if relation.fileFormat().columnMappingMode().name() != "none" or not folder.startswith("file:"):
        return None
    if files.size() > _MOST_FILES:
        return None
    local = []
    for file in _each(files):
        name = unquote(str(file.path()))
        # A table that was cloned has files elsewhere.
        if file.deletionVector() is not None or ":" in name or name.startswith("/"):
            return None
        local.append(str(PurePosixPath(folder.removeprefix("file:")) / name))
    return local


def _each(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(number) for number in range(sequence.size()))


def _class(of: Any) -> str:
    return str(of.getClass().getName())


def _schema(java: Any) -> StructType:
    return StructType.fromJson(json.loads(java.json()))
