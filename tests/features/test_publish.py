"""Publishing: however the time is cut, the table is the same; the future is nowhere; bad modules change nothing."""

import random
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal
from pyspark.sql import functions as F

import features
from feature_store import FeatureTable, InvalidRows, SchemaMismatch, Source, open_store
from feature_store.discovery import discover
from feature_store.tables.commit import Commit
from features.flights import aircraft, aircraft_day, origin_congestion
from features.flights.sources import FLIGHT_OUTCOMES, SCHEDULED_FLIGHTS
from features.publish import commit_of_run, main, publish, published_until, rows_of_window
from features.publishing.windows import BEGINNING

AS_OF = datetime(2013, 6, 13, 18, 30, tzinfo=UTC)
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
TABLES = {table.name: table for table in discover(features, FeatureTable).of_schema("flights")}
FUTURE = {"carrier": "ZZ", "tailnum": "N0FUTURE", "dest": "BOS"}


def from_the_future(flights: pd.DataFrame) -> pd.DataFrame:
    """A flight scheduled in the past that left, absurdly late, one microsecond after the as-of moment."""
    late = pd.Timestamp(AS_OF + MICROSECOND)
    row = flights.iloc[[0]].assign(flight_id="ZZ-1", **FUTURE)
    return row.assign(
        departed_at=late, arrived_at=late, departure_delay_minutes=99_999.0, arrival_delay_minutes=99_999.0, is_late=True,
        cancelled_at=pd.NaT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(spark, tmp_path_factory, a_few_days, land):
    """All tables, published once as of the as-of moment; among the flights is one from the future."""
    opened = open_store(catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("publish"))
    land(opened, pd.concat([a_few_days, from_the_future(a_few_days)], ignore_index=True))
    for table in TABLES.values():
        publish(opened, table, as_of=AS_OF)
    return opened


def rows(store, table):
    """The published rows, read without Spark."""
    return store.tables.arrow(table.name, table.columns)


def assert_same_rows(ours, theirs):
    """Both have the same rows, to the last bit, in whatever order."""
    assert_frame_equal(ours, theirs, check_row_order=False, check_exact=True)


# ---- windows


@pytest.mark.parametrize("table", [origin_congestion.TABLE, aircraft_day.TABLE], ids=lambda table: table.name)
def test_one_window_and_seven_windows_publish_the_same_table(store, tmp_path, table):
    cut = open_store(catalog="test", schema="flights", workspace=tmp_path)
    for landed in {source.table for source in table.sources}:
        shutil.copytree(store.tables.path(landed), cut.tables.path(landed))
    first = datetime(2013, 6, 10, 12, tzinfo=UTC)
    # On the grid, between its moments, a microsecond beside it; and two windows without any row.
    ends = [
        first,
        first + HOUR,
        first + 1.5 * HOUR,
        first + 7 * HOUR - MICROSECOND,
        first + 7 * HOUR,
        datetime(2013, 6, 13, 0, 7, tzinfo=UTC),
        AS_OF,
    ]

    for end in ends:
        publish(cut, table, as_of=end)

    assert published_until(cut, table) == AS_OF
    assert len(cut.tables.history(table.name)) >= 7
    assert cut.tables.columns(table.name) == store.tables.columns(table.name)
    assert_same_rows(rows(cut, table), rows(store, table))


@pytest.mark.parametrize("table", [t for t in TABLES.values() if t.timeseries_column], ids=lambda table: table.name)
def test_windows_cut_at_any_moments_hold_the_rows_of_one_window(store, table):
    chance = random.Random(table.name)
    whole = AS_OF - datetime(2013, 6, 10, tzinfo=UTC)
    cuts = sorted(AS_OF - whole * chance.random() for _ in range(3))

    run = commit_of_run(store, table, AS_OF)
    print(*cuts)
    windows = [rows_of_window(store, table, run, window) for window in pairwise([BEGINNING, *cuts, AS_OF])]

    # One by one: Spark takes longer to plan all as one query than to compute them.
    together = pa.concat_tables([window.select(table.columns).toArrow() for window in windows])
    assert_same_rows(pl.from_arrow(together), rows(store, table))


def test_publishing_again_gives_the_same_rows_and_catching_up_with_nothing_writes_nothing(store):
    table = origin_congestion.TABLE
    before, version = rows(store, table), store.tables.version(table.name)

    assert publish(store, table, as_of=AS_OF).rows is None
    assert store.tables.version(table.name) == version

    publish(store, table, as_of=AS_OF, full=True)
    publish(store, table, as_of=AS_OF, start=AS_OF - 30 * HOUR, end=AS_OF - 7.5 * HOUR)
    assert_same_rows(rows(store, table), before)
    assert published_until(store, table) == AS_OF


def test_a_table_without_time_is_passed_over_until_its_sources_change(store):
    assert publish(store, aircraft.TABLE, as_of=AS_OF).rows is None
    assert publish(store, aircraft.TABLE, as_of=AS_OF, full=True).rows == 0


def test_each_commit_tells_its_window_its_sources_and_the_code(store):
    (commit,) = [entry.commit for entry in store.tables.history("airport_weather") if entry.commit]
    assert (commit.verb, commit.as_of, commit.window) == ("publish-features", AS_OF, (BEGINNING, AS_OF))
    assert commit.sources == {"test.flights.weather": store.tables.version("weather")}
    assert commit.details["views"] == ["weather_observations"]
    assert commit.details["module"] == "features.flights.airport_weather"
    assert commit.details["seconds"] > 0
    assert "job" not in commit.details
    assert commit.run
    assert commit.revision
    (fresh,) = [check for check in commit.details["checks"] if check["check"].startswith("newest row")]
    assert fresh["within_seconds"] == 2 * 24 * 3600


def test_a_published_table_carries_its_declaration(store):
    stored = store.get_table(name="origin_congestion")
    declared = origin_congestion.TABLE
    assert (stored.owner, stored.description) == (declared.owner, declared.description)
    assert (stored.primary_keys, stored.features) == (["origin", "known_at"], declared.columns)
    assert {name: stored.schema[name].metadata["comment"] for name in declared.features} == dict(declared.features)


def test_every_row_was_known_before_the_end_of_the_window(store):
    for table in TABLES.values():
        published = rows(store, table).to_pandas()
        assert len(published), table.name
        if table.timeseries_column:
            assert published["known_at"].max() < pd.Timestamp(AS_OF), table.name


# ---- the future


def test_a_row_from_the_future_is_found_in_no_published_table(store):
    for table in TABLES.values():
        published = rows(store, table).to_pandas()
        for key in {"carrier", "tailnum"} & set(published.columns):
            assert not (published[key] == FUTURE[key]).any(), table.name
        for name in published.columns:
            if "delay" in name:
                assert not (published[name] > 5_000).any(), (table.name, name)


def test_a_row_from_the_future_has_no_label_and_its_entity_tells_nothing_but_the_schedule(store):
    assert FLIGHT_OUTCOMES.read(store.tables, as_of=AS_OF).where("flight_id = 'ZZ-1'").isEmpty()
    assert not FLIGHT_OUTCOMES.read(store.tables, as_of=AS_OF + MICROSECOND).where("flight_id = 'ZZ-1'").isEmpty()

    entity = SCHEDULED_FLIGHTS.read(store.tables, as_of=AS_OF).where("flight_id = 'ZZ-1'")
    assert entity.count() == 1
    assert not [
        name
        for name in entity.columns
        if "delay" in name or "late" in name or name in ("departed_at", "arrived_at", "cancelled_at")
    ]


# ---- modules that are wrong

EVENTS = Source(name="events", description="Events", table="events", columns=["origin", "delay"], known_at="known_at")
SCHEMA = "origin string, delay double, known_at timestamp"
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)


