"""Scoring by keys alone: what is written, by which champion, and that a window can be done again at any time."""

from dataclasses import replace
from typing import Any

import pytest

from feature_store.errors import NotFound
from features.publish import publish
from inference.score import Scored
from inference.scoring.already import definition
from tests.couriers import COURIER_LOAD, MICROSECOND, at
from tests.frames import assert_df_equality
from tests.inference.orders import LOAD, MODEL, OUTPUT, SPEC, Orders
from training.steps.champion import promote

FIRST_DAY = [
    ("1", "ann", at("1"), 2, 0.2, MODEL, "1", at("2"), "run"),
    ("2", "bob", at("2") - MICROSECOND, 4, 0.4, MODEL, "1", at("2"), "run"),
]


def test_scores_have_keys_moment_features_prediction_model_and_run_for_orders_with_and_without_outcome(
    orders: Orders,
) -> None:
    done = orders.score(as_of=at("3"), start=at("1"))

    assert done == Scored(OUTPUT, at("1"), at("3"), 4, "1")
    orders.expect(
        ("1", "ann", at("1"), 2, 0.2, MODEL, "1", at("3"), "run"),
        ("2", "bob", at("2") - MICROSECOND, 4, 0.4, MODEL, "1", at("3"), "run"),
        ("3", "ann", at("2"), 2, 0.2, MODEL, "1", at("3"), "run"),
        ("4", "nobody knows", at("2T18"), 0, 0.0, MODEL, "1", at("3"), "run"),
    )


def test_a_window_has_its_start_and_not_its_end_and_the_next_one_begins_where_it_ended(orders: Orders) -> None:
    assert orders.score(as_of=at("2")).rows == 2  # the first window begins when the first champion took office
    orders.expect(*FIRST_DAY)

    assert orders.score(as_of=at("3")) == Scored(OUTPUT, at("2"), at("3"), 2, "1")
    orders.expect(
        *FIRST_DAY,
        ("3", "ann", at("2"), 2, 0.2, MODEL, "1", at("3"), "run"),
        ("4", "nobody knows", at("2T18"), 0, 0.0, MODEL, "1", at("3"), "run"),
    )


def test_nobody_is_scored_who_is_decided_after_the_as_of_moment(orders: Orders) -> None:
    assert orders.score(as_of=at("2"), start=at("1"), end=at("5")) == Scored(OUTPUT, at("1"), at("2"), 2, "1")


def test_scoring_a_window_again_replaces_it_by_equal_rows_and_leaves_the_others(orders: Orders) -> None:
    orders.score(as_of=at("2"), run="first")
    orders.score(as_of=at("3"), run="second")
    before = orders.store.spark.createDataFrame(orders.scores().toArrow())

    orders.score(as_of=at("3"), start=at("2"), run="third", rerun=True)

    assert_df_equality(before.drop("run_id"), orders.scores().drop("run_id"), ignore_row_order=True)
    runs = {(row["order_id"], row["run_id"]) for row in orders.scores().collect()}
    assert runs == {("1", "first"), ("2", "first"), ("3", "third"), ("4", "third")}


def test_a_window_is_scored_by_the_champion_in_office_when_it_begins_whatever_was_promoted_since(
    orders: Orders,
) -> None:
    promote(MODEL, "2", as_of=at("3"), reason="better")

    orders.score(as_of=at("2"), start=at("1"))
    orders.score(as_of=at("5"), start=at("3"))

    orders.expect(*FIRST_DAY, ("5", "bob", at("4"), 6, 0.4, MODEL, "2", at("5"), "run"))


def test_a_window_without_anybody_to_score_says_so_and_writes_nothing(orders: Orders) -> None:
    orders.score(as_of=at("2"))

    assert orders.score(as_of=at("2")) == Scored(OUTPUT, at("2"), at("2"), 0, "")
    assert orders.score(as_of=at("3T12"), start=at("3")) == Scored(OUTPUT, at("3"), at("3T12"), 0, "")
    orders.expect(*FIRST_DAY)


def test_a_model_without_a_champion_cannot_score_and_nothing_is_written(orders: Orders) -> None:
    never = replace(SPEC, training=replace(SPEC.training, name="never_trained"), output="never_scores")

    with pytest.raises(NotFound, match=r"test\.couriers\.never_trained has no champion: it was never trained"):
        orders.score(never, as_of=at("3"), start=at("1"))

    assert not orders.store.tables.exists("never_scores")


