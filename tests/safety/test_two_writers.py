"""Two processes write to one table at once: no row is lost or doubled, no commit overwritten, and readers see one version."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import polars as pl
import pytest

from feature_store.errors import ConcurrentWrite
from tests.safety.other import START, append, create, experiment, merge, replace

TIMES = 6


@pytest.fixture
def table(store):
    """The table ``hourly``: four stations, the two first hours, by nobody."""
    create(store, name="hourly")
    replace(store, writer="nobody", times=1, hours=[0, 2])
    return store.tables


def written(tables):
    """The table's rows as (hour, station, writer, value), in order."""
    hour = ((pl.col("known_at") - pl.lit(START)).dt.total_hours()).alias("hour")
    return sorted(
        tables.arrow("hourly", ["station", "known_at", "writer", "value"])
        .select(hour, "station", "writer", "value")
        .rows()
    )


def verbs(tables):
    """How often each commit is in the history."""
    return Counter(entry.commit.verb for entry in tables.history("hourly") if entry.commit)


def all_of(*writers):
    """Each commit of these writers, once."""
    return {"nobody 0": 1} | {f"{writer} {value}": 1 for writer in writers for value in range(TIMES)}


WRITERS = pytest.mark.parametrize(
    ("ours", "theirs"),
    [(True, True), (True, False), (False, False)],
    ids=["delta-rs and delta-rs", "delta-rs and Spark", "Spark and Spark"],
)


@WRITERS
def test_replacing_the_same_window_leaves_the_rows_of_one_of_them(store, table, other, ours, theirs):
    table.in_process = ours
    other.begin("replace", store, writer="they", times=TIMES, hours=[0, 2], in_process=theirs)
    replace(store, writer="we", times=TIMES, hours=[0, 2])
    assert other.answer() == {"result": None}

    last = table.history("hourly")[0].commit.verb.split()
    assert written(table) == [(hour, station, last[0], int(last[1])) for hour in (0, 1) for station in range(4)]
    assert verbs(table) == all_of("we", "they")


@WRITERS
def test_replacing_neighbouring_windows_leaves_the_rows_of_both(store, table, other, ours, theirs):
    table.in_process = ours
    other.begin("replace", store, writer="they", times=TIMES, hours=[1, 2], in_process=theirs)
    replace(store, writer="we", times=TIMES, hours=[0, 1])
    assert other.answer() == {"result": None}

    assert written(table) == [
        (hour, station, writer, TIMES - 1) for hour, writer in enumerate(["we", "they"]) for station in range(4)
    ]
    assert verbs(table) == all_of("we", "they")


@WRITERS
def test_merging_the_same_keys_leaves_each_once_all_by_the_one_who_was_last(store, other, ours, theirs):
    create(store, name="hourly")
    store.tables.in_process = ours
    other.begin("merge", store, writer="they", times=TIMES, in_process=theirs)
    merge(store, writer="we", times=TIMES)
    assert other.answer() == {"result": None}

    last = store.tables.history("hourly")[0].commit.verb.split()
    assert written(store.tables) == [(0, station, last[0], int(last[1])) for station in range(4)]


def test_appending_adds_each_row_once(store, table, other):
    other.begin("append", store, writer="they", times=TIMES, in_process=False)
    append(store, writer="we", times=TIMES)
    assert other.answer() == {"result": None}

    appended = Counter((writer, value) for _, _, writer, value in written(table))
    assert appended == {("nobody", 0): 8} | {(writer, value): 4 for writer in ("we", "they") for value in range(TIMES)}


def test_a_reader_sees_one_version_whoever_writes_meanwhile(store, table, other):
    opened = table.read("hourly")
    for in_process in (True, False):
        other.begin("replace", store, writer="they", times=TIMES, hours=[0, 2], in_process=in_process)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(other.answer)
            while not writing.done():
                for rows in (
                    table.read("hourly").select("writer", "value").toArrow().to_pylist(),
                    table.arrow("hourly", ["writer", "value"]).to_dicts(),
                ):
                    assert len(rows) == 8
                    assert len({(row["writer"], row["value"]) for row in rows}) == 1
        assert writing.result() == {"result": None}

    assert written(table)[0] == (0, 0, "they", TIMES - 1)
    assert {row.writer for row in opened.collect()} == {"nobody"}


def test_creating_the_same_table_or_workspace_at_once_makes_it_once(store, other):
    other.begin("create", store, name="hourly")
    create(store, name="hourly")
    assert other.answer() == {"result": None}
    assert store.tables.info("hourly").version == 0

    other.begin("experiment", store, name="late_order")
    ours = experiment(store, name="late_order")
    assert other.answer() == {"result": ours}


def test_a_writer_that_waits_too_long_says_so_and_one_that_was_killed_holds_nobody_up(store, table, others):
    other = others()
    other.answer()
    table.patience = timedelta(seconds=2)
    other.begin("hold", store)
    while not (store.reports / "held").exists():
        time.sleep(0.01)
    with pytest.raises(ConcurrentWrite) as raised:
        replace(store, writer="we", times=1, hours=[0, 2])
    assert str(raised.value) == (
        "test.couriers.hourly is being written by another process, and still was after 2 seconds of waiting. Nothing was "
        "written. Run the job again when the other one is done."
    )
    assert {writer for _, _, writer, _ in written(table)} == {"nobody"}

    other.kill()
    replace(store, writer="we", times=1, hours=[0, 1])

    assert {writer for hour, _, writer, _ in written(table) if hour == 0} == {"we"}
    assert len(written(table)) == 8
