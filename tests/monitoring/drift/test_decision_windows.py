"""How windows are aligned, and which are measured again."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_store.tables.commit import Commit, TableVersion
from monitoring.drift import scored as scored_module
from monitoring.drift.schemas import METRICS_VERSION
from monitoring.drift.scored import ScoredWindow, StoredWindow, scored_windows, window_number
from monitoring.windows.calendar import Every, Months, Window, before

FIRST = datetime(1969, 12, 31, tzinfo=UTC)


MEASURED = TableVersion(5, FIRST, "WRITE", None)
"""The version of the score table that was measured."""


def scored(example, number, *, rows=10, labelled=0, versions=None):
    return ScoredWindow(example.window(number), rows, labelled, versions or {"1": rows})


def stored(*, rows=10, labelled=0, model_version="1", commit_version=5, monitor_version=METRICS_VERSION):
    return StoredWindow(rows, labelled, model_version, commit_version, monitor_version, FIRST)


def to_measure(scored, known, history, definition=""):
    return scored_module.to_measure(scored, known, history, calendar=Every(timedelta(days=7)), definition=definition)


def replaced(version, window):
    commit = Commit(verb="score-batch", as_of=FIRST, window=window)
    return TableVersion(version, FIRST, "WRITE", commit)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(days=7), "1 week"),
        (timedelta(days=14), "2 weeks"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(minutes=90), "90 minutes"),
    ],
)
def test_granularity_in_words(length, expected):
    assert Every(length).name == expected


def test_windows_begin_on_mondays_include_their_start_and_need_to_be_complete(example, spark):
    week = Every(timedelta(days=7))
    moments = [
        (datetime(1969, 12, 29, tzinfo=UTC), "1", None),
        (example.week(0), "1", 1.0),
        (example.week(1) - timedelta(microseconds=1), "2", None),
        (example.week(0), "2", 0.0),
        (example.week(1), "2", None),
        (None, "2", None),
    ]
    frame = spark.createDataFrame(moments, "decided_at timestamp, model_version string, label double")
    numbered = frame.withColumn("window_number", window_number(frame["decided_at"], week)).withColumnRenamed(
        "decided_at", "moment"
    )
    found = scored_windows(numbered, label="label", calendar=week, as_of=example.week(2) - timedelta(microseconds=1))
    assert [(one.window.start, one.rows, one.labelled, one.model_version) for one in found] == [
        (datetime(1969, 12, 29, tzinfo=UTC), 1, 0, "1"),
        (example.week(0), 3, 2, "2"),
    ]


def test_of_two_versions_with_equal_rows_the_newer_counts(example):
    assert scored(example, 0, versions={"9": 5, "10": 5}).model_version == "10"


def test_a_measured_window_is_left_alone(example):
    assert to_measure([scored(example, 0)], {example.window(0): stored()}, [replaced(5, None)]) == []


@pytest.mark.parametrize(
    "before",
    [
        stored(rows=9),
        stored(labelled=1),
        stored(model_version="2"),
        stored(monitor_version=-1),
    ],
    ids=["rows", "labels", "model version", "definitions"],
)
def test_a_window_that_changed_is_measured_again(example, before):
    window = scored(example, 0)
    assert to_measure([window], {example.window(0): before}, [MEASURED]) == [window]


def test_scores_replaced_in_one_window_affect_it_and_the_next(example):
    found = [scored(example, number) for number in range(4)]
    known = {example.window(number): stored() for number in range(4)}
    history = [replaced(6, (example.week(1), example.week(2)))]
    assert to_measure(found, known, [MEASURED, *history]) == found[1:3]


def test_labels_that_arrive_affect_their_window_only(example):
    found = [scored(example, 0, labelled=3), scored(example, 1)]
    known = {example.window(number): stored() for number in range(2)}
    assert to_measure(found, known, [MEASURED]) == found[:1]


def test_a_commit_of_another_program_affects_all_windows(example):
    found = [scored(example, number) for number in range(2)]
    known = {example.window(number): stored() for number in range(2)}
    assert to_measure(found, known, [MEASURED, TableVersion(6, FIRST, "DELETE", None)]) == found


def test_a_history_that_forgot_the_measured_version_affects_all_windows(example):
    found = [scored(example, number) for number in range(2)]
    known = {example.window(number): stored() for number in range(2)}
    later = (example.week(1), example.week(2))
    assert to_measure(found, known, [replaced(7, later)]) == found


def test_other_slices_or_measures_are_measured_again(example):
    window = scored(example, 0)
    assert to_measure([window], {example.window(0): stored()}, [MEASURED], definition="by depot") == [window]


def test_whole_months_are_windows_too(spark):
    months = Months(1)
    assert [Months(count).name for count in (1, 3, 12, 24)] == ["1 month", "3 months", "1 year", "2 years"]
    february = Window(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    assert months.window(months.number(datetime(2024, 2, 29, 23, tzinfo=UTC))) == february
    assert before(months, february).start == datetime(2024, 1, 1, tzinfo=UTC)
    moments = [(datetime(2024, 2, 29, 23, 59, tzinfo=UTC),), (datetime(2024, 3, 1, tzinfo=UTC),), (None,)]
    frame = spark.createDataFrame(moments, "moment timestamp")
    numbers = [row[0] for row in frame.select(window_number(frame["moment"], months)).collect()]
    assert numbers == [2024 * 12 + 1, 2024 * 12 + 2, None]


def test_windows_without_rows_are_found_where_they_are_asked_for(example, spark):
    week = Every(timedelta(days=7))
    rows = [(0, "1", None, example.week(0)), (2, "1", None, example.week(2))]
    first = week.number(example.week(0))
    rows = [(first + number, *others) for number, *others in rows]
    frame = spark.createDataFrame(rows, "window_number long, model_version string, label double, moment timestamp")
    found = scored_windows(frame, label="label", calendar=week, as_of=example.week(4), fill=True)
    assert [(one.window, one.rows, one.newest) for one in found] == [
        (example.window(0), 1, example.week(0)),
        (example.window(1), 0, example.week(0)),
        (example.window(2), 1, example.week(2)),
        (example.window(3), 0, example.week(2)),
    ]
    assert len(scored_windows(frame, label="label", calendar=week, as_of=example.week(4))) == 2
