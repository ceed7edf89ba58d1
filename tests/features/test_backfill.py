"""Long ranges in bounded chunks, one commit each; on from where a run was killed; other windows' files untouched."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyspark.sql import functions as F

from feature_store import Source
from feature_store.discovery import Nouns
from features.publish import main, publish, published_until
from features.publishing.windows import BEGINNING
from tests.features.events import SCHEMA, as_they_are, at, declare, land, rows

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS = [("JFK", float(day), at(day)) for day in (2, 3, 5, 6)]


@pytest.fixture
def landed(store, frame):
    """One event on the 2nd, 3rd, 5th and 6th of June, each at noon."""
    land(store, frame(DAYS, SCHEMA))
    return store


def windows(store, name="delays"):
    """The windows of the table's commits, the oldest first, as days and hours of June."""
    commits = [entry.commit for entry in reversed(store.tables.history(name)) if entry.commit]
    return [tuple("" if moment == BEGINNING else f"{moment:%dT%H}" for moment in commit.window) for commit in commits]


def in_log(store, kind, *, name="delays", version=None):
    """The paths of the files that the newest commit, or ``version``, adds or removes."""
    version = store.tables.version(name) if version is None else version
    lines = (store.tables.path(name) / "_delta_log" / f"{version:020}.json").read_text().splitlines()
    return {action[kind]["path"] for action in map(json.loads, lines) if kind in action}


class Killed(Exception):
    """Stands for the end of the process."""


def killed_after(chunks):
    def told(number, of, window, done):
        if number == chunks:
            raise Killed

    return told


def test_a_backfill_is_one_commit_per_chunk_and_the_first_begins_where_the_sources_do(landed):
    told = []

    done = publish(landed, declare(), as_of=at(6, 18), chunk=2 * DAY, on_chunk=lambda *chunk: told.append(chunk[:3]))

    assert done.sentence == "4 rows from the beginning to 2013-06-06 18:00, in 3 chunks"
    assert windows(landed) == [("", "04T12"), ("04T12", "06T12"), ("06T12", "06T18")]
    assert told == [
        (1, 3, (BEGINNING, at(4))),
        (2, 3, (at(4), at(6))),
        (3, 3, (at(6), at(6, 18))),
    ]
    assert published_until(landed, declare()) == at(6, 18)
    assert [row[2] for row in rows(landed)] == [2.0, 3.0, 5.0, 6.0]


def test_a_first_publish_that_was_killed_goes_on_where_it_stopped(landed):
    with pytest.raises(Killed):
        publish(landed, declare(), as_of=at(7), chunk=DAY, on_chunk=killed_after(2))
    assert published_until(landed, declare()) == at(4)

    publish(landed, declare(), as_of=at(7), chunk=2 * DAY)

    assert windows(landed) == [("", "03T12"), ("03T12", "04T12"), ("04T12", "06T12"), ("06T12", "07T12")]
    assert [row[2] for row in rows(landed)] == [2.0, 3.0, 5.0, 6.0]


def test_a_killed_full_publish_goes_on_where_it_stopped_and_one_that_ended_begins_anew(landed):
    publish(landed, declare(), as_of=at(7))
    doubled = declare(lambda events: as_they_are(events).withColumn("delay", F.col("delay") * 2))
    with pytest.raises(Killed):
        publish(landed, doubled, as_of=at(7), full=True, chunk=DAY, on_chunk=killed_after(2))
    assert published_until(landed, doubled) == at(7)

    done = publish(landed, doubled, as_of=at(8), full=True, chunk=9 * DAY)

    assert done.sentence == "2 rows from 2013-06-04 12:00 to 2013-06-08 12:00, where an interrupted run stopped"
    assert [row[2] for row in rows(landed)] == [4.0, 6.0, 10.0, 12.0]
    assert publish(landed, doubled, as_of=at(8), full=True).sentence == "4 rows from the beginning to 2013-06-08 12:00"


def test_all_chunks_of_a_run_read_the_same_version_of_the_sources(landed, frame):
    def land_more(number, of, window, done):
        if number == 1:
            land(landed, frame([("LGA", 0.0, at(6))], SCHEMA))

    publish(landed, declare(), as_of=at(7), chunk=2 * DAY, on_chunk=land_more)

    versions = {tuple(entry.commit.sources.items()) for entry in landed.tables.history("delays") if entry.commit}
    assert versions == {(("test.flights.events", 1),)}
    assert [row[0] for row in rows(landed)] == ["JFK"] * 4


def test_sources_without_rows_publish_an_empty_table_up_to_the_moment(store, frame):
    land(store, frame([], SCHEMA))
    assert publish(store, declare(), as_of=at(7)).sentence == "0 rows from the beginning to 2013-06-07 12:00"
    assert published_until(store, declare()) == at(7)


