"""Declared checks hold the rows of each window: what fails is refused, set aside or warned of, and always recorded."""

from datetime import timedelta

import pytest
from pyspark.sql.types import LongType, StructField, StructType

from feature_store import Fresh, InRange, InvalidRows, NullShare, OneOf, RowCount, SchemaMismatch
from features.publish import publish
from tests.features.events import SCHEMA, as_they_are, at, declare, land, rows

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAN = float("nan")


@pytest.fixture
def landed(store, frame):
    """Two good events on the 2nd, and on the 3rd two good and three bad ones."""
    events = [
        ("JFK", 5.0, at(2)), ("LGA", None, at(2)),
        ("JFK", 0.0, at(3)), ("LGA", 60.0, at(3)), ("EWR", 60.5, at(3)), ("EWR", -1.0, at(3, 13)), ("XXX", NAN, at(3)),
    ]  # fmt: skip
    land(store, frame(events, SCHEMA))
    return store


def recorded(store, name="delays"):
    """What the newest commit says of each check."""
    commit = store.tables.history(name)[0].commit
    return [(one["check"], one["passed"], one["rows"], one["found"]) for one in commit.details["checks"]]


@pytest.mark.parametrize("in_process", [True, False], ids=["delta-rs", "Spark"])
def test_rows_that_fail_are_set_aside_with_the_reasons_and_the_others_are_published(landed, in_process):
    landed.tables.in_process = in_process
    table = declare(
        checks=[
            InRange("delay", at_least=0, at_most=60, on_failure="quarantine"),
            OneOf("origin", ["JFK", "LGA", "EWR"], on_failure="quarantine"),
        ]
    )

    done = publish(landed, table, as_of=at(4), start=at(2, 0), end=at(4))

    assert (done.rows, done.chunks[0].quarantined) == (4, 3)
    assert "4 rows from 2013-06-02 00:00 to 2013-06-04 12:00; 3 to delays_quarantine" in done.sentence
    assert rows(landed) == [
        ("JFK", "02T12", 5.0),
        ("JFK", "03T12", 0.0),
        ("LGA", "02T12", None),
        ("LGA", "03T12", 60.0),
    ]
    window = {"start": at(2, 0), "end": at(4)}
    (run,) = {row[-1] for row in rows(landed, "delays_quarantine")}
    range_, known = "delay >= 0 and delay <= 60", "origin in (JFK, LGA, EWR)"
    assert str(rows(landed, "delays_quarantine")) == str([
        ("EWR", "03T12", 60.5, [range_], window, "04T12", run),
        ("EWR", "03T13", -1.0, [range_], window, "04T12", run),
        ("XXX", "03T12", NAN, [range_, known], window, "04T12", run),
    ]).replace("datetime.timezone.utc", "zoneinfo.ZoneInfo(key='UTC')")  # fmt: skip
    assert recorded(landed) == [(range_, False, 3, "3 rows"), (known, False, 1, "1 row")]


def test_a_window_published_again_has_its_rows_in_the_quarantine_once_and_none_when_they_are_right(landed):
    strict = declare(checks=[InRange("delay", at_least=0, at_most=60, on_failure="quarantine")])
    for _ in range(2):
        publish(landed, strict, as_of=at(4), full=True)
    assert len(rows(landed, "delays_quarantine")) == 3

    publish(landed, declare(), as_of=at(4), start=at(3, 13), end=at(4))

    assert [row[:2] for row in rows(landed, "delays_quarantine")] == [("EWR", "03T12"), ("XXX", "03T12")]
    assert len(rows(landed)) == 5


def test_a_refusal_names_check_number_and_examples_and_writes_nothing(landed):
    publish(landed, declare(), as_of=at(3, 0))
    before = landed.get_table(name="delays")
    table = declare(checks=[InRange("delay", at_least=0, at_most=60), NullShare("delay", at_most=0.0)])

    with pytest.raises(InvalidRows) as raised:
        publish(landed, table, as_of=at(4), full=True)

    assert str(raised.value) == (
        "Feature table delays: 3 rows fail the check 'delay >= 0 and delay <= 60', for example "
        "origin=EWR, known_at=2013-06-03 12:00:00, delay=60.5; origin=EWR, known_at=2013-06-03 13:00:00, delay=-1.0; "
        "origin=XXX, known_at=2013-06-03 12:00:00, delay=NaN. "
        "The check 'share of nulls in delay <= 0.0' fails: 14.3% of 7 rows. Nothing was written. "
        "Put the source or compute() right; if the values are right, change the check in the table's module, "
        "or give it on_failure='quarantine' to publish all other rows."
    )
    assert landed.get_table(name="delays") == before
    [row] = landed.tables.collect(
        "refused_publications", ["feature_table", "as_of", "window_start", "window_end", "found"]
    ).to_pylist()
    assert (row["feature_table"], row["as_of"], row["window_end"]) == ("test.flights.delays", at(4), at(4))
    assert row["window_start"] <= at(2)
    assert row["found"].startswith("3 rows fail the check 'delay >= 0 and delay <= 60', for example origin=EWR, ")
    assert row["found"].endswith("delay=NaN. The check 'share of nulls in delay <= 0.0' fails: 14.3% of 7 rows.")


