"""The join by files: what the conformance suite's few rows do not reach, and when it is not taken."""

import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import deltalake
import numpy as np
import polars as pl
import pytest
from pyspark.errors import PythonException

from feature_store import Misuse
from feature_store.join.in_files import why_not
from feature_store.join.point_in_time import WAY_SETTING, WAYS, join
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import as_rows
from feature_store.local import session
from feature_store.tables.data_files import data_files
from feature_store.tables.delta_tables import DeltaTables

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class OnACluster(DeltaTables):
    """Tables of a cluster's driver, whose workers are here."""

    in_process = False  # type: ignore[assignment]


@pytest.fixture
def tables(spark, tmp_path):
    return DeltaTables(tmp_path / "warehouse", catalog="test", schema="flights", engine=session)


@pytest.fixture
def elsewhere(spark, tmp_path):
    return OnACluster(tmp_path / "warehouse", catalog="test", schema="flights", engine=session)


def moments(seconds):
    return pl.Series(np.asarray(seconds) * 1_000_000 + int(BEGIN.timestamp()) * 1_000_000).cast(
        pl.Datetime("us", "UTC")
    )


def written(tables, name, *files, partition_by=None):
    """A Delta table with a file of each of these frames."""
    place = str(tables.path(name))
    for rows in files:
        deltalake.write_deltalake(place, rows.to_arrow(), mode="append", schema_mode="merge", partition_by=partition_by)
    return place


def lookup(tables, name, *features, key="key", moment="decided_at", lookback=None):
    return ResolvedLookup(
        table=tables.full_name(name),
        version=tables.version(name),
        keys=((key, "key"),),
        outputs=tuple((feature, f"{name}_{feature}") for feature in features),
        times=(moment, "known_at") if moment else None,
        lookback=lookback,
    )


def wind(*rows, **more):
    keys, seconds, values = zip(*rows, strict=True)
    return pl.DataFrame({"key": keys, "known_at": moments(seconds), "wind": values, **more})


def asked(spark, *rows):
    keys, seconds = zip(*rows, strict=True)
    return spark.createDataFrame(pl.DataFrame({"key": keys, "decided_at": moments(seconds)}).to_arrow())


def found(way, spine, lookups, tables):
    return pl.from_arrow(as_rows(WAYS[way](spine, lookups, tables))).sort(pl.all())


@pytest.mark.parametrize("asking", [500, 150_000], ids=["few keys", "many keys"])
def test_many_rows_in_many_files_give_what_the_driver_s_way_gives(spark, tables, asking):
    random = np.random.default_rng(asking)
    keys = np.minimum(random.zipf(1.2, asking), 5_000)
    for name in ("one", "two"):
        slices = [
            pl.DataFrame(
                {
                    "key": np.minimum(random.zipf(1.2, 30_000), 5_000),
                    "known_at": moments(np.arange(number * 30_000, (number + 1) * 30_000)),
                    "text": [f"{name} {row % 977}" for row in range(30_000)],
                }
            ).sample(fraction=1.0, shuffle=True, seed=number)
            for number in range(4)
        ]
        written(tables, name, *slices)
    spine = pl.DataFrame(
        {
            "row": np.arange(asking),
            "key": keys,
            "other": keys[::-1],
            "decided_at": moments(random.integers(20_000, 90_000, asking)),
            "later": moments(random.integers(50_000, 150_000, asking)),
        }
    )
    lookups = [
        lookup(tables, "one", "text"),
        lookup(tables, "two", "text", lookback=timedelta(hours=3)),
        ResolvedLookup("test.flights.one", 3, (("other", "key"),), (("text", "other_text"),), ("later", "known_at")),
        ResolvedLookup("test.flights.two", 3, (("key", "key"),), (("text", "later_text"),), ("later", "known_at")),
    ]
    frame = spark.createDataFrame(spine.to_arrow()).repartition(3)

    assert found("files", frame, lookups, tables).equals(found("driver", frame, lookups, tables))


def test_files_that_nobody_can_need_are_not_read(spark, tables):
    place = written(tables, "weather", wind((1, 0, 1.0)), wind((1, 100, 2.0)), wind((1, 200, 3.0)))
    by_time = sorted(data_files(deltalake.DeltaTable(place), "known_at"), key=lambda file: file.first)
    assert [file.first - by_time[0].first for file in by_time] == [0, 100_000_000, 200_000_000]

    Path(by_time[2].path).unlink()

    assert found("files", asked(spark, (1, 150)), [lookup(tables, "weather", "wind")], tables)[
        "weather_wind"
    ].to_list() == [2.0]


