"""Scores held against the features that training is given: equal, published again since, or a defect."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import functions as F
from sklearn.linear_model import LinearRegression

from feature_store import FeatureFunction, FeatureLookup, Misuse, NotFound
from feature_store.aggregation import AggregationFunction, Count, Feature, RollingWindow
from feature_store.tables.commit import Commit
from features.publish import publish
from inference.consistency import show, verdict
from inference.scoring.compared import Difference, same
from inference.scoring.consistency import Consistency, check_consistency
from tests.couriers import COUNTS, COURIER_LOAD, DAY, DISTRICT_DISTANCE, OUTCOMES, at, frame
from tests.inference.orders import LOAD, OUTPUT, SPEC, Orders
from training.steps.champion import promote

LOADS = "test.couriers.courier_load"
FIRST_TWO_DAYS = {"as_of": at("3"), "start": at("1")}


def counts(orders: Orders, *, ann: int) -> int:
    """Land and publish what couriers carry, ann's first count being this; the feature table's version."""
    rows = [("ann", at("1"), ann), ("ann", at("2T12"), 9), ("bob", at("1T12"), 4), ("bob", at("4"), 6)]
    df = frame(orders.store.spark, rows, "courier string, counted_at timestamp, open_orders bigint")
    orders.store.tables.overwrite("counts", df, commit=Commit(verb="ingest-sources", as_of=at("1")))
    publish(orders.store, COURIER_LOAD, as_of=at("5"), full=True)
    return orders.store.tables.version(LOADS)


def change(orders: Orders, column: str, order: str, value: int) -> None:
    """Give one order another value in the scores, whose commit stays."""
    commit = orders.store.tables.history(OUTPUT)[0].commit
    assert commit is not None
    other = (
        F.when(F.col("order_id") == order, value).otherwise(F.col(column)).cast(orders.scores().schema[column].dataType)
    )
    changed = orders.store.spark.createDataFrame(orders.scores().withColumn(column, other).toArrow())
    orders.store.tables.replace_window(
        OUTPUT, changed, column="decided_at", start=at("1"), end=at("3"), commit=commit
    )  # fmt: skip


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
        "open_orders", [LOADS], 2, "published again", because,
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
    change(orders, "open_orders", "2", 5)

    found = check(orders)

    assert found.defects == [
        Difference(
            "open_orders", [LOADS], 1, "defect", f"version {version} of {LOADS}, as recorded, gives another value",
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
        Difference("open_orders", [LOADS], 1, "defect", because, ["order_id=4: stored 0, rebuilt 7"])
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


def effort(open_orders: pd.Series, kilometres: pd.Series) -> pd.Series:
    return (open_orders * kilometres).fillna(0.0)


DISTANCES, COUNTED = "test.couriers.district_distance", "test.couriers.counts"
DISTANCE = FeatureLookup(DISTRICT_DISTANCE, "district", feature_names="kilometres")
EFFORT = FeatureFunction(udf_name=effort, returns="double")
TWO_DAYS = Feature(
    name="counts_2d", source=COUNTS, entity=["courier"], timeseries_column="decided_at",
    function=AggregationFunction(Count("open_orders"), RollingWindow(window_duration=2 * DAY)),
)  # fmt: skip


def by(name: str, *lookups: FeatureLookup) -> Any:
    return replace(SPEC, training=replace(SPEC.training, name=name, lookups=lookups))


@pytest.fixture(scope="module")
def by_effort(past: Orders) -> Any:
    """A model that is given what a function makes of two lookups, and one of the two: the scores keep no kilometres."""
    labelled = OUTCOMES.read(past.store.tables, as_of=at("5"))
    training_set = past.store.create_training_set(
        df=labelled.select("courier", "district", "decided_at", "is_late"), feature_lookups=[LOAD, DISTANCE, EFFORT],
        label="is_late", exclude_columns=["courier", "district", "decided_at", "kilometres"],
    )  # fmt: skip
    given = pd.DataFrame({"open_orders": [0, 10], "effort": [0.0, 20.0]})
    past.log(LinearRegression().fit(given, [0, 1]), "by_effort", training_set)
    promote("test.couriers.by_effort", "1", as_of=at("1"), reason="first")
    return by("by_effort", LOAD, DISTANCE)


@pytest.fixture(scope="module")
def by_counts(past: Orders) -> Any:
    """A model of a rolling window, which is computed of its source as of each row's own moment."""
    labelled = OUTCOMES.read(past.store.tables, as_of=at("5"))
    training_set = past.store.create_training_set(
        df=labelled.select("courier", "decided_at", "is_late"), features=[TWO_DAYS], label="is_late",
        exclude_columns=["courier", "decided_at"],
    )  # fmt: skip
    given = pd.DataFrame({"counts_2d": [0, 10]})
    past.log(LinearRegression().fit(given, [0, 1]), "by_counts", training_set)
    promote("test.couriers.by_counts", "1", as_of=at("1"), reason="first")
    return by("by_counts", LOAD)


