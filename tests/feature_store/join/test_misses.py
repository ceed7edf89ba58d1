"""Misses by hand: a row that is not there is one, a null in a row that is there is none; every way to join counts alike."""

import math
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pyspark.sql import SparkSession

from feature_store import FeatureLookup, FeatureStore, open_store
from feature_store.join.definition import define
from feature_store.join.misses import TableMisses, ages, count_misses, rows_and_ages
from feature_store.join.point_in_time import WAY_SETTING
from tests.couriers import MICROSECOND, at, frame

ASKED = "id bigint, courier string, district string, home string, decided_at timestamp"
LOADS, DISTRICTS = "test.misses.loads", "test.misses.districts"


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    store = open_store(catalog="test", schema="misses", workspace=tmp_path_factory.mktemp("misses"))
    loads = [("ann", at("2"), 1), ("ann", at("5"), None), ("bob", at("3"), 2)]
    store.create_table(
        name="loads",
        primary_keys=["courier", "known_at"],
        timeseries_column="known_at",
        df=frame(spark, loads, "courier string, known_at timestamp, open_orders bigint"),
    )
    store.create_table(
        name="districts",
        primary_keys="district",
        df=frame(
            spark, [("old town", 2.0, "red"), ("docks", None, None)], "district string, kilometres double, zone string"
        ),
    )
    store.create_table(name="zones", primary_keys="zone", df=frame(spark, [("red", 4.5)], "zone string, fee double"))
    return store