def test_files_that_are_older_than_a_column_give_null(spark, tables):
    written(tables, "weather", wind((1, 0, 1.0)), wind((2, 0, 2.0), gust=[9.0]))
    result = found("files", asked(spark, (1, 5), (2, 5)), [lookup(tables, "weather", "gust", "wind")], tables)
    assert result.drop("decided_at").rows() == [(1, None, 1.0), (2, 9.0, 2.0)]


def test_a_table_that_is_rewritten_between_plan_and_fetch_is_read_as_it_was_and_one_whose_files_are_gone_is_named(
    spark, tables
):
    place = written(tables, "weather", wind((1, 0, 1.0)), wind((1, 100, 2.0)))
    lookups = [lookup(tables, "weather", "wind")]
    early, late = (WAYS["files"](asked(spark, (1, 150)), lookups, tables) for _ in range(2))

    table = deltalake.DeltaTable(place)
    table.optimize.compact()
    assert [row.weather_wind for row in early.collect()] == [2.0]

    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(PythonException, match=r"Version 1 of table test\.flights\.weather cannot be read: .* VACUUM"):
        late.collect()


def deleted(spark, tables):
    place = written(tables, "weather", wind((1, 0, 1.0), (1, 100, 2.0)))
    spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM delta.`{place}` WHERE wind = 2")


def renamed(spark, tables):
    place = written(tables, "weather", wind((1, 0, 1.0)))
    spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")


def partitioned(spark, tables):
    written(tables, "weather", wind((1, 0, 1.0), (2, 0, 2.0)), partition_by=["key"])


@pytest.mark.parametrize(
    ("made", "reason"), [(deleted, "deletionVectors"), (renamed, "other names"), (partitioned, "partitioned")]
)
def test_a_table_whose_files_do_not_say_all_is_joined_by_spark_alone_and_it_is_said(
    spark, elsewhere, caplog, made, reason
):
    made(spark, elsewhere)
    lookups = [lookup(elsewhere, "weather", "wind")]
    with pytest.raises(Misuse, match=f"{reason}.*pipeline.join.way"):
        WAYS["files"](asked(spark, (1, 150)), lookups, elsewhere)

    with caplog.at_level(logging.WARNING):
        joined = join(asked(spark, (1, 150)), lookups, elsewhere)

    assert reason in caplog.text
    assert [row.weather_wind for row in joined.collect()] == [1.0]
    assert "Window" in str(joined._jdf.queryExecution().optimizedPlan().toString())


def test_a_cluster_joins_by_files_and_by_spark_alone_where_its_workers_cannot_read_them(spark, elsewhere, caplog):
    place = written(elsewhere, "weather", wind((1, 0, 1.0)))
    lookups = [lookup(elsewhere, "weather", "wind")]
    assert spark.conf.get(WAY_SETTING, None) is None

    joined = join(asked(spark, (1, 5)), lookups, elsewhere)
    assert [row.weather_wind for row in joined.collect()] == [1.0]
    assert "MapInArrow" in str(joined._jdf.queryExecution().optimizedPlan().toString())

    (file,) = Path(place).glob("*.parquet")
    file.unlink()
    assert "The workers cannot read the tables' files: FileNotFoundError" in str(why_not(spark, lookups, elsewhere))


def test_of_a_large_file_the_few_rows_that_are_wanted_come_with_values_of_every_type(spark, tables):
    numbers = range(200)
    values = {
        "text": [None if row % 3 == 0 else f"row {row}" for row in numbers],
        "list": [[row, None] if row % 2 else None for row in numbers],
        "a": [{"b": row} for row in numbers],
        "a.b": [-row for row in numbers],
        "price": [Decimal(row).scaleb(-2) for row in numbers],
        "opened": [date(2024, 1, 1) + timedelta(days=row) for row in numbers],
    }
    keys = {"key": list(numbers), "known_at": moments([0] * 200)}
    written(tables, "shops", pl.DataFrame({**keys, **values}), pl.DataFrame({**keys, "known_at": moments([5] * 200)}))

    result = found("files", asked(spark, (7, 3), (6, 3), (7, 3), (7, 9)), [lookup(tables, "shops", *values)], tables)

    seven = ("row 7", [7, None], {"b": 7}, -7, Decimal("0.07"), date(2024, 1, 8))
    six = (None, None, {"b": 6}, -6, Decimal("0.06"), date(2024, 1, 7))
    assert sorted(result.drop("decided_at").rows(), key=str) == sorted(
        [(7, *seven), (6, *six), (7, *seven), (7, *[None] * 6)], key=str
    )
