"""Scores held against the features that training is given: equal, published again since, or a defect."""

import math
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import functions as F

from feature_store import FeatureLookup, Misuse, NotFound
from feature_store.tables.commit import Commit
from features.publish import publish
from inference.consistency import show, verdict
from inference.scoring.consistency import Consistency, Difference, check_consistency, same
from tests.couriers import COURIER_LOAD, at, frame
from tests.inference.orders import OUTPUT, SPEC, Orders

LOADS = "test.couriers.courier_load"
FIRST_TWO_DAYS = {"as_of": at("3"), "start": at("1")}


def counts(orders: Orders, *, ann: int) -> int:
    """Land and publish what couriers carry, ann's first count being this; the feature table's version."""
    rows = [("ann", at("1"), ann), ("ann", at("2T12"), 9), ("bob", at("1T12"), 4), ("bob", at("4"), 6)]
    df = frame(orders.store.spark, rows, "courier string, counted_at timestamp, open_orders bigint")
    orders.store.tables.overwrite("counts", df, commit=Commit(verb="ingest-sources", as_of=at("1")))
    publish(orders.store, COURIER_LOAD, as_of=at("5"), full=True)
    return orders.store.tables.info(LOADS).version


def check(orders: Orders, spec: Any = SPEC, **arguments: Any) -> Consistency:
    return check_consistency(orders.store, spec, **{"as_of": at("5"), **arguments})


def printed(found: Consistency, capsys: pytest.CaptureFixture[str]) -> str:
    show(found)
    return " ".join(capsys.readouterr().out.split())


def test_scores_made_of_what_training_is_given_are_equal(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)

    found = check(orders)

    assert found == Consistency(OUTPUT, (at("1"), at("3")), rows=4, values=4)
    verdict(found, strict=True)
    assert printed(found, capsys) == (
        f"{OUTPUT}: equal, 4 values of 4 rows from 2024-01-01 00:00 to 2024-01-03 00:00 are what training is given"
    )


