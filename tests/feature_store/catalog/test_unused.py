"""``show-features --unused``: columns and tables that nobody in office reads, with their cost, and features that there are twice."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from feature_store import FeatureStore, open_store
from feature_store.catalog.show import main
from feature_store.tables.commit import Commit
from tests.feature_store.catalog.shelves import at, publishing, register, shelve

PLACE = {"courier": "string", "kilometres": "double", "miles": "double", "metres": "double"}
ROWS = [(f"courier {n}", n * 1.5, n * 0.9, n * 1500.0) for n in range(20)]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return open_store(catalog="test", schema="couriers", workspace=tmp_path)


def asked(store: FeatureStore) -> dict[str, Any]:
    place = ["--workspace", str(store.reports.parent), "--catalog", "test", "--schema", "couriers"]
    result = CliRunner().invoke(main, ["--unused", "--json", *place], catch_exceptions=False)
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def unused(store: FeatureStore) -> list[tuple[str, Sequence[str], bool]]:
    return [(one["table"].rpartition(".")[2], one["columns"], one["whole"]) for one in asked(store)["unused"]]


def same(store: FeatureStore) -> list[Sequence[str]]:
    return [one["features"] for one in asked(store)["duplicates"]]


def test_what_only_a_model_out_of_office_reads_is_unused(store: FeatureStore, tmp_path: Path) -> None:
    shelve(store, "place", PLACE, ROWS, keys=["courier"])
    register(store, tmp_path / "v1", "late_order", {"place": ["kilometres"]}, alias="champion")
    register(store, tmp_path / "v2", "late_order", {"place": ["miles"]})

    assert unused(store) == [("place", ["miles", "metres"], False)]


def test_a_table_that_nobody_reads_is_unused_as_a_whole_and_costs_all_its_bytes(store: FeatureStore) -> None:
    shelve(store, "place", PLACE, ROWS, keys=["courier"], commit=publishing(at(5), seconds=1.5))

    (one,) = asked(store)["unused"]

    (size,) = store.tables.open("place").get_add_actions().column("size_bytes").to_pylist()
    assert (one["whole"], one["rows"], one["bytes"], one["seconds"]) == (True, 20, size, 1.5)


def test_unused_columns_cost_their_share_of_the_bytes(store: FeatureStore, tmp_path: Path) -> None:
    shelve(store, "place", PLACE, ROWS, keys=["courier"])
    register(store, tmp_path / "v1", "late_order", {"place": ["kilometres"]}, alias="champion")

    (one,) = asked(store)["unused"]

    (size,) = store.tables.open("place").get_add_actions().column("size_bytes").to_pylist()
    assert 0 < one["bytes"] < size * 0.8


def test_a_monitor_and_a_table_made_of_it_read_a_table_whole(store: FeatureStore) -> None:
    for name in ("watched", "refined", "left"):
        shelve(store, name, PLACE, ROWS[:3], keys=["courier"])
    checking = Commit(
        verb="check-drift", as_of=at(6), sources={"test.couriers.watched": 1}, details={"monitor": "places"}
    )
    shelve(store, "watched_drift_metrics", {"column_name": "string"}, commit=checking)
    refining = Commit(verb="publish-features", as_of=at(6), sources={"test.couriers.refined": 1})
    shelve(store, "refined_twice", PLACE, ROWS[:3], keys=["courier"], commit=refining)

    assert [name for name, _, _ in unused(store)] == ["left", "refined_twice"]


def test_scores_of_a_former_version_still_read_what_it_read(store: FeatureStore, tmp_path: Path) -> None:
    shelve(store, "place", PLACE, ROWS, keys=["courier"])
    register(store, tmp_path / "v1", "late_order", {"place": ["miles"]})
    register(store, tmp_path / "v2", "late_order", {"place": ["kilometres"]}, alias="champion")
    by = {"model": "test.couriers.late_order", "model_version": "1"}
    scoring = Commit(verb="score-batch", as_of=at(6), sources={"test.couriers.place": 1}, details=by)
    shelve(store, "scores", {"order_id": "string"}, [("1",)], commit=scoring)

    assert unused(store) == [("place", ["metres"], False)]


def test_two_features_of_equal_values_are_named_whatever_the_order_of_rows(store: FeatureStore) -> None:
    shelve(store, "place", {**PLACE, "far": "double"}, [(*row, row[1]) for row in ROWS], keys=["courier"])
    shelve(store, "reach", {"who": "string", "distance": "double"}, [row[:2] for row in reversed(ROWS)], keys=["who"])

    assert same(store) == [["place.far", "place.kilometres", "reach.distance"]]


def test_features_are_not_the_same_if_keys_types_nulls_or_one_value_differ(store: FeatureStore) -> None:
    shelve(store, "place", {"courier": "string", "km": "double"}, [("ann", 1.0), ("bob", 2.0)], keys=["courier"])
    shelve(store, "swapped", {"courier": "string", "km": "double"}, [("ann", 2.0), ("bob", 1.0)], keys=["courier"])
    shelve(store, "whole", {"courier": "string", "km": "long"}, [("ann", 1), ("bob", 2)], keys=["courier"])
    shelve(store, "holes", {"courier": "string", "km": "double"}, [("ann", 1.0), ("bob", None)], keys=["courier"])
    shelve(
        store,
        "longer",
        {"courier": "string", "km": "double"},
        [*[("ann", 1.0), ("bob", 2.0)], ("eve", 1.5)],
        keys=["courier"],
    )
    shelve(store, "texts", {"courier": "string", "a": "string", "b": "string"}, [("ann", "x", "y")], keys=["courier"])

    assert same(store) == []


def test_two_features_that_are_always_null_are_not_the_same(store: FeatureStore) -> None:
    shelve(store, "place", {"courier": "string", "a": "double", "b": "double"}, [("ann", None, None)], keys=["courier"])

    assert same(store) == []


def test_equal_texts_are_the_same(store: FeatureStore) -> None:
    rows = [("ann", "x", "x"), ("bob", None, None)]
    shelve(store, "place", {"courier": "string", "a": "string", "b": "string"}, rows, keys=["courier"])

    assert same(store) == [["place.a", "place.b"]]
