"""What a table, a feature or a model comes from, and what breaks if it changes, read from a small store."""

import json

import mlflow.sklearn
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from pyspark.sql import SparkSession
from sklearn.dummy import DummyRegressor

from feature_store import FeatureStore, open_store
from feature_store.show_lineage import main, read_graph
from inference.score import score
from tests.couriers import SCORING, TRAINING, at, land, publish_features
from training.champion import promote


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Orders were landed, features published, a model trained as of the 3rd, and scores written as of the 4th.

    Somebody has also registered a model by hand, which was not packaged with features.
    """
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("lineage"))
    orders = [("1", "ann", "old town", at("1"), at("2"), True), ("2", "ann", "old town", at("3"), None, None)]
    land(store, orders=orders, counts=[("ann", at("1"), 2)])
    publish_features(store, as_of=at("3"))
    spine = TRAINING.labels.read(store.tables, as_of=at("3")).select(*TRAINING.entity_columns, "is_late")
    store.log_model(
        model=DummyRegressor().fit(pd.DataFrame({"open_orders": [1]}), [0.25]),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=store.create_training_set(df=spine, feature_lookups=TRAINING.lookups, label="is_late"),
        registered_model_name="late_order",
        lineage={"as_of": at("3").isoformat(), "labels": {"test.couriers.orders": 1}},
    )
    promote("test.couriers.late_order", "1", as_of=at("3"), reason="passed")
    score(store, SCORING, as_of=at("4"))
    MlflowClient().create_registered_model("test.couriers.by_hand")
    MlflowClient().create_model_version("test.couriers.by_hand", source="/a/model/without/files")
    return store


def show(store: FeatureStore, *arguments: str) -> Result:
    """Type ``show-lineage`` with these arguments."""
    place = ["--catalog", "test", "--schema", "couriers", "--workspace", str(getattr(store, "workspace"))]  # noqa: B009
    return CliRunner().invoke(main, [*arguments, *place])


def test_a_feature_shows_its_table_and_sources_above_and_the_models_and_scores_below(store: FeatureStore) -> None:
    assert show(store, "courier_load.open_orders").output.splitlines() == [
        "test.couriers.courier_load.open_orders  ",
        "├── comes from",
        "│   └── test.couriers.courier_load  feature",
        "│       └── test.couriers.counts  read at version 1",
        "└── is used by: what breaks if it changes",
        "    └── test.couriers.late_order/1  looked up at version 2",
        "        └── test.couriers.late_order_scores  scored by",
    ]


def test_a_model_shows_the_labels_and_features_that_it_was_trained_with(store: FeatureStore) -> None:
    assert show(store, "late_order").output.splitlines() == [
        "test.couriers.late_order/1  trained as of 2024-01-03T00:00",
        "├── comes from",
        "│   ├── test.couriers.courier_load.open_orders  looked up at version 2",
        "│   │   └── test.couriers.courier_load  feature",
        "│   │       └── test.couriers.counts  read at version 1",
        "│   ├── test.couriers.district_distance.kilometres  looked up at version 2",
        "│   │   └── test.couriers.district_distance  feature",
        "│   │       └── test.couriers.districts  read at version 1",
        "│   ├── test.couriers.district_distance.zone  looked up at version 2",
        "│   │   └── test.couriers.district_distance  feature  (see above)",
        "│   └── test.couriers.orders  labels, at version 1",
        "└── is used by: what breaks if it changes",
        "    └── test.couriers.late_order_scores  scored by",
    ]


def test_a_source_that_nothing_was_made_from_yet_says_so(store: FeatureStore) -> None:
    shown = show(store, "by_hand/1").output.splitlines()

    assert shown == [
        "test.couriers.by_hand/1  without lineage",
        "├── comes from",
        "│   └── nothing recorded",
        "└── is used by: what breaks if it changes",
        "    └── nothing recorded",
    ]


def test_what_is_connected_can_be_had_as_json(store: FeatureStore) -> None:
    shown = json.loads(show(store, "counts", "--json").output)

    assert [node["name"].removeprefix("test.couriers.") for node in shown["nodes"]] == [
        "counts",
        "courier_load",
        "courier_load.open_orders",
        "late_order/1",
        "late_order_scores",
    ]
    assert {"from": "test.couriers.counts", "to": "test.couriers.courier_load", "note": "read at version 1"} in shown[
        "edges"
    ]
    assert len(shown["edges"]) == 5  # the scores were made from the table, too


def test_what_is_connected_can_be_had_as_a_mermaid_flowchart(store: FeatureStore) -> None:
    assert show(store, "districts", "--mermaid").output.splitlines() == [
        "flowchart LR",
        '  n0["test.couriers.district_distance"]',
        '  n1["test.couriers.district_distance.kilometres"]',
        '  n2["test.couriers.district_distance.zone"]',
        '  n3["test.couriers.districts"]',
        '  n4["test.couriers.late_order/1"]',
        '  n5["test.couriers.late_order_scores"]',
        "  n3 --> n0",
        "  n0 --> n1",
        "  n0 --> n2",
        "  n1 --> n4",
        "  n2 --> n4",
        "  n0 --> n5",
        "  n4 --> n5",
    ]


def test_as_of_an_earlier_moment_what_was_made_later_is_not_there(store: FeatureStore) -> None:
    assert "test.couriers.late_order_scores" not in read_graph(store, as_of=at("3")).sources
    assert "test.couriers.late_order/1" in read_graph(store, as_of=at("3")).sources
    assert "test.couriers.late_order/1" not in read_graph(store, as_of=at("2")).sources


def test_a_name_that_there_is_not_is_refused_with_the_closest_ones(store: FeatureStore) -> None:
    refused = show(store, "courier_lode")

    assert refused.exit_code == 1
    assert refused.stderr.startswith(
        "Error: Nothing in test.couriers is called 'courier_lode'. Did you mean courier_load"
    )
