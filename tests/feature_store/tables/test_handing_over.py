"""Rows of this process become a frame of Spark's, through memory or through a file: the same frame."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from feature_store.tables import handing_over
from feature_store.tables.handing_over import frame_of, room_on_disk
from tests.frames import assert_df_equality

NIGHT = datetime(1500, 3, 1, 12, 30, 0, 123456)
EVERYTHING = (
    "`a key` int, tiny tinyint, small smallint, large bigint, half float, whole double, yes boolean, text string, raw binary, day date, "
    "at timestamp, wall timestamp_ntz, price decimal(9,2), tags array<string>, about struct<left: int, right: array<double>>, counts map<string, int>"
)
ROWS = [
    (1, 2, 3, 4, 0.5, float("nan"), True, "x'\"é", b"\x00\xff", date(1500, 2, 28), NIGHT.replace(tzinfo=UTC), NIGHT, Decimal("12.30"),
     ["a", None], (1, [0.1, None]), {"a": 1, "b": None}),
    (2, -2, -3, -4, -0.0, float("inf"), False, "", b"", date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 2, 29),
     Decimal("-0.01"), [], (None, []), {}),
    (None,) * 16,
]  # fmt: skip


def batches(rows: list[tuple[object, ...]], schema: StructType) -> Iterator[pa.RecordBatch]:
    """One batch for each row."""
    wanted = to_arrow_schema(schema, timezone="UTC")
    for row in rows:
        yield pa.record_batch(
            [pa.array([value], field.type) for value, field in zip(row, wanted, strict=True)], schema=wanted
        )


def files(df: DataFrame) -> list[str]:
    return list(df.inputFiles())


@pytest.fixture
def by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "_MOST_BYTES_IN_MEMORY", 10)


def test_few_rows_have_no_file(spark: SparkSession) -> None:
    schema = StructType.fromDDL("key int")
    df = frame_of(spark, batches([(1,), (2,)], schema), schema)
    assert [row.key for row in df.collect()] == [1, 2]
    assert files(df) == []


def test_no_rows_are_a_frame_with_the_columns(spark: SparkSession, by_file: None) -> None:
    schema = StructType.fromDDL("key int, text string")
    df = frame_of(spark, iter([]), schema)
    assert (df.schema, df.count()) == (schema, 0)


def test_every_type_comes_out_of_a_file_as_it_went_in(spark: SparkSession, by_file: None) -> None:
    schema = StructType.fromDDL(EVERYTHING)
    df = frame_of(spark, batches(ROWS, schema), schema)
    assert len(files(df)) == 1
    assert df.schema == schema
    assert sorted(map(repr, df.toArrow().to_pylist())) == sorted(
        repr(row) for batch in batches(ROWS, schema) for row in batch.to_pylist()
    )


def test_a_frame_made_of_such_a_frame_reads_it_again_and_again(spark: SparkSession, by_file: None) -> None:
    schema = StructType.fromDDL("key int, value double")
    df = frame_of(spark, batches([(1, 0.5), (2, None), (3, 1.5)], schema), schema)
    doubled = df.selectExpr("key", "value * 2 AS twice").where("key > 1")
    del df
    for _ in range(2):
        assert_df_equality(
            doubled, spark.createDataFrame([(2, None), (3, 3.0)], "key int, twice double"), ignore_row_order=True
        )


@pytest.mark.parametrize(
    "columns", ["key int, KEY int", "key int, span interval day to second", "key int, nothing void"]
)
def test_what_parquet_has_not_goes_through_memory(spark: SparkSession, by_file: None, columns: str) -> None:
    schema = StructType.fromDDL(columns)
    assert room_on_disk(spark, schema) == 0
    df = frame_of(spark, batches([(1, None), (2, None)], schema), schema)
    assert (files(df), df.count(), df.schema) == ([], 2, schema)


def test_where_the_disk_is_full_rows_go_through_memory(
    spark: SparkSession, by_file: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "_DISK_SHARE", 2**80)
    schema = StructType.fromDDL("key int")
    df = frame_of(spark, batches([(1,), (2,)], schema), schema)
    assert (files(df), df.count()) == ([], 2)


def test_of_rows_that_fail_half_way_no_file_is_left(spark: SparkSession, by_file: None) -> None:
    schema = StructType.fromDDL("key int")

    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches([(1,), (2,), (3,), (4,)], schema)
        raise ValueError("no model for row 5")

    before = set(Path(handing_over._place(spark)).iterdir())
    with pytest.raises(ValueError, match="row 5"):
        frame_of(spark, failing(), schema)
    assert set(Path(handing_over._place(spark)).iterdir()) == before
