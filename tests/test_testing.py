"""The checks that a project's own tests are made of: what holds passes, and what does not is shown."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureStore, InRange, Misuse, NotFound, NullShare, open_store
from feature_store.tables.commit import Commit
from feature_store.testing import check_table
from inference.testing import check_deployed
from tests.couriers import (
    COURIER_LOAD,
    DISTRICT_DISTANCE,
    HOUR,
    SCORING,
    TRAINING,
    at,
    frame,
    land,
    publish_features,
    tree,
)
from training.steps.pipeline import train
from training.testing import check_direction, check_invariant, check_quality

CHAMPION = "models:/test.couriers.late_order@champion"
AS_OF = at("15")


@pytest.fixture(scope="module")
def store(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Two weeks of orders: with six or more open orders a courier is late, but courier 4, of whom nobody knows anything."""
    there = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("checked"))
    hours = [(n, at("1") + n * HOUR, n * 3 % 10) for n in range(14 * 24)]
    land(
        there,
        orders=[
            (f"{n}", f"courier {n % 5}", "old town", hour, hour + HOUR, load >= 6 if n % 5 < 4 else n % 2 == 0)
            for n, hour, load in hours
        ],
        counts=[(f"courier {n % 5}", hour, load) for n, hour, load in hours if n % 5 < 4],
    )
    publish_features(there, as_of=AS_OF)
    train(there, replace(TRAINING, estimators={"tree": tree}), as_of=AS_OF)
    return there


@pytest.fixture(scope="module")
def keys(store: FeatureStore) -> DataFrame:
    rows = [(f"courier {n % 5}", "old town", at("10") + n * HOUR) for n in range(40)]
    return frame(store.spark, rows, "courier string, district string, decided_at timestamp")


def more(values: pd.Series) -> pd.Series:
    return values + 6


def test_a_table_as_it_is_declared_passes(store: FeatureStore) -> None:
    for table in (COURIER_LOAD, DISTRICT_DISTANCE):
        check_table(
            store,
            replace(table, checks=[NullShare("zone", at_most=1)] if table is DISTRICT_DISTANCE else []),
            as_of=AS_OF,
        )


def test_everything_in_a_table_that_is_not_as_declared_is_told_at_once(store: FeatureStore) -> None:
    other = replace(
        COURIER_LOAD,
        features={"open_orders": "Orders under way"},
        checks=[InRange("open_orders", at_most=8), InRange("open_orders", at_most=0, on_failure="warn")],
    )
    rows = store.tables.read("courier_load")
    late, nine = (rows.where(condition).count() for condition in ("known_at > '2024-01-14'", "open_orders = 9"))

    with pytest.raises(AssertionError) as told:
        check_table(store, other, as_of=at("14"))

    assert str(told.value) == (
        "Feature table test.couriers.courier_load is not what is declared. "
        "The comment of 'open_orders' is 'Orders that the courier carries', declared is 'Orders under way'. "
        f"{late} rows were known only after 2024-01-14 00:00. "
        f"{nine} of {rows.count()} rows fail open_orders <= 8."
    )


def test_a_key_that_somebody_has_written_twice_past_the_store_is_found(store: FeatureStore) -> None:
    version = store.tables.version("courier_load")
    first = store.tables.read("courier_load").where("courier = 'courier 0'").limit(1)
    store.tables.append("courier_load", first, commit=Commit(verb="by hand", as_of=AS_OF))

    with pytest.raises(AssertionError, match=r"1 key with more than one row, for example courier=courier 0"):
        check_table(store, COURIER_LOAD, as_of=AS_OF)
    check_table(store, COURIER_LOAD, as_of=AS_OF, version=version)
    rows = store.tables.read("courier_load", version=version)
    store.tables.overwrite("courier_load", rows, commit=Commit(verb="by hand", as_of=AS_OF))