def test_a_table_that_was_published_again_since_explains_the_difference_and_fails_only_when_strict(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    then = counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    now = counts(orders, ann=3)

    found = check(orders)

    because = f"{LOADS} was written since: version {then} when scored, {now} now"
    (one,) = found.differences
    assert replace(one, examples=sorted(one.examples)) == Difference(
        "open_orders", LOADS, 2, "published again", because,
        ["order_id=1: stored 2, rebuilt 3", "order_id=3: stored 2, rebuilt 3"],
    )  # fmt: skip
    assert (found.defects, found.is_certain) == ([], False)
    assert f"open_orders 2 rows, published again: {because} order_id=" in printed(found, capsys)
    verdict(found, strict=False)
    with pytest.raises(Misuse, match="--strict allows no difference"):
        verdict(found, strict=True)


def test_a_value_that_the_recorded_versions_do_not_give_is_a_defect_and_fails(orders: Orders) -> None:
    version = counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    commit = orders.store.tables.history(OUTPUT)[0].commit
    assert commit is not None
    other = F.when(F.col("order_id") == "2", 5).otherwise(F.col("open_orders")).cast("bigint")
    changed = orders.store.spark.createDataFrame(orders.scores().withColumn("open_orders", other).toArrow())
    orders.store.tables.replace_window(
        OUTPUT, changed, column="decided_at", start=at("1"), end=at("3"), commit=commit
    )  # fmt: skip

    found = check(orders)

    assert found.defects == [
        Difference(
            "open_orders", LOADS, 1, "defect", f"version {version} of {LOADS}, as recorded, gives another value",
            ["order_id=2: stored 5, rebuilt 4"],
        )
    ]  # fmt: skip
    with pytest.raises(Misuse, match="were not made of the features that training is given: 1 value"):
        verdict(found, strict=False)


def test_a_training_join_that_gives_another_value_of_an_unchanged_table_is_a_defect(orders: Orders) -> None:
    counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    # What is published for later moments changes nothing that these orders may look up.
    publish(orders.store, COURIER_LOAD, as_of=at("6"), start=at("5"))
    seven = FeatureLookup(
        COURIER_LOAD, "courier", timestamp_lookup_key="decided_at", default_values={"open_orders": 7}
    )  # fmt: skip
    skewed = replace(SPEC, training=replace(SPEC.training, lookups=[seven]))

    found = check(orders, skewed)

    because = f"{LOADS} has not changed since, yet the training join gives another value"
    assert found.defects == [
        Difference("open_orders", LOADS, 1, "defect", because, ["order_id=4: stored 0, rebuilt 7"])
    ]  # fmt: skip


def test_each_row_is_held_against_the_versions_of_the_run_that_wrote_it(orders: Orders) -> None:
    counts(orders, ann=2)
    orders.score(as_of=at("2"), start=at("1"), run="first")
    counts(orders, ann=3)
    orders.score(as_of=at("3"), start=at("2"), run="second")

    (one,) = check(orders, start=at("1")).differences
    assert (one.rows, one.cause, one.examples) == (1, "published again", ["order_id=1: stored 2, rebuilt 3"])
    assert check(orders).is_certain  # the last window alone


def test_the_sample_is_the_same_rows_each_time_and_no_more_than_asked_for(orders: Orders) -> None:
    counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    counts(orders, ann=3)

    assert check(orders, sample=3) == check(orders, sample=3)
    assert check(orders, sample=3).rows == 3


def test_rows_of_a_run_that_the_history_does_not_know_are_told_and_not_judged(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    foreign = orders.store.spark.createDataFrame(orders.scores().withColumn("run_id", F.lit("theirs")).toArrow())
    orders.store.tables.overwrite(OUTPUT, foreign, commit=Commit(verb="restore", as_of=at("3")))

    found = check(orders)

    assert (found.rows, found.values, found.untraced, found.is_certain) == (4, 0, 4, False)
    assert "4 rows are of no scoring run that the table's history still knows" in printed(found, capsys)
    verdict(found, strict=False)


def test_before_anything_was_scored_the_command_says_so_and_after_nights_with_nobody_there_is_nothing_to_compare(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFound, match=r"There is no score table .*late_order_scores\. Run score-batch late_order\."):
        check(orders)

    orders.score(as_of=at("3T12"), start=at("3"))
    assert check(orders) == Consistency(OUTPUT, None, 0)
    assert printed(check(orders), capsys) == f"{OUTPUT}: no scores to compare"


def test_a_window_without_scores_has_nothing_to_compare(orders: Orders) -> None:
    counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)

    assert check(orders, start=at("3"), end=at("4")) == Consistency(OUTPUT, (at("3"), at("4")), 0)


@pytest.mark.filterwarnings("default:.* was dropped and made again since:UserWarning")
def test_what_was_read_of_a_table_that_was_made_again_cannot_be_built_again_and_is_no_defect(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    version = counts(orders, ann=2)
    orders.score(**FIRST_TWO_DAYS)
    orders.store.drop_table(name=LOADS)
    counts(orders, ann=3)

    found = check(orders)

    assert [(one.rows, one.cause) for one in found.differences] == [(2, "unknown")]
    assert found.lost == (f"Table {LOADS} no longer has the version {version} that was scored from.",)
    assert "not built again as it was scored: Table" in printed(found, capsys)
    verdict(found, strict=False)


@pytest.mark.parametrize(
    ("stored", "rebuilt", "alike"),
    [
        (1.5, 1.5, True),
        (math.nan, math.nan, True),
        (math.nan, None, False),
        (None, None, True),
        (0.0, -0.0, False),
        (0.1 + 0.2, 0.3, False),
        ([1.0, math.nan], [1.0, math.nan], True),
        ({"a": math.nan}, {"a": 0.0}, False),
        ("a", "a", True),
    ],
)
def test_values_are_the_same_bit_for_bit_and_nan_is_nan(stored: object, rebuilt: object, alike: bool) -> None:
    assert same(stored, rebuilt) is alike
