"""The join by Spark alone: what it does not shuffle, and that a frame is computed once."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from feature_store import FeatureLookup
from feature_store.join import in_spark
from feature_store.join.point_in_time import WAY_SETTING

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def day(number):
    return BEGIN + timedelta(days=number)


def shuffled(df):
    """How many rows the query's largest shuffle took, once it has run."""
    df.collect()
    plans, rows = [df._jdf.queryExecution().executedPlan()], 0
    while plans:
        plan = plans.pop()
        children = plan.children()
        plans += [children.apply(number) for number in range(children.size())]
        if plan.nodeName() == "Exchange":
            rows = max(rows, plan.metrics().apply("shuffleRecordsWritten").value())
    return rows


@pytest.fixture
def by_union(spark):
    spark.conf.set(WAY_SETTING, "union")
    yield
    spark.conf.unset(WAY_SETTING)


@pytest.fixture
def weather(store, frame, by_union):
    """Three stations, with a row on each of a hundred days."""
    rows = [(station, day(number), number) for station in (1, 2, 3) for number in range(100)]
    store.create_table(
        name="weather",
        primary_keys=["station", "known_at"],
        timeseries_column="known_at",
        df=frame(rows, "station int, known_at timestamp, wind int"),
    )


def joined(store, asked, lookback=None):
    lookup = FeatureLookup("weather", "station", timestamp_lookup_key="decided_at", lookback_window=lookback)
    return store.create_training_set(df=asked, feature_lookups=[lookup], label=None).load_df()


def test_rows_that_nobody_can_find_are_not_shuffled(store, weather, frame, monkeypatch):
    asked = frame([(1, day(50)), (2, day(52)), (3, None)], "station int, decided_at timestamp")

    # Two rows that ask, and of two stations the days 0 to 53; of them, with a lookback of ten days, 39 to 53.
    assert shuffled(joined(store, asked)) == 2 + 2 * 54
    assert shuffled(joined(store, asked, lookback=timedelta(days=10))) == 2 + 2 * 15

    # Of too many keys to send them to all workers, all stations'.
    monkeypatch.setattr(in_spark, "MOST_ROWS_TO_FILTER_BY_KEY", 2)
    assert shuffled(joined(store, asked, lookback=timedelta(days=10))) == 2 + 3 * 15


def test_what_is_not_shuffled_is_not_missed(store, weather, frame):
    asked = frame(
        [(1, day(50)), (1, day(0)), (2, BEGIN - timedelta(microseconds=1)), (3, None), (4, day(50))],
        "station int, decided_at timestamp",
    )

    for lookback, wind in ((None, 50), (timedelta(0), 50), (timedelta.max, 50)):
        found = {(row.station, row.decided_at): row.wind for row in joined(store, asked, lookback).collect()}
        assert list(found.values()).count(None) == 3
        assert sorted(value for value in found.values() if value is not None) == [0, wind]


def test_a_frame_of_moments_made_at_random_is_computed_once(store, weather, spark):
    at = F.timestamp_seconds(F.lit(int(BEGIN.timestamp())) + (F.rand() * 99 * 86_400).cast("long"))
    asked = spark.range(200).select((F.col("id") % 3 + 1).cast("int").alias("station"), at.alias("decided_at"))

    since = F.datediff("decided_at", F.lit(BEGIN.date()))
    assert joined(store, asked).where(F.col("wind").isNull() | (F.col("wind") != since)).count() == 0