def test_the_commit_says_which_window_which_model_and_which_versions_of_which_tables(orders: Orders) -> None:
    orders.score(as_of=at("3"), start=at("1"))

    newest = orders.store.tables.history(OUTPUT)[0].commit
    assert newest is not None
    assert (newest.verb, newest.as_of, newest.window, newest.run) == ("score-batch", at("3"), (at("1"), at("3")), "run")
    assert newest.sources == {
        "test.couriers.courier_load": orders.store.tables.version("courier_load"),
        "test.couriers.orders": orders.store.tables.version("orders"),
    }
    assert newest.details == {
        "model": MODEL, "model_version": "1", "definition": definition(SPEC), "rows": 4,
        "log": {
            "population": "late_order", "chunk": 1, "chunks": 1, "misses": {"test.couriers.courier_load": 1}, "stale": {},
            "entities_without_moment": 0,
        },
    }  # fmt: skip


def test_scoring_by_keys_alone_finds_the_same_features_as_the_training_set_for_the_same_keys_and_moments(
    orders: Orders,
) -> None:
    orders.score(as_of=at("5"), start=at("1"))

    learned_from = orders.store.create_training_set(
        df=SPEC.training.labels.read(orders.store.tables, as_of=at("5")).select("courier", "decided_at", "is_late"),
        feature_lookups=[LOAD],
        label="is_late",
    ).load_df()
    scored = orders.scores().where("order_id <> '3'")  # never delivered, so it is in no training set
    assert_df_equality(
        learned_from.drop("is_late"),
        scored.select("courier", "decided_at", "open_orders"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


SECOND_DAY = {"as_of": at("3"), "start": at("2"), "end": at("3")}
UP_TO_DATE = Scored(OUTPUT, at("2"), at("3"), 2, "1", repeated=True)


def test_a_window_scored_so_before_is_left_as_it_is(orders: Orders) -> None:
    orders.score(**SECOND_DAY, run="first")
    version = orders.store.tables.version(OUTPUT)

    assert orders.score(**SECOND_DAY, run="second") == UP_TO_DATE
    assert orders.store.tables.version(OUTPUT) == version


def test_features_published_for_later_moments_leave_a_scored_window_up_to_date(orders: Orders) -> None:
    orders.score(**SECOND_DAY)
    publish(orders.store, COURIER_LOAD, as_of=at("6"), start=at("3"))

    assert orders.score(**SECOND_DAY) == UP_TO_DATE


def test_features_published_again_within_what_a_window_may_look_up_have_it_scored_again(orders: Orders) -> None:
    orders.score(**SECOND_DAY)
    publish(orders.store, COURIER_LOAD, as_of=at("6"), start=at("3") - MICROSECOND)

    assert orders.score(**SECOND_DAY) == replace(UP_TO_DATE, repeated=False)


@pytest.mark.parametrize(
    "between",
    [
        {"as_of": at("3"), "start": at("2T12")},
        {"as_of": at("3T12"), "start": at("1"), "end": at("3")},
    ],
    ids=["a part of it", "more than it"],
)
def test_a_window_that_another_run_has_written_to_since_is_scored_again(orders: Orders, between: Any) -> None:
    orders.score(**SECOND_DAY)
    orders.score(**between)

    assert orders.score(**SECOND_DAY) == replace(UP_TO_DATE, repeated=False)


def test_a_window_is_scored_again_as_of_another_moment_by_another_model_or_once_its_table_was_dropped(
    orders: Orders,
) -> None:
    orders.score(**SECOND_DAY)

    assert not orders.score(as_of=at("4"), start=at("2"), end=at("3")).repeated
    promote(MODEL, "2", as_of=at("2"), reason="better")
    assert orders.score(as_of=at("4"), start=at("2"), end=at("3")) == Scored(OUTPUT, at("2"), at("3"), 2, "2")
    orders.store.tables.drop(OUTPUT)
    assert orders.score(as_of=at("4"), start=at("2"), end=at("3")) == Scored(OUTPUT, at("2"), at("3"), 2, "2")
