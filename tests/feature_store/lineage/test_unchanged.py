"""Whether a table still has the rows that were read, from its history alone."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_store.lineage.unchanged import reads_the_same
from feature_store.tables.commit import Commit, TableVersion


def at(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


def version(number: int, window: tuple[int, int] | None, *, verb: str = "publish-features") -> TableVersion:
    """A version written on the day of its number, for a window of days."""
    days = (at(window[0]), at(window[1])) if window else None
    return TableVersion(number, at(number), "WRITE", Commit(verb=verb, as_of=at(number), window=days))


READ = version(2, (1, 5))


@pytest.mark.parametrize(
    ("since", "same"),
    [
        ([], True),
        ([version(3, (5, 6))], True),
        ([version(3, (6, 9)), version(4, (5, 6))], True),
        ([version(3, (4, 6))], False),
        ([version(3, (1, 2)), version(4, (8, 9))], False),
        ([version(3, None)], False),
        ([version(3, (5, 6), verb="write_table")], False),
        ([TableVersion(3, at(3), "ADD COLUMNS", None)], False),
    ],
    ids=[
        "nothing was written",
        "a window that begins where the reader stopped",
        "two later windows",
        "a window that begins before",
        "an earlier and a later window",
        "a table without time, merged",
        "rows written by hand",
        "somebody else's commit",
    ],
)
def test_what_was_read_up_to_the_fifth_is_the_same_if_all_that_was_written_since_is_later(since, same):
    assert reads_the_same([*reversed(since), READ], 2, until=at(5), read_at=at(2)) is same


def test_a_version_of_a_table_that_was_made_again_after_the_reading_is_another_one():
    assert not reads_the_same([READ], 2, until=at(5), read_at=at(2) - timedelta(microseconds=1))


def test_a_version_that_the_history_no_longer_tells_of_is_not_known():
    assert not reads_the_same([version(9, (8, 9))], 2, until=at(5), read_at=at(9))
