"""The windows of a run: no gap, no overlap, none longer than was asked for, and on from where a run was killed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_store import FeatureTable, Source
from feature_store.tables.commit import Commit
from features.publishing.windows import BEGINNING, Range, backfill, catching_up, cut, reached

DAY = timedelta(days=1)
MOMENTS = st.datetimes(datetime(2013, 1, 1), datetime(2013, 3, 1), timezones=st.just(UTC))


def day(number: int) -> datetime:
    return datetime(2013, 6, number, tzinfo=UTC)


def commit(start: datetime, end: datetime, *, version: int = 3, definition: str = "a", **details: object) -> Commit:
    return Commit(
        verb="publish-features",
        as_of=end,
        sources={"dev.flights.flights": version},
        window=(start, end),
        details={"definition": definition, **details},
    )


@given(st.tuples(MOMENTS, MOMENTS).filter(lambda pair: pair[0] < pair[1]), MOMENTS, st.integers(1, 40))
def test_windows_follow_one_another_from_start_to_end_and_none_but_the_first_is_too_long(range_, first, hours):
    chunk = timedelta(hours=hours)
    windows = cut(Range(*range_), chunk=chunk, first=first)

    assert (windows[0][0], windows[-1][1]) == range_
    assert [end for _, end in windows[:-1]] == [start for start, _ in windows[1:]]
    assert all(timedelta(0) < end - start <= chunk for start, end in windows[1:])
    assert windows[0][1] - max(windows[0][0], min(first, range_[1])) <= chunk


def test_the_first_window_begins_at_the_beginning_and_is_cut_where_the_sources_begin():
    assert cut(Range(BEGINNING, day(4)), chunk=DAY, first=day(2)) == [(BEGINNING, day(3)), (day(3), day(4))]
    assert cut(Range(BEGINNING, day(4)), chunk=DAY, first=day(9)) == [(BEGINNING, day(4))]
    assert cut(Range(BEGINNING, day(4)), chunk=DAY, first=None) == [(BEGINNING, day(4))]
    assert cut(Range(day(4), day(4)), chunk=DAY, first=day(2)) == []


def test_what_is_published_reaches_to_the_first_gap():
    assert reached([]) == BEGINNING
    assert reached([commit(day(5), day(6)), commit(day(2), day(4)), commit(BEGINNING, day(3))]) == day(4)
    assert reached([commit(day(2), day(3))]) == BEGINNING


def test_what_is_published_is_known_when_delta_has_forgotten_the_first_commits():
    assert reached([commit(day(8), day(9), published_until=day(9).isoformat())]) == day(9)
    assert reached([commit(day(2), day(3)), commit(day(8), day(9), published_until=day(2).isoformat())]) == day(3)


@pytest.mark.parametrize(
    ("latest", "start", "resumed"),
    [
        (commit(day(3), day(4), backfill=[day(1).isoformat(), day(9).isoformat()]), day(4), True),
        (commit(day(8), day(9), backfill=[day(1).isoformat(), day(9).isoformat()]), day(1), False),
        (commit(day(3), day(4), backfill=[day(2).isoformat(), day(9).isoformat()]), day(1), False),
        (commit(day(3), day(4), backfill=[day(1).isoformat(), day(9).isoformat()], version=2), day(1), False),
        (commit(day(3), day(4), backfill=[day(1).isoformat(), day(9).isoformat()], definition="b"), day(1), False),
        (commit(day(3), day(4)), day(1), False),
    ],
    ids=["killed", "finished", "another range", "sources changed", "code changed", "caught up since"],
)
def test_a_backfill_goes_on_where_it_was_killed_and_starts_anew_in_all_other_cases(latest, start, resumed):
    before = commit(BEGINNING, day(3), backfill=[day(1).isoformat(), day(9).isoformat()])
    new = commit(day(1), day(9))

    assert backfill([latest, before], new, start=day(1), end=day(9)) == Range(start, day(9), resumed)
    assert backfill([], new, start=day(1), end=day(9)) == Range(day(1), day(9))


def test_catching_up_begins_as_long_before_the_last_moment_as_the_latest_source_may_be_late():
    def source(name: str, **late: timedelta) -> Source:
        return Source(name=name, description=name, table=name, columns=["k"], known_at="at", **late)

    table = FeatureTable(
        name="t", description="t", owner="us@example.com", primary_keys=["k", "known_at"], features={"x": "x"},
        timeseries_column="known_at", sources=[source("a"), source("b", lateness=DAY)], compute=lambda a, b: a,
    )  # fmt: skip

    assert table.lateness == DAY
    assert catching_up(table, [commit(BEGINNING, day(3))], end=day(4)) == Range(day(2), day(4))
    assert catching_up(table, [], end=day(4)) == Range(BEGINNING, day(4))
