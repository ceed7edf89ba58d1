"""The search for the newest row, on frames in memory."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from feature_store import Misuse
from feature_store.join.newest_row import Asked, find

EVER = timedelta.max


def found(asked, features, keys, lookback=None):
    """The rows of ``features`` found by ``asked``; both end with their moment."""
    rows = pl.DataFrame(asked, schema=[*keys, "moment"], orient="row")
    table = pl.DataFrame(features, schema=[*keys, "known_at"], orient="row")
    return find(Asked.of(rows, keys, "moment"), table, keys, "known_at", lookback).to_list()


def test_the_newest_row_at_or_before_the_moment_is_found_in_whatever_order_rows_come():
    features = [
        ("anna", datetime(2013, 6, 1, 10)),
        ("anna", datetime(2013, 6, 1, 8)),
        ("bert", datetime(2013, 6, 1, 9)),
    ]

    assert found(
        [
            ("anna", datetime(2013, 6, 1, 10)),
            ("anna", datetime(2013, 6, 1, 7)),
            ("carl", datetime(2013, 6, 1, 10)),
            (None, datetime(2013, 6, 1, 10)),
            ("bert", None),
            ("anna", datetime(2013, 6, 1, 9, 59, 59, 999999)),
            ("anna", datetime(2013, 6, 1, 10)),
        ],
        features,
        ["name"],
    ) == [0, None, None, None, None, 1, 0]


def test_years_one_to_9999_for_a_hundred_thousand_keys_do_not_overflow():
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
    features = [(key, moment) for key in range(100_000) for moment in (first, last)]
    asked = [(key, moment) for key in (0, 7, 99_999) for moment in (first, last, last - timedelta(microseconds=1))]
    others = [(key, first) for key in range(100_000)]

    rows = found([*asked, *others], features, ["key"])

    assert rows[:9] == [0, 1, 0, 14, 15, 14, 199_998, 199_999, 199_998]
    assert found([*asked, *others], features, ["key"], EVER) == rows
    assert found([*asked, *others], features, ["key"], timedelta(0))[:9] == [
        0, 1, None, 14, 15, None, 199_998, 199_999, None,
    ]  # fmt: skip


@pytest.mark.parametrize("lookback", [None, timedelta(0), EVER])
def test_nothing_is_found_in_nothing_and_nothing_asked_finds_nothing(lookback):
    when = date(2013, 6, 1)
    nothing = pl.DataFrame(schema={"key": pl.String, "moment": pl.Date, "known_at": pl.Date})
    one = pl.DataFrame({"key": ["a"], "moment": [when], "known_at": [when]})

    assert find(Asked.of(one, ["key"], "moment"), nothing, ["key"], "known_at", lookback).to_list() == [None]
    assert find(Asked.of(nothing, ["key"], "moment"), one, ["key"], "known_at", lookback).to_list() == []
    assert find(Asked.of(one, ["key"], None), nothing, ["key"], None, None).to_list() == [None]


def test_without_a_time_two_rows_of_one_key_are_refused():
    asked = Asked.of(pl.DataFrame({"a": [1, 2, None], "b": ["x", "y", "y"]}), ["a", "b"], None)

    assert find(asked, pl.DataFrame({"c": [2, 1], "d": ["y", "z"]}), ["c", "d"], None, None).to_list() == [
        None,
        0,
        None,
    ]
    with pytest.raises(Misuse, match="more than one row of the same c, d"):
        find(asked, pl.DataFrame({"c": [2, 2], "d": ["y", "y"]}), ["c", "d"], None, None)