def module(compute, **changes):
    facts = {
        "name": "delays",
        "description": "Delays",
        "owner": "us@example.com",
        "primary_keys": ["origin", "known_at"],
        "timeseries_column": "known_at",
        "sources": [EVENTS],
        "features": {"delay": "Minutes"},
        "compute": compute,
    }
    return FeatureTable(**{**facts, **changes})


@pytest.fixture
def events(frame, store):
    """Two events, published once by a module that is right."""
    if not store.tables.exists("events"):
        df = frame([("JFK", 5.0, NOON), ("LGA", None, NOON + HOUR)], SCHEMA)
        store.tables.create("events", df.schema)
        store.tables.append("events", df, commit=Commit(verb="test", as_of=NOON))
        publish(store, module(lambda events: events), as_of=AS_OF)
    return store


@pytest.mark.parametrize(
    ("compute", "error", "text"),
    [
        (lambda events: events.drop("origin"), SchemaMismatch, "The key 'origin' is missing"),
        (lambda events: events.drop("known_at"), SchemaMismatch, "The key 'known_at' is missing"),
        (lambda events: events.withColumnRenamed("delay", "dealy"), SchemaMismatch, "The feature 'delay' is missing; Did you mean dealy"),
        (lambda events: events.withColumn("secret", F.lit(1)), SchemaMismatch, "'secret' is not declared; describe it under features="),
        (lambda events: events.unionByName(events), InvalidRows, "delays: 2 keys with more than one row, for example origin="),
        (lambda events: events.withColumn("origin", F.when(F.col("origin") == "JFK", "JFK")), InvalidRows, "delays: 1 key with a null, for example origin=None, known_at=2013-06-01 13:00:00"),
        (lambda events: events.withColumn("known_at", F.when(F.col("origin") == "JFK", F.col("known_at"))), InvalidRows, "origin=LGA, known_at=None"),
        (lambda events: events.withColumn("delay", F.col("delay").cast("int")), SchemaMismatch, "'delay' is double, and compute.. now gives int"),
    ],
)  # fmt: skip
def test_a_module_that_is_wrong_is_told_what_is_wrong_and_the_table_stays_as_it_was(events, compute, error, text):
    before = events.get_table(name="delays")
    with pytest.raises(error, match=text):
        publish(events, module(compute), as_of=AS_OF, full=True)
    assert events.get_table(name="delays") == before
    assert events.tables.read("delays").count() == 2


