"""Two processes write to one table at once: no row is lost or doubled, no commit overwritten, and readers see one version.

What the races are, and what they must leave, stands in ``races.py``; ``make soak`` repeats them, and has those pairs of writers
that are not here.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from feature_store.errors import ConcurrentWrite
from tests.safety.other import create, experiment, replace
from tests.safety.races import PAIRS, Race, appended_rows, filled, neighbouring_windows, same_keys, same_window, written

TIMES = 2
PAUSE = 2000
"""Milliseconds between Spark's look and its commit, so that Spark is met in between by who does not wait for his turn.

That is waiting, not work. Where Spark alone writes, once at each side is enough.
"""
BY_WRITERS = pytest.mark.parametrize("by", PAIRS.values(), ids=PAIRS)


@pytest.fixture
def table(store):
    """The table ``hourly``: four stations, the two first hours, by nobody."""
    return filled(store)


@BY_WRITERS
def test_replacing_the_same_window_leaves_the_rows_of_one_of_them(store, other, by):
    same_window(Race(store, [other], by, times=TIMES if any(by) else 1, pause=PAUSE))


def test_replacing_neighbouring_windows_leaves_the_rows_of_both(store, other):
    neighbouring_windows(Race(store, [other], (True, True), times=TIMES))


@pytest.mark.parametrize("in_process", [True, False], ids=["delta-rs", "Spark"])
def test_merging_the_same_keys_leaves_each_once_all_by_the_one_who_was_last(store, other, in_process):
    same_keys(Race(store, [other], (in_process, in_process), times=TIMES if in_process else 1, pause=PAUSE))


def test_appending_adds_each_row_once(store, other):
    appended_rows(Race(store, [other], (True, False), times=TIMES))


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
    assert store.tables.version("hourly") == 0

    other.begin("experiment", store, name="late_order")
    ours = experiment(store, name="late_order")
    assert other.answer() == {"result": ours}


def test_a_writer_that_waits_too_long_says_so_and_one_that_was_killed_holds_nobody_up(store, table, other):
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

    other.kill()  # this test is the last one: no other starts a process, and a Spark, only to be killed
    replace(store, writer="we", times=1, hours=[0, 1])

    assert {writer for hour, _, writer, _ in written(table) if hour == 0} == {"we"}
    assert len(written(table)) == 8
