"""What a table, a feature or a model comes from, and what breaks if it changes, read from a small store."""

import json
from collections.abc import Sequence

import mlflow.sklearn
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from pyspark.sql import SparkSession
from sklearn.dummy import DummyRegressor

from feature_store import FeatureLookup, FeatureStore, open_store
from feature_store.job import task_context
from feature_store.lineage.graph import Graph, Node, read_graph
from feature_store.lineage.show import as_mermaid, main
from feature_store.tables.commit import code_revision
from inference.score import score
from tests.couriers import COURIER_LOAD, DISTRICT_DISTANCE, OWNER, SCORING, TRAINING, at, land, publish_features
from training.steps.champion import promote

RUN = "run-of-the-test"


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Orders were landed, features published, two models trained as of the 3rd, and scores written by the first.

    Then all was landed, published and scored again. Somebody has also registered a model by hand, which was not
    packaged with features; and one table's log is broken.
    """
    workspace = tmp_path_factory.mktemp("lineage")
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    orders = [("1", "ann", "old town", at("1"), at("2"), True), ("2", "ann", "old town", at("3"), None, None)]
    renamed = FeatureLookup(
        DISTRICT_DISTANCE, "district", feature_names="kilometres", rename_outputs={"kilometres": "km"}
    )
    load = FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at")
    with task_context({}, RUN):
        land(store, orders=orders, counts=[("ann", at("1"), 2)])
        publish_features(store, as_of=at("3"))
        log(store, TRAINING.lookups)
        log(store, [load, renamed])
        promote("test.couriers.late_order", "1", as_of=at("3"), reason="passed")
        score(store, SCORING, as_of=at("4"))
        orders.append(("3", "ann", "old town", at("4"), None, None))
        land(store, orders=orders, counts=[("ann", at("1"), 2), ("ann", at("4"), 3)])
        publish_features(store, as_of=at("5"))
        score(store, SCORING, as_of=at("5"))
    MlflowClient().create_registered_model("test.couriers.by_hand")
    MlflowClient().create_model_version("test.couriers.by_hand", source="/a/model/without/files")
    broken_log = workspace / "warehouse" / "test" / "couriers" / "half_written" / "_delta_log"
    broken_log.mkdir(parents=True)
    (broken_log / f"{0:020}.json").write_text("{")
    return store


def log(store: FeatureStore, lookups: Sequence[FeatureLookup]) -> None:
    """Register a model that was trained with these lookups on the orders known on the 3rd."""
    spine = TRAINING.labels.read(store.tables, as_of=at("3")).select("courier", "district", "decided_at", "is_late")
    store.log_model(
        model=DummyRegressor().fit(pd.DataFrame({"open_orders": [1]}), [0.25]),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=store.create_training_set(df=spine, feature_lookups=lookups, label="is_late"),
        registered_model_name="late_order",
        lineage={
            "as_of": at("3").isoformat(),
            "labels": {"test.couriers.orders": 1},
            "owner": OWNER,
            "code_revision": "c0de",
            "run": RUN,
        },
    )


def version(store: FeatureStore, table: str) -> int:
    """The newest version of a table; feature tables were published twice, so the one before is the first with rows."""
    return store.tables.version(table)


def show(store: FeatureStore, *arguments: str) -> Result:
    """Type ``show-lineage`` with these arguments."""
    place = ["--catalog", "test", "--schema", "couriers", "--workspace", str(getattr(store, "workspace"))]  # noqa: B009
    return CliRunner().invoke(main, [*arguments, *place])


def test_a_feature_shows_its_table_and_sources_above_and_the_models_and_scores_below(store: FeatureStore) -> None:
    load = version(store, "courier_load")

    assert show(store, "courier_load.open_orders").output.splitlines() == [
        f"test.couriers.courier_load.open_orders  feature, version {load}, of couriers@example.com",
        "├── comes from",
        "│   └── test.couriers.courier_load  feature",
        "│       └── test.couriers.counts  read at versions 1 to 2",
        "├── is used by",
        f"│   ├── test.couriers.late_order/1  looked up at version {load - 1}  champion",
        "│   │   └── test.couriers.late_order_scores  scored versions 1 to 2",
        f"│   └── test.couriers.late_order/2  looked up at version {load - 1}",
        "└── what breaks if it changes  2 model versions (with the champion test.couriers.late_order/1), 1 score table. "
        "Ask couriers@example.com",
    ]


def test_a_model_is_its_champion_and_shows_the_labels_and_features_that_it_was_trained_with(
    store: FeatureStore,
) -> None:
    load, distance = version(store, "courier_load"), version(store, "district_distance")

    assert show(store, "late_order").output.splitlines() == [
        "test.couriers.late_order/1  model version, of couriers@example.com  champion",
        "├── by train-model as of 2024-01-03 00:00",
        "├── code c0de, run run-of-the-test",
        "├── comes from",
        f"│   ├── test.couriers.courier_load.open_orders  looked up at version {load - 1}",
        "│   │   └── test.couriers.courier_load  feature",
        "│   │       └── test.couriers.counts  read at versions 1 to 2",
        f"│   ├── test.couriers.district_distance.kilometres  looked up at version {distance}",
        "│   │   └── test.couriers.district_distance  feature",
        "│   │       └── test.couriers.districts  read at version 1",
        f"│   ├── test.couriers.district_distance.zone  looked up at version {distance}",
        "│   │   └── test.couriers.district_distance  feature  (see above)",
        "│   └── test.couriers.orders  labels read at version 1",
        "├── is used by",
        "│   └── test.couriers.late_order_scores  scored versions 1 to 2",
        "└── what breaks if it changes  1 score table. Ask couriers@example.com",
    ]


def test_another_version_shows_under_which_names_it_takes_its_features_and_that_nobody_uses_it(
    store: FeatureStore,
) -> None:
    shown = show(store, "late_order/2").output.splitlines()

    assert shown[0] == "test.couriers.late_order/2  model version, of couriers@example.com"
    distance = version(store, "district_distance")
    assert f"│   ├── test.couriers.district_distance.kilometres  looked up at version {distance} as km" in shown
    assert shown[-3:] == [
        "├── is used by",
        "│   └── nothing recorded",
        "└── what breaks if it changes  nothing that is recorded",
    ]


def test_a_score_table_shows_by_which_run_and_code_its_newest_window_was_written(store: FeatureStore) -> None:
    shown = show(store, "late_order_scores", "--up", "--depth", "1").output.splitlines()

    load, distance = version(store, "courier_load"), version(store, "district_distance")
    assert shown == [
        "test.couriers.late_order_scores  score table, version 2, of couriers@example.com",
        "├── by score-batch as of 2024-01-05 00:00, for 2024-01-04 00:00 to 2024-01-05 00:00",
        f"├── code {code_revision()}, run run-of-the-test",
        "└── comes from",
        f"    ├── test.couriers.courier_load  read at versions {load - 1} to {load}",
        "    │   └── …",
        f"    ├── test.couriers.district_distance  read at version {distance}",
        "    │   └── …",
        "    ├── test.couriers.late_order/1  scored versions 1 to 2  champion",
        "    │   └── …",
        "    └── test.couriers.orders  read at versions 1 to 2",
    ]


def test_what_is_below_counts_in_full_however_few_steps_are_shown(store: FeatureStore) -> None:
    assert show(store, "districts", "--down", "--depth", "1").output.splitlines()[-3:] == [
        "│   └── test.couriers.district_distance  read at version 1",
        "│       └── …",
        "└── what breaks if it changes  2 model versions (with the champion test.couriers.late_order/1), 1 score table, "
        "1 other table. Ask couriers@example.com",
    ]


def test_of_a_version_only_what_it_was_made_from_and_what_was_made_of_it(store: FeatureStore) -> None:
    load = version(store, "courier_load")

    first = show(store, "courier_load", "--version", str(load - 1)).output.splitlines()
    second = show(store, "courier_load", "--version", str(load)).output.splitlines()

    assert first[1:5] == [
        "├── by publish-features as of 2024-01-03 00:00, for 1970-01-01 00:00 to 2024-01-03 00:00",
        f"├── code {code_revision()}, run run-of-the-test",
        "├── comes from",
        "│   └── test.couriers.counts  read at version 1",
    ]
    assert [line[8:] for line in first[6:-1]] == [
        "test.couriers.courier_load.open_orders  feature",
        f"├── test.couriers.late_order/1  looked up at version {load - 1}  champion",
        "│   └── test.couriers.late_order_scores  scored versions 1 to 2",
        f"└── test.couriers.late_order/2  looked up at version {load - 1}",
        f"test.couriers.late_order_scores  read at version {load - 1}  (see above)",
    ]
    assert second[3:] == [
        "├── comes from",
        "│   └── test.couriers.counts  read at versions 1 to 2",
        "├── is used by",
        f"│   └── test.couriers.late_order_scores  read at version {load}",
        "└── what breaks if it changes  1 score table. Ask couriers@example.com",
    ]


def test_a_version_that_there_is_not_is_refused(store: FeatureStore) -> None:
    assert show(store, "counts", "--version", "3").stderr.strip() == (
        "Error: test.couriers.counts has no version 3; the newest is 2."
    )
    assert show(store, "late_order/1", "--version", "3").stderr.strip() == (
        "Error: test.couriers.late_order/1 is no table with versions that can be read: leave --version out."
    )


def test_a_model_without_lineage_and_a_table_that_cannot_be_read_say_so_and_hide_nothing_else(
    store: FeatureStore,
) -> None:
    by_hand = show(store, "by_hand/1").output.splitlines()
    half_written = show(store, "half_written").output.splitlines()

    assert by_hand[0].startswith("test.couriers.by_hand/1  model version  without lineage: There is no model")
    assert half_written[0].startswith("test.couriers.half_written  table  cannot be read: ")
    assert (
        by_hand[1:]
        == half_written[1:]
        == [
            "├── comes from",
            "│   └── nothing recorded",
            "├── is used by",
            "│   └── nothing recorded",
            "└── what breaks if it changes  nothing that is recorded",
        ]
    )


def test_what_is_connected_can_be_had_as_json_with_all_that_is_known_of_it(store: FeatureStore) -> None:
    shown = json.loads(show(store, "counts", "--json").output)

    load = version(store, "courier_load")
    couriers = "test.couriers."
    assert {node["name"].removeprefix(couriers): node["kind"] for node in shown["nodes"]} == {
        "counts": "source table",
        "courier_load": "feature table",
        "courier_load.open_orders": "feature",
        "late_order/1": "model version",
        "late_order/2": "model version",
        "late_order_scores": "score table",
    }
    assert shown["nodes"][1] == {
        "name": "test.couriers.courier_load",
        "kind": "feature table",
        "version": load,
        "owner": "couriers@example.com",
        "verb": "publish-features",
        "as_of": "2024-01-05T00:00:00+00:00",
        "window": ["2024-01-03T00:00:00+00:00", "2024-01-05T00:00:00+00:00"],
        "revision": code_revision(),
        "run": RUN,
    }
    assert shown["edges"][0] == {
        "from": "test.couriers.counts",
        "to": "test.couriers.courier_load",
        "how": "read",
        "note": "read at versions 1 to 2",
        "reads": [[1, load - 1], [2, load]],
    }
    assert len(shown["edges"]) == 6
    assert shown["breaks"] == {
        "models": ["test.couriers.late_order/1", "test.couriers.late_order/2"],
        "champions": ["test.couriers.late_order/1"],
        "score_tables": ["test.couriers.late_order_scores"],
        "other_tables": ["test.couriers.courier_load"],
        "owners": ["couriers@example.com"],
    }


def test_what_is_connected_can_be_had_as_a_mermaid_flowchart(store: FeatureStore) -> None:
    load = version(store, "courier_load")

    assert show(store, "courier_load", "--mermaid").output.splitlines() == [
        "flowchart LR",
        '  n0[("test.couriers.counts")]',
        '  n1[("test.couriers.courier_load")]',
        '  n2(["test.couriers.courier_load.open_orders"])',
        '  n3{{"test.couriers.late_order/1<br>champion"}}:::champion',
        '  n4{{"test.couriers.late_order/2"}}',
        '  n5[("test.couriers.late_order_scores")]',
        '  n0 -->|"read at versions 1 to 2"| n1',
        '  n1 -->|"feature"| n2',
        f'  n2 -->|"looked up at version {load - 1}"| n3',
        f'  n2 -->|"looked up at version {load - 1}"| n4',
        f'  n1 -->|"read at versions {load - 1} to {load}"| n5',
        '  n3 -->|"scored versions 1 to 2"| n5',
        "  classDef champion stroke-width:4px",
    ]


def test_in_mermaid_whatever_stands_in_a_name_cannot_end_its_text() -> None:
    graph = Graph({'a "b" <c> #1 `d` & end;\n': Node('a "b" <c> #1 `d` & end;\n')})

    assert as_mermaid(graph).splitlines()[1] == ('  n0[("a #quot;b#quot; #lt;c#gt; #35;1 #96;d#96; #amp; end; ")]')


def test_as_of_an_earlier_moment_what_was_made_later_is_not_there(store: FeatureStore) -> None:
    third = read_graph(store, as_of=at("3"))

    assert "test.couriers.late_order_scores" not in third.nodes
    assert "test.couriers.late_order/1" in third.nodes
    assert third.nodes["test.couriers.courier_load"].version == version(store, "courier_load") - 1
    assert "test.couriers.late_order/1" not in read_graph(store, as_of=at("2")).nodes


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("courier_lode", "Nothing in test.couriers is called 'courier_lode'. Did you mean courier_load"),
        (
            "courier_load.open_order",
            "Table test.couriers.courier_load has no feature 'open_order'. Did you mean open_orders? There is: open_orders.",
        ),
        (
            "counts.open_orders",
            "test.couriers.counts has no features; of other columns nobody records what is made of them. "
            "Ask for the whole table.",
        ),
        (
            "late_order@champignon",
            "Model test.couriers.late_order has no alias 'champignon'. Did you mean champion? There is: champion.",
        ),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_the_closest_ones(store: FeatureStore, name: str, told: str) -> None:
    refused = show(store, name)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {told}")
