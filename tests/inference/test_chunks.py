"""Backfills: a long window in chunks gives the rows of one, and goes on where it stopped."""

from dataclasses import replace
from typing import Any

import pytest

from feature_store import InvalidRows
from feature_store.tables.commit import Commit
from inference.limits import MaxMisses
from inference.score import Scored
from inference.scoring.chunks import Stopped, cut, stopped
from inference.scoring.runs import RUNS_TABLE
from inference.scoring.told import sentence
from tests.couriers import COURIER_LOAD, DAY, HOUR, MICROSECOND, at
from tests.frames import assert_df_equality
from tests.inference.orders import MODEL, OUTPUT, SPEC, Orders
from training.steps.champion import promote

FOUR_DAYS = {"as_of": at("6"), "start": at("1"), "end": at("5"), "chunk": DAY}


class Killed(BaseException):
    """The machine went away."""


def stops_after(chunks: int) -> Any:
    def told(number: int, of: int, done: Scored) -> None:
        if number == chunks:
            raise Killed

    return told


def chunks(done: Scored) -> list[tuple[str, str, int, bool]]:
    return [(f"{one.start:%d}", f"{one.end:%d}", one.rows, one.repeated) for one in done.chunks]


def test_a_window_that_is_not_longer_than_a_chunk_is_one() -> None:
    assert cut((at("1"), at("2")), chunk=DAY, somebody=(at("1"), at("1"))) == [(at("1"), at("2"))]


def test_chunks_begin_at_multiples_from_the_start_and_the_last_one_is_shorter() -> None:
    assert cut((at("1"), at("3T06")), chunk=DAY, somebody=(at("1"), at("3T05"))) == [
        (at("1"), at("2")),
        (at("2"), at("3")),
        (at("3"), at("3T06")),
    ]


def test_time_with_nobody_before_and_after_joins_the_outer_chunks_and_one_within_is_a_chunk_of_its_own() -> None:
    assert cut((at("1"), at("9")), chunk=DAY, somebody=(at("3"), at("6") - MICROSECOND)) == [
        (at("1"), at("4")),
        (at("4"), at("5")),
        (at("5"), at("9")),
    ]
    assert cut((at("1"), at("9")), chunk=DAY, somebody=None) == [(at("1"), at("9"))]


def commit(day: str, *, of: tuple[str, str] | None) -> Commit:
    asked = {"backfill": [at(moment).isoformat() for moment in of]} if of else {}
    return Commit(verb="score-batch", as_of=at("9"), window=(at(day), at(day) + DAY), details=asked)


@pytest.mark.parametrize(
    ("newest_first", "start", "expected"),
    [
        ([], at("1"), None),
        ([commit("1", of=None)], None, None),
        ([commit("2", of=("1", "4")), commit("1", of=("1", "4"))], at("1"), Stopped(at("1"), at("9"))),
        ([commit("2", of=("1", "4")), commit("1", of=("1", "4"))], None, Stopped(at("1"), at("9"))),
        ([commit("3", of=("1", "4")), commit("2", of=("1", "4"))], at("1"), None),
        ([commit("3", of=("1", "4")), commit("2", of=("1", "4"))], None, None),
        ([commit("2", of=("1", "4"))], at("2"), None),
        ([commit("5", of=None), commit("2", of=("1", "4"))], None, None),
        ([commit("5", of=None), commit("2", of=("1", "4"))], at("1"), Stopped(at("1"), at("9"))),
    ],
    ids=[
        "nothing was scored", "a night", "it stopped", "it stopped, and a night comes", "it ended", "it ended, and a night comes",
        "another beginning", "later nights were scored since", "later nights, and it is asked for again",
    ],
)  # fmt: skip
def test_a_backfill_that_stopped_is_known_by_its_last_commit(newest_first, start, expected) -> None:
    assert stopped(newest_first, start) == expected