def test_a_model_that_does_not_mind_a_feature_passes_and_one_that_does_is_shown_with_its_rows(
    store: FeatureStore, keys: DataFrame
) -> None:
    check_invariant(store, CHAMPION, keys, feature="kilometres", change=more)

    with pytest.raises(AssertionError) as told:
        check_invariant(store, CHAMPION, keys, feature="open_orders", change=more)
    first, header, *rows = str(told.value).splitlines()
    assert re.fullmatch(
        r"For \d+ of 40 rows changing 'open_orders' moves predictions by more than 0, for example:", first
    )
    assert header.split() == [
        "courier",
        "district",
        "decided_at",
        "open_orders",
        "changed",
        "to",
        "before",
        "after",
        "moved",
    ]
    assert len(rows) == 5


def test_a_model_that_goes_the_right_way_passes_and_one_that_goes_the_other_is_shown(
    store: FeatureStore, keys: DataFrame
) -> None:
    check_direction(store, CHAMPION, keys, feature="open_orders", change=more, goes="up")

    with pytest.raises(AssertionError, match="rows changing 'open_orders' moves predictions up"):
        check_direction(store, CHAMPION, keys, feature="open_orders", change=more, goes="down")
    check_direction(store, CHAMPION, keys, feature="open_orders", change=more, goes="down", at_most=1)


def test_a_feature_that_moves_nothing_has_no_direction(store: FeatureStore, keys: DataFrame) -> None:
    with pytest.raises(AssertionError, match="Changing 'kilometres' moves none of 40 predictions"):
        check_direction(store, CHAMPION, keys, feature="kilometres", change=more, goes="up")


@pytest.mark.parametrize("feature", ["open_order", "courier"])
def test_what_the_model_does_not_look_up_is_refused_with_the_closest_names(
    store: FeatureStore, keys: DataFrame, feature: str
) -> None:
    with pytest.raises(Misuse, match=f"looks no feature '{feature}' up.*There are: kilometres, open_orders, zone"):
        check_invariant(store, CHAMPION, keys, feature=feature, change=more)


def test_quality_is_held_on_the_whole_and_in_each_slice_that_is_large_enough(store: FeatureStore) -> None:
    check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="roc_auc", limit=0.8)
    check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="brier_score", limit=0.2, per=["district"])
    check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="roc_auc", limit=0.8, per=["courier"], rows=500)

    with pytest.raises(
        AssertionError,
        match=r"^roc_auc should be at least 0\.8, and is not for courier courier 4 \(24 rows\): 0\.5000\.$",
    ):
        check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="roc_auc", limit=0.8, per=["courier"], rows=20)
    with pytest.raises(Misuse, match=r"no metric 'roc'\. Did you mean roc_auc"):
        check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="roc", limit=0.8)
    with pytest.raises(Misuse, match=r"no column 'curier'\. Did you mean courier"):
        check_quality(store, TRAINING, CHAMPION, as_of=AS_OF, metric="roc_auc", limit=0.8, per=["curier"])


def test_a_deployment_that_can_score_passes_and_writes_nothing(store: FeatureStore) -> None:
    before = store.tables.names()
    check_deployed(store, SCORING, as_of=AS_OF)
    assert store.tables.names() == before


def test_a_deployment_without_its_alias_or_with_nobody_to_score_is_told(store: FeatureStore) -> None:
    with pytest.raises(NotFound, match="has no alias 'shadow'"):
        check_deployed(store, replace(SCORING, alias="shadow"), as_of=AS_OF)
    with pytest.raises(AssertionError, match="There is nobody to score in the 1:00:00 before 2024-02-01 00:00"):
        check_deployed(store, SCORING, as_of=AS_OF + timedelta(days=17), within=HOUR)


def test_the_frame_given_is_not_changed(store: FeatureStore, keys: DataFrame) -> None:
    before = keys.orderBy("decided_at").collect()
    check_invariant(store, CHAMPION, keys.withColumn("note", F.lit("x")), feature="kilometres", change=more)
    assert keys.orderBy("decided_at").collect() == before