@pytest.mark.parametrize("in_process", [True, False], ids=["delta-rs", "Spark"])
def test_publishing_one_window_leaves_the_files_of_all_others_as_they_are(landed, in_process):
    landed.tables.in_process = in_process
    publish(landed, declare(), as_of=at(5), chunk=DAY)
    history = landed.tables.history("delays")
    second = next(entry.version for entry in history if entry.commit and entry.commit.window == (at(3), at(4)))
    files = in_log(landed, "add", version=second)
    assert len(files) == 1

    publish(landed, declare(), as_of=at(5), start=at(3), end=at(4))

    assert in_log(landed, "remove") == files
    assert len(in_log(landed, "add")) == 1
    assert [row[2] for row in rows(landed)] == [2.0, 3.0]


# ---- late rows


def test_catching_up_publishes_all_that_a_late_row_changes_and_a_row_later_than_that_waits(store, frame):
    """A mean over two hours: a late row changes the value at its own moment, and that of the next row."""
    patient = Source(
        name="events", description="Events", table="events", columns=["origin", "delay"], known_at="known_at",
        lateness=3 * HOUR,
    )  # fmt: skip

    def mean_of_two_hours(events):
        seen = events.withColumnsRenamed({"known_at": "seen_at", "delay": "seen_delay"})
        ago = F.col("known_at").cast("long") - F.col("seen_at").cast("long")
        both = events.join(seen, "origin").where((ago >= 0) & (ago < 7200))
        return both.groupBy("origin", "known_at").agg(F.avg("seen_delay").alias("delay"))

    table = declare(mean_of_two_hours, sources=[patient], lookback=2 * HOUR)
    land(store, frame([("JFK", 10.0, at(2, 5)), ("JFK", 20.0, at(2, 9)), ("JFK", 30.0, at(2, 11))], SCHEMA))
    publish(store, table, as_of=at(2, 12))

    # At noon all of until nine o'clock had to be there. Ten o'clock is late; four o'clock is later than declared.
    land(store, frame([("JFK", 70.0, at(2, 4)), ("JFK", 40.0, at(2, 10))], SCHEMA))
    done = publish(store, table, as_of=at(2, 13))

    assert done.window == (at(2, 9), at(2, 13))
    caught_up = [("JFK", "02T05", 10.0), ("JFK", "02T09", 20.0), ("JFK", "02T10", 30.0), ("JFK", "02T11", 35.0)]
    assert rows(store) == caught_up

    publish(store, table, as_of=at(2, 13), start=at(2, 4), end=at(2, 4) + table.lookback)
    assert rows(store) == [("JFK", "02T04", 70.0), ("JFK", "02T05", 40.0), *caught_up[1:]]
    before = rows(store)
    publish(store, table, as_of=at(2, 13), full=True)
    assert rows(store) == before


# ---- dry runs


def everything(folder: Path):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_a_dry_run_tells_windows_rows_changes_and_failing_checks_and_leaves_every_file_as_it_was(landed, monkeypatch):
    publish(landed, declare(), as_of=at(3))
    wider = declare(
        lambda events: as_they_are(events).withColumn("late", F.col("delay") > 5),
        features={"delay": "Min", "late": "L"},
    )
    before = everything(landed.tables.warehouse)

    done = publish(landed, wider, as_of=at(7), chunk=2 * DAY, dry_run=True)

    assert done.sentence == (
        "would write 3 rows from 2013-06-03 12:00 to 2013-06-07 12:00, in 2 chunks; "
        "adds late (null before 2013-06-03 12:00; --full fills it); renews the comment of delay"
    )
    new = publish(landed, declare(name="other"), as_of=at(7), dry_run=True)
    assert new.sentence == "would write 4 rows from the beginning to 2013-06-07 12:00"
    assert everything(landed.tables.warehouse) == before


def test_a_dry_run_of_the_command_goes_on_after_a_table_that_would_be_refused_and_fails_in_the_end(
    landed, monkeypatch, frame
):
    good, bad = declare(name="good"), declare(lambda events: events.drop("delay"), name="bad")
    monkeypatch.setattr("features.publish.discover", lambda *_: Nouns({"bad": bad, "good": good}))
    place = ["--catalog", "test", "--schema", "flights", "--workspace", str(landed.workspace)]

    done = CliRunner().invoke(main, ["--as-of", "2013-06-07", "--chunk", "2d", "--dry-run", *place])

    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    # Both are published at the same time: each table's lines are in order, those of two may be mixed.
    [refused] = [line for line in lines if line.startswith("test.flights.bad ")]
    assert refused.startswith("test.flights.bad would be refused: Feature table 'bad': compute() does not give")
    assert [line for line in lines if line != refused] == [
        "test.flights.good 1 of 3: would write 2 rows from the beginning to 2013-06-04 12:00",
        "test.flights.good 2 of 3: would write 1 row from 2013-06-04 12:00 to 2013-06-06 12:00",
        "test.flights.good 3 of 3: would write 1 row from 2013-06-06 12:00 to 2013-06-07 00:00",
        "test.flights.good would write 4 rows from the beginning to 2013-06-07 00:00, in 3 chunks",
    ]
    assert not landed.tables.exists("good")
