"""The orders, landed and published, with two versions of the model of which the first is in office."""

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from pyspark.sql import SparkSession

from feature_store import open_store
from inference.scoring.runs import RUNS_TABLE
from tests.couriers import MICROSECOND, at, land, publish_features
from tests.inference.orders import MODEL, OUTPUT, Orders
from training.steps.champion import promote


@pytest.fixture(scope="module")
def past(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Orders:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("orders"))
    land(
        store,
        orders=[
            ("1", "ann", "old town", at("1"), at("1T12"), True),
            ("2", "bob", "old town", at("2") - MICROSECOND, at("2T12"), False),
            ("3", "ann", "old town", at("2"), None, None),
            ("4", "nobody knows", "old town", at("2T18"), at("3T12"), True),
            ("5", "bob", "old town", at("4"), at("4T12"), False),
        ],
        counts=[
            ("ann", at("1"), 2),
            ("ann", at("2") + MICROSECOND, 9),
            ("bob", at("1T12"), 4),
            ("bob", at("4"), 6),
        ],
    )
    publish_features(store, as_of=at("5"))
    orders = Orders(store)
    orders.register("late_order", chance_with_ten_orders=1.0)
    orders.register("late_order", chance_with_ten_orders=0.0)
    promote(MODEL, "1", as_of=at("1"), reason="first")
    return orders


@pytest.fixture
def orders(past: Orders) -> Iterator[Orders]:
    """The orders, scored by nobody yet, with version 1 alone in office and an empty log."""
    for name in (OUTPUT, RUNS_TABLE):
        if past.store.tables.exists(name):
            past.store.tables.drop(name)
    yield past
    MlflowClient().delete_model_version_tag(MODEL, "2", "promoted_as_of")