def publish_distance(orders: Orders, kilometres: float) -> int:
    """The version of the table of distances in which the old town is so far away."""
    rows = frame(
        orders.store.spark, [("old town", kilometres, None)], "district string, kilometres double, zone string"
    )
    orders.store.tables.overwrite("districts", rows, commit=Commit(verb="ingest-sources", as_of=at("1")))
    publish(orders.store, DISTRICT_DISTANCE, as_of=at("5"))
    return orders.store.tables.version(DISTANCES)


def test_what_functions_compute_is_compared_and_what_the_scores_do_not_keep_is_told(
    orders: Orders, by_effort: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    loads, distances = counts(orders, ann=2), publish_distance(orders, 2.0)
    orders.score(by_effort, **FIRST_TWO_DAYS)

    found = check(orders, by_effort)
    assert found == Consistency(OUTPUT, (at("1"), at("3")), rows=4, values=8, not_kept=("kilometres",))
    verdict(found, strict=True)
    assert printed(found, capsys).endswith(
        "equal, 8 values of 4 rows from 2024-01-01 00:00 to 2024-01-03 00:00 are what training is given "
        "not compared, since the scores do not keep them: kilometres"
    )

    now = publish_distance(orders, 3.0)
    (one,) = check(orders, by_effort, start=at("1"), end=at("2")).differences
    because = f"{DISTANCES} was written since: version {distances} when scored, {now} now"
    assert replace(one, examples=sorted(one.examples)) == Difference(
        "effort", [LOADS, DISTANCES], 2, "published again", because,
        ["order_id=1: stored 4.0, rebuilt 6.0", "order_id=2: stored 8.0, rebuilt 12.0"],
    )  # fmt: skip

    change(orders, "effort", "2", 7)
    because = f"version {loads} of {LOADS}, version {distances} of {DISTANCES}, as recorded, gives another value"
    assert check(orders, by_effort).defects == [
        Difference("effort", [LOADS, DISTANCES], 1, "defect", because, ["order_id=2: stored 7.0, rebuilt 8.0"])
    ]  # fmt: skip


def test_what_the_declared_lookups_no_longer_give_is_told_and_not_certain(
    orders: Orders, by_effort: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    counts(orders, ann=2)
    orders.score(by_effort, **FIRST_TWO_DAYS)
    zone = FeatureLookup(DISTRICT_DISTANCE, "district", feature_names="zone")

    found = check(orders, by("by_effort", LOAD, zone))

    assert (found.values, found.differences, found.undeclared, found.is_certain) == (8, (), ("effort",), False)
    assert "since the model's module declares nothing that gives them: effort" in printed(found, capsys)
    verdict(found, strict=False)


def test_what_is_aggregated_as_of_each_moment_is_compared(orders: Orders, by_counts: Any) -> None:
    counts(orders, ann=2)
    then = orders.store.tables.version(COUNTED)
    orders.score(by_counts, **FIRST_TWO_DAYS)

    assert check(orders, by_counts) == Consistency(OUTPUT, (at("1"), at("3")), rows=4, values=4)

    land_late_count(orders)
    because = f"{COUNTED} was written since: version {then} when scored, {then + 1} now"
    assert check(orders, by_counts).differences == (
        Difference("counts_2d", [COUNTED], 1, "published again", because, ["order_id=2: stored 1, rebuilt 2"]),
    )

    change(orders, "counts_2d", "3", 7)
    because = f"version {then} of {COUNTED}, as recorded, gives another value"
    assert check(orders, by_counts).defects == [
        Difference("counts_2d", [COUNTED], 1, "defect", because, ["order_id=3: stored 7, rebuilt 1"])
    ]


def land_late_count(orders: Orders) -> None:
    """Land what arrived late: bob carried four orders on the first evening, too."""
    late = frame(
        orders.store.spark, [("bob", at("1T18"), 4)], "courier string, counted_at timestamp, open_orders bigint"
    )
    orders.store.tables.append("counts", late, commit=Commit(verb="ingest-sources", as_of=at("5")))


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