@pytest.fixture(params=["automatic", "driver", "files", "union"])
def way(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[str]:
    spark.conf.set(WAY_SETTING, request.param)
    yield request.param
    spark.conf.unset(WAY_SETTING)


def counted(
    store: FeatureStore, rows: list[tuple[object, ...]], *lookups: FeatureLookup, fresh: timedelta | None = None
) -> list[TableMisses]:
    stored = {one.table_name: store.get_table(name=one.table_name) for one in lookups}
    definition = define(lookups, stored, store.tables.full_name)
    within = {LOADS: fresh} if fresh else {}
    return count_misses(frame(store.spark, rows, ASKED), definition, store.tables, fresh=within)


LOAD = FeatureLookup("loads", "courier", timestamp_lookup_key="decided_at", lookback_window=timedelta(days=2))
FOUND_AND_MISSED = [
    (1, "ann", None, None, at("2")),  # found: known at the very moment
    (2, "ann", None, None, at("6")),  # found: the row is there, and its value is null
    (3, "ann", None, None, at("4")),  # found: exactly as old as the lookback
    (4, "carl", None, None, at("6")),  # an unseen key
    (5, "bob", None, None, at("3") - MICROSECOND),  # seen only after the decision
    (6, "ann", None, None, at("4") + MICROSECOND),  # outside the lookback
    (7, None, None, None, at("6")),  # a null key
    (8, "ann", None, None, None),  # a null moment
]


@pytest.mark.usefixtures("way")
def test_a_miss_is_an_unseen_key_one_seen_too_late_or_too_old_and_a_null_key_or_moment_but_no_null_value(store) -> None:
    assert counted(store, FOUND_AND_MISSED, LOAD) == [TableMisses(LOADS, 5)]


@pytest.mark.usefixtures("way")
def test_a_row_that_is_found_but_older_than_it_should_be_is_stale_and_no_miss(store) -> None:
    assert counted(store, FOUND_AND_MISSED, LOAD, fresh=timedelta(days=1)) == [TableMisses(LOADS, 5, 1)]  # row 3


@pytest.mark.usefixtures("way")
def test_a_row_exactly_as_old_as_may_be_is_fresh(store) -> None:
    assert counted(store, [(1, "ann", None, None, at("3"))], LOAD, fresh=timedelta(days=1)) == [
        TableMisses(LOADS, 0, 0)
    ]


@pytest.mark.usefixtures("way")
def test_a_table_without_time_is_missed_by_unseen_and_null_keys(store) -> None:
    rows = [
        (1, None, "docks", None, None),
        (2, None, "hills", None, None),
        (3, None, None, None, None),
    ]

    assert counted(store, rows, FeatureLookup("districts", "district")) == [TableMisses(DISTRICTS, 2)]


@pytest.mark.usefixtures("way")
def test_a_row_that_misses_two_lookups_in_one_table_counts_once(store) -> None:
    rows = [(1, None, "hills", "woods", None), (2, None, "docks", "woods", None), (3, None, "docks", "docks", None)]
    work = FeatureLookup("districts", "district", feature_names="kilometres")
    home = FeatureLookup("districts", "home", feature_names="kilometres", rename_outputs={"kilometres": "from_home"})

    assert counted(store, rows, work, home) == [TableMisses(DISTRICTS, 2)]


def test_a_key_that_another_lookup_gives_is_looked_up_first(store) -> None:
    rows = [(1, None, "old town", None, None), (2, None, "docks", None, None), (3, None, "hills", None, None)]
    lookups = (FeatureLookup("districts", "district"), FeatureLookup("zones", "zone"))

    assert counted(store, rows, *lookups) == [TableMisses(DISTRICTS, 1), TableMisses("test.misses.zones", 2)]


def test_nobody_misses_nothing(store) -> None:
    assert counted(store, [], LOAD, fresh=timedelta(days=1)) == [TableMisses(LOADS, 0, 0)]


@pytest.mark.usefixtures("way")
def test_the_age_of_what_is_found_is_from_when_it_was_known_to_the_decision(store) -> None:
    """Null where nothing is found; NaN where a table has no time; the older of two lookups in one table."""
    day = 24 * 60 * 60.0
    district, by_home = (
        FeatureLookup("districts", "district"),
        FeatureLookup(
            "loads", "home", timestamp_lookup_key="decided_at", lookback_window=timedelta(days=2),
            rename_outputs={"open_orders": "others"},
        ),
    )  # fmt: skip
    lookups = [LOAD, district, by_home]
    definition = define(
        lookups, {one.table_name: store.get_table(name=one.table_name) for one in lookups}, store.tables.full_name
    )
    rows = [
        (1, "ann", "docks", "bob", at("3")),
        (2, "ann", "hills", "nobody", at("2")),
        (3, None, "docks", "bob", at("3")),
        (4, "bob", "docks", "ann", at("5") + MICROSECOND),
    ]

    found = ages(frame(store.spark, rows, ASKED), definition, store.tables)

    assert found.column_names == [LOADS, DISTRICTS]
    loads = sorted(found[LOADS].to_pylist(), key=lambda age: (age is None, age))
    assert loads == [day, None, None, None]  # ann's is a day old, bob's new; bob's of the 3rd is too old for the 5th
    districts = found[DISTRICTS].to_pylist()
    assert (districts.count(None), sum(age is not None and math.isnan(age) for age in districts)) == (1, 3)


@pytest.mark.usefixtures("way")
def test_rows_come_with_their_ages_by_one_search_whatever_they_are_looked_up_by(store) -> None:
    """The zone that fees are looked up by is a feature itself, and the moment is no column that is asked for."""
    lookups = [
        FeatureLookup("zones", "zone"), LOAD,
        FeatureLookup("districts", "district", feature_names=["kilometres", "zone"], default_values={"kilometres": 9.0}),
    ]  # fmt: skip
    definition = define(
        lookups, {one.table_name: store.get_table(name=one.table_name) for one in lookups}, store.tables.full_name
    )
    asked = [
        (1, "ann", "old town", None, at("3")),  # a day old
        (2, "ann", "docks", None, at("5")),  # new, with a null in it; the district is there, and has no zone
        (3, "bob", "hills", None, at("9")),  # too old; there is no such district
    ]

    rows, found = rows_and_ages(
        frame(store.spark, asked, ASKED), definition, store.tables, ["fee", "id", "kilometres", "open_orders"]
    )

    assert found.column_names == ["test.misses.zones", LOADS, DISTRICTS]
    by_id = sorted(zip(rows.arrow.to_pylist(), found.to_pylist(), strict=True), key=lambda pair: pair[0]["id"])
    assert repr(by_id) == repr([  # NaN is not equal to NaN
        ({"fee": 4.5, "id": 1, "kilometres": 2.0, "open_orders": 1},
         {"test.misses.zones": math.nan, LOADS: 86400.0, DISTRICTS: math.nan}),
        ({"fee": None, "id": 2, "kilometres": None, "open_orders": None},
         {"test.misses.zones": None, LOADS: 0.0, DISTRICTS: math.nan}),
        ({"fee": None, "id": 3, "kilometres": None, "open_orders": None},
         {"test.misses.zones": None, LOADS: None, DISTRICTS: None}),
    ])  # fmt: skip