def test_a_dry_run_that_would_be_refused_is_not_recorded_and_null_and_shared_keys_are(landed, frame):
    strict = declare(checks=[InRange("delay", at_least=0, at_most=60)])
    with pytest.raises(InvalidRows):
        publish(landed, strict, as_of=at(4), full=True, dry_run=True)
    assert not landed.tables.exists("refused_publications")

    land(landed, frame([(None, 5.0, at(2)), ("JFK", 6.0, at(2))], SCHEMA))
    for _ in range(2):
        with pytest.raises(InvalidRows, match="Nothing was written"):
            publish(landed, declare(), as_of=at(4))
    found = landed.tables.collect("refused_publications", ["found"])["found"].to_pylist()
    assert found == ["1 key with a null, for example origin=None, known_at=2013-06-02 12:00:00."] * 2


def test_a_refusal_is_told_though_it_cannot_be_recorded(landed):
    landed.tables.create("refused_publications", StructType([StructField("found", LongType())]))
    with pytest.raises(InvalidRows, match="3 rows fail") as raised:
        publish(landed, declare(checks=[InRange("delay", at_least=0, at_most=60)]), as_of=at(4))
    [note] = raised.value.__notes__
    assert note.startswith("Nor could it be recorded in refused_publications: ")


def test_a_warning_publishes_all_rows_and_is_told_and_recorded(landed):
    done = publish(landed, declare(checks=[OneOf("origin", ["JFK", "LGA"], on_failure="warn")]), as_of=at(4))

    assert (done.rows, done.warnings) == (7, ["warning: origin in (JFK, LGA): 3 rows"])
    assert recorded(landed) == [("origin in (JFK, LGA)", False, 3, "3 rows")]


def test_a_row_without_a_key_is_refused_though_it_also_fails_a_check_of_quarantine(landed, frame):
    land(landed, frame([(None, -5.0, at(2))], SCHEMA))

    with pytest.raises(InvalidRows, match="delays: 1 key with a null, for example origin=None"):
        publish(landed, declare(checks=[InRange("delay", at_least=0, on_failure="quarantine")]), as_of=at(4))
    assert not landed.tables.exists("delays_quarantine")


def test_two_rows_of_one_key_may_be_published_when_the_wrong_one_is_set_aside(landed, frame):
    land(landed, frame([("JFK", -5.0, at(2))], SCHEMA))

    publish(landed, declare(checks=[InRange("delay", at_least=0, on_failure="quarantine")]), as_of=at(3, 0))

    assert rows(landed) == [("JFK", "02T12", 5.0), ("LGA", "02T12", None)]


@pytest.mark.parametrize(
    ("as_of", "end", "passed", "found"),
    [
        (at(3, 15), at(3, 15), True, "the newest row, of 2013-06-03 13:00, is 2:00:00 old at 2013-06-03 15:00"),
        (at(3, 16), at(3, 16), False, "the newest row, of 2013-06-03 13:00, is 3:00:00 old at 2013-06-03 16:00"),
        (at(9), at(3, 16), True, "not asked of a window that ends before the as-of moment"),
    ],
    ids=["fresh", "stale", "in the past"],
)
def test_a_table_published_up_to_the_as_of_moment_is_fresh_or_is_not(landed, as_of, end, passed, found):
    check = Fresh(2 * HOUR, on_failure="warn")
    publish(landed, declare(checks=[check]), as_of=as_of, start=at(3, 0), end=end)
    assert recorded(landed) == [(str(check), passed, 0, found)]


def test_an_empty_window_is_fresh_by_the_rows_before_it(landed):
    table = declare(checks=[Fresh(2 * HOUR)])
    publish(landed, declare(), as_of=at(3, 14))

    assert publish(landed, table, as_of=at(3, 15)).rows == 0
    with pytest.raises(InvalidRows, match="the newest row, of 2013-06-03 13:00, is 2:00:01 old"):
        publish(landed, table, as_of=at(3, 15) + timedelta(seconds=1))


def test_the_number_of_rows_is_held_against_the_windows_before(landed, frame):
    table = declare(checks=[RowCount(at_least=1, at_most_change=0.5, on_failure="warn")])
    check = "rows >= 1 and rows within 50% of the windows before"
    publish(landed, table, as_of=at(4, 0), chunk=DAY)  # two rows until noon on the 3rd, then five in half a day

    assert [entry.commit.details["checks"][0]["found"] for entry in landed.tables.history("delays")[:2]] == [
        "5 rows, against 1.0 before",
        "2 rows",
    ]
    land(landed, frame([("JFK", 5.0, at(4))], SCHEMA))
    publish(landed, table, as_of=at(5, 0))
    assert recorded(landed) == [(check, False, 0, "1 row, against 5.0 before")]


def test_a_table_without_time_is_held_against_itself(landed):
    def latest(events):
        return events.groupBy("origin").agg({"delay": "max"}).withColumnRenamed("max(delay)", "delay")

    table = declare(latest, primary_keys=["origin"], timeseries_column=None, checks=[RowCount(at_most_change=0.5)])
    publish(landed, table, as_of=at(4))

    with pytest.raises(InvalidRows, match="'rows within 40% of the windows before' fails: 2 rows, against 4.0 before"):
        publish(
            landed,
            declare(latest, primary_keys=["origin"], timeseries_column=None, checks=[RowCount(at_most_change=0.4)]),
            as_of=at(2),
        )
    assert publish(landed, table, as_of=at(2, 13)).rows == 1


def test_a_number_cannot_bound_a_column_of_texts(landed):
    with pytest.raises(SchemaMismatch, match="'origin >= 0' cannot be of 'origin', which is string"):
        publish(landed, declare(as_they_are, checks=[InRange("origin", at_least=0)]), as_of=at(4))
    assert not landed.tables.exists("delays")