def test_chunks_give_the_rows_of_one_window_by_the_champion_of_its_beginning_in_a_commit_each(orders: Orders) -> None:
    promote(MODEL, "2", as_of=at("3"), reason="better")
    orders.score(as_of=at("6"), start=at("1"), end=at("5"))
    whole = orders.store.spark.createDataFrame(orders.scores().toArrow())
    orders.store.tables.drop(OUTPUT)

    done = orders.score(**FOUR_DAYS)

    assert chunks(done) == [
        ("01", "02", 2, False),
        ("02", "03", 2, False),
        ("03", "04", 0, False),
        ("04", "05", 1, False),
    ]
    assert done == Scored(OUTPUT, at("1"), at("5"), 5, "1")
    assert sentence(done).endswith("5 rows from 2024-01-01 00:00 to 2024-01-05 00:00, by version 1, in 4 chunks")
    assert_df_equality(orders.scores(), whole, ignore_row_order=True)
    windows = [entry.commit.window for entry in orders.store.tables.history(OUTPUT) if entry.commit]
    assert windows == [(at("4"), at("5")), (at("2"), at("3")), (at("1"), at("2"))]


def test_the_log_has_a_row_for_each_chunk(orders: Orders) -> None:
    orders.score(**FOUR_DAYS)

    found = orders.store.tables.collect(RUNS_TABLE, ["chunk", "chunks", "outcome", "rows"]).to_pylist()
    assert sorted(tuple(row.values()) for row in found) == [
        (1, 4, "scored", 2), (2, 4, "scored", 2), (3, 4, "nobody", 0), (4, 4, "scored", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("again", [at("6"), at("6T12")], ids=["as of the same moment", "typed again, hours later"])
def test_a_backfill_that_was_killed_goes_on_where_it_stopped(orders: Orders, again) -> None:
    with pytest.raises(Killed):
        orders.score(**FOUR_DAYS, on_chunk=stops_after(2))

    done = orders.score(**{**FOUR_DAYS, "as_of": again})

    assert chunks(done) == [
        ("01", "02", 2, True),
        ("02", "03", 2, True),
        ("03", "04", 0, False),
        ("04", "05", 1, False),
    ]
    assert orders.scores().count() == 5


def test_a_backfill_that_is_complete_is_scored_again_as_of_another_moment(orders: Orders) -> None:
    orders.score(**FOUR_DAYS)

    assert orders.score(**FOUR_DAYS).repeated
    again = orders.score(**{**FOUR_DAYS, "as_of": at("7")})
    assert [one.repeated for one in again.chunks] == [False] * 4


def test_a_catch_up_that_was_killed_goes_on_with_the_champion_that_it_began_with(orders: Orders) -> None:
    with pytest.raises(Killed):
        orders.score(as_of=at("5"), chunk=DAY, on_chunk=stops_after(2))
    promote(MODEL, "2", as_of=at("2"), reason="better")

    done = orders.score(as_of=at("5") + HOUR, chunk=DAY)

    assert chunks(done)[:2] == [("01", "02", 2, True), ("02", "03", 2, True)]
    assert {row["model_version"] for row in orders.scores().collect()} == {"1"}
    assert orders.score(as_of=at("6")) == Scored(OUTPUT, at("5T01"), at("6"), 0, "")


def test_features_published_again_have_the_chunks_that_were_done_scored_again(orders: Orders) -> None:
    from features.publish import publish

    with pytest.raises(Killed):
        orders.score(**FOUR_DAYS, on_chunk=stops_after(2))
    publish(orders.store, COURIER_LOAD, as_of=at("6"), start=at("2T12"))

    assert [one.repeated for one in orders.score(**FOUR_DAYS).chunks] == [True, False, False, False]


def test_a_chunk_that_is_refused_leaves_those_before_it_and_nothing_after_it_is_begun(orders: Orders) -> None:
    strict = replace(SPEC, limits=[MaxMisses(COURIER_LOAD, share=0.2)])

    with pytest.raises(InvalidRows, match="1 of 2 rows"):
        orders.score(strict, **FOUR_DAYS)

    assert sorted(row["order_id"] for row in orders.scores().collect()) == ["1", "2"]
    assert orders.score(**FOUR_DAYS).chunks[0].repeated


def test_a_long_window_without_anybody_is_one_window_with_nobody(orders: Orders) -> None:
    assert orders.score(as_of=at("30"), start=at("6"), chunk=DAY) == Scored(OUTPUT, at("6"), at("30"), 0, "")
