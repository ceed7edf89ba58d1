"""Columns of files alone are read in this process, with the rows that Spark reads; all else is left to Spark."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from feature_store.tables.plain_scans import PlainScan, plain_scan

SCHEMA = "courier string, load bigint, stops int, speed double, day date, at timestamp, late boolean"
ROWS = [
    ("anna", 3, 1, 0.1, date(2013, 1, 2), datetime(2013, 1, 2, 10, tzinfo=UTC), True),
    ("bert", 7, 2, float("nan"), date(1969, 12, 31), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), False),
    (None, None, None, None, None, None, None),
]


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA).repartition(2)


@pytest.fixture(scope="module")
def table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The rows as a Delta table, written once."""
    return stored(
        spark.createDataFrame(ROWS, SCHEMA).repartition(2), tmp_path_factory.mktemp("plain") / "rows", "delta"
    )


def stored(rows: DataFrame, folder: Path, form: str) -> DataFrame:
    rows.write.format(form).save(str(folder))
    return rows.sparkSession.read.format(form).load(str(folder))


def scan_of(df: DataFrame) -> PlainScan:
    scan = plain_scan(df)
    assert scan is not None
    return scan


def in_order(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_rows_of_files_are_read_as_spark_reads_them(rows: DataFrame, tmp_path: Path, form: str) -> None:
    df = stored(rows, tmp_path / "a folder, 100% = ü", form)
    scan = scan_of(df)
    assert scan.rows == 3
    assert len(scan.files) == 2
    assert scan.read().schema == df.toArrow().schema
    assert in_order(scan.read()) == in_order(df.toArrow())


def test_moments_that_the_file_keeps_in_64_bits_are_read_as_well(rows: DataFrame, tmp_path: Path) -> None:
    rows.sparkSession.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    try:
        df = stored(rows, tmp_path / "rows", "parquet")
    finally:
        rows.sparkSession.conf.unset("spark.sql.parquet.outputTimestampType")
    assert in_order(scan_of(df).read()) == in_order(df.toArrow())


def test_columns_are_chosen_in_the_order_asked_for(table: DataFrame) -> None:
    df = table.select("speed", "courier")
    assert scan_of(df).read().column_names == ["speed", "courier"]
    assert in_order(scan_of(df).read()) == in_order(df.toArrow())


def test_batches_go_across_files_and_only_the_last_is_shorter(spark: SparkSession, tmp_path: Path) -> None:
    df = stored(spark.range(10).repartition(3), tmp_path / "rows", "parquet")
    batches = list(scan_of(df).batches(4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert sorted(pa.Table.from_batches(batches)["id"].to_pylist()) == list(range(10))


def test_a_version_that_was_asked_for_is_read(spark: SparkSession, tmp_path: Path) -> None:
    folder = str(tmp_path / "rows")
    spark.range(3).write.format("delta").save(folder)
    spark.range(5).write.format("delta").mode("overwrite").save(folder)
    first = spark.read.format("delta").option("versionAsOf", 0).load(folder)
    assert sorted(scan_of(first).read()["id"].to_pylist()) == [0, 1, 2]
    assert scan_of(spark.read.format("delta").load(folder)).rows == 5


def test_an_empty_table_has_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    df = stored(spark.createDataFrame([], SCHEMA), tmp_path / "rows", "parquet")
    scan = scan_of(df)
    assert (scan.rows, list(scan.batches(4)), scan.read().schema) == (0, [], df.toArrow().schema)


@pytest.mark.parametrize(
    "what",
    [
        lambda df: df.where("load > 3"),
        lambda df: df.limit(1),
        lambda df: df.withColumn("load", F.col("load") + 1),
        lambda df: df.select(F.col("load").alias("stops")),
        lambda df: df.union(df),
        lambda df: df.distinct(),
        lambda df: df.withColumn("list", F.array("load")),
        lambda df: df.select(),
        lambda df: df.select("load", "load"),
        lambda df: df.sparkSession.createDataFrame(ROWS, SCHEMA),
    ],
)
def test_what_is_more_than_columns_of_files_is_left_to_spark(table: DataFrame, what) -> None:  # type: ignore[no-untyped-def]
    assert plain_scan(table) is not None
    assert plain_scan(what(table)) is None


def test_a_frame_that_is_cached_is_left_to_spark(table: DataFrame) -> None:
    df = table.select("*").persist()
    assert plain_scan(df.select("*")) is None
    df.unpersist()


def test_partitions_are_left_to_spark(rows: DataFrame, tmp_path: Path) -> None:
    for form in ("delta", "parquet"):
        folder = str(tmp_path / form)
        rows.write.format(form).partitionBy("day").save(folder)
        assert plain_scan(rows.sparkSession.read.format(form).load(folder).select("load")) is None


def test_rows_that_only_the_log_says_are_deleted_are_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    spark.range(0, 10, 1, 1).write.format("delta").option("delta.enableDeletionVectors", "true").save(str(folder))
    spark.sql(f"DELETE FROM delta.`{folder}` WHERE id = 3")
    df = spark.read.format("delta").load(str(folder))
    assert df.count() == 9
    assert plain_scan(df) is None


def test_mapped_columns_are_left_to_spark_since_a_name_in_the_files_may_mean_another_column(
    spark: SparkSession, tmp_path: Path
) -> None:
    table = f"delta.`{tmp_path / 'rows'}`"
    spark.range(1).selectExpr("7L AS load", "8L AS stops").write.format("delta").save(str(tmp_path / "rows"))
    mapped = "'delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5'"
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({mapped})")
    spark.sql(f"ALTER TABLE {table} RENAME COLUMN load TO weight")
    spark.sql(f"ALTER TABLE {table} RENAME COLUMN stops TO load")

    df = spark.sql(f"SELECT load FROM {table}")

    assert [tuple(row) for row in df.collect()] == [(8,)]
    assert plain_scan(df) is None


def test_a_column_that_an_older_file_lacks_or_has_in_another_type_is_left_to_spark(
    spark: SparkSession, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"id": [1], "load": [2]}), tmp_path / "a.parquet")
    for other in ({"id": [1]}, {"id": [1], "load": pa.array([2], pa.int32())}):
        pq.write_table(pa.table(other), tmp_path / "b.parquet")
        df = spark.read.schema("id bigint, load bigint").parquet(str(tmp_path))
        assert plain_scan(df) is None
        assert scan_of(df.select("id")).rows == 2