def test_a_new_table_that_is_refused_is_not_there_afterwards(events):
    with pytest.raises(InvalidRows):
        publish(events, module(lambda events: events.unionByName(events), name="stillborn"), as_of=AS_OF)
    assert not events.tables.exists("stillborn")


def test_a_window_published_ahead_leaves_no_hole_behind(events):
    table = module(lambda events: events, name="ahead")

    publish(events, table, as_of=AS_OF, start=NOON + HOUR, end=NOON + 2 * HOUR)
    assert published_until(events, table) == BEGINNING
    publish(events, table, as_of=AS_OF)

    assert published_until(events, table) == AS_OF
    assert events.tables.read("ahead").count() == 2


# ---- the command


def run(store, *arguments):
    place = ["--catalog", "test", "--schema", "flights", "--workspace", str(store.workspace)]
    return CliRunner().invoke(main, [*arguments, *place])


def test_the_command_says_what_it_did_and_that_an_empty_window_is_up_to_date(store):
    again = run(store, "airport", "origin_congestion", "--as-of", AS_OF.isoformat())
    assert (again.exit_code, again.output.count("up to date")) == (0, 2), again.output
    assert "test.flights.origin_congestion" in again.output
    assert "published until 2013-06-13 18:30" in again.output

    window = run(
        store, "airport_weather", "--from", "2013-06-10", "--until", "2013-06-11", "--as-of", "2013-06-13T18:30"
    )
    assert window.exit_code == 0, window.output
    assert "72 rows from 2013-06-10 00:00 to 2013-06-11 00:00" in window.output

    nothing = run(
        store,
        "airport_weather",
        "--from",
        "2013-06-10T00:01",
        "--until",
        "2013-06-10T00:02",
        "--as-of",
        "2013-06-13T18:30",
    )
    assert (nothing.exit_code, "0 rows" in nothing.output) == (0, True), nothing.output


def test_a_dry_run_writes_nothing(store):
    version = store.tables.version("origin_congestion")
    said = run(store, "origin_congestion", "--as-of", "2013-06-14", "--dry-run")
    assert "would write 5 rows from 2013-06-13 18:30 to 2013-06-14 00:00" in said.output
    assert store.tables.version("origin_congestion") == version


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["origin_congestoin"], 1, "There is no feature table 'origin_congestoin'. Did you mean origin_congestion"),
        (
            ["airport", "--from", "2013-06-02", "--until", "2013-06-01"],
            1,
            "--from 2013-06-02 00:00 is not before --until 2013-06-01 00:00",
        ),
        (["airport", "--as-of", "last week"], 2, "'last week' is not a moment"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_sentence(store, arguments, code, text):
    done = run(store, *arguments)
    assert done.exit_code == code
    assert text in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_publishing_before_landing_says_what_is_missing(spark, tmp_path):
    done = CliRunner().invoke(main, ["airport_weather", "--workspace", str(tmp_path)])
    assert done.exit_code == 1
    assert "There is no table dev.flights.weather" in done.output
