"""``train-model --with`` and ``--without``: what features are worth, on the same rows, with nothing registered."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from feature_store import FeatureLookup, FeatureStore, Misuse, NotFound, open_store
from tests.couriers import COURIER_LOAD, TRAINING, at, land_two_weeks, publish_features
from training.spec import TrainingSpec
from training.steps.asked import lookup_asked
from training.steps.kinds import BINARY, REGRESSION
from training.steps.pipeline import train, weigh
from training.steps.worth import compare, known
from training.train import main

MODEL, AS_OF = "test.couriers.late_order", at("15")
LOAD = FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at")


@pytest.fixture(scope="module")
def orders(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Two weeks of orders: the courier's load decides whether one is late, and the district, the same for all, does not."""
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("worth"))
    land_two_weeks(store)
    publish_features(store, as_of=AS_OF)
    return store


@pytest.fixture(autouse=True)
def its_registry(orders: FeatureStore) -> None:
    """MLflow looks where the module's store is."""
    open_store(catalog="test", schema="couriers", workspace=orders.workspace)  # type: ignore[attr-defined]


def test_a_table_that_decides_is_clearly_missed_and_one_that_says_nothing_is_not(orders: FeatureStore) -> None:
    tables, told = orders.tables.names(), list[str]()

    load, page = weigh(orders, TRAINING, fewer=["courier_load"], as_of=AS_OF, begin=told.append)
    district, _ = weigh(orders, TRAINING, fewer=["district_distance.kilometres", "district_distance.zone"], as_of=AS_OF)

    assert (load.asked, load.rows, load.main.metric) == ("without courier_load", 120, "roc_auc")
    assert (load.main.declared > 0.8, load.main.asked, load.main.is_better) == (True, 0.5, False)
    assert load.main.low <= load.main.change <= load.main.high < -0.2
    assert (load.as_declared.columns, load.as_asked.columns) == (5, 4)
    assert told == [
        "looking features up",
        "fitting tree, as declared",
        "fitting tree, as asked",
        "resampling the holdout",
    ]
    assert {(one.change, one.low, one.high, one.is_better) for one in district.differences} == {(0.0, 0.0, 0.0, None)}
    assert (district.as_declared.columns, district.as_asked.columns) == (5, 3)
    assert "without courier_load" in page.read_text()

    assert orders.tables.names() == tables
    assert MlflowClient().search_model_versions(f"name = '{MODEL}'") == []


def test_a_lookup_that_is_not_declared_is_tried_by_the_columns_that_are_named(orders: FeatureStore) -> None:
    near = replace(TRAINING, lookups=[LOAD])

    found, _ = weigh(orders, near, more=["district_distance"], as_of=AS_OF)
    both, _ = weigh(orders, TRAINING, more=["courier_load.open_orders@courier"], fewer=["courier_load"], as_of=AS_OF)

    assert found.as_asked.columns - found.as_declared.columns == 2
    # The same feature under another name: what is taken away is given back.
    assert both.asked == "with courier_load.open_orders@courier and without courier_load"
    assert {one.change for one in both.differences} == {0.0}


def test_a_feature_whose_name_is_taken_gets_its_table_s(orders: FeatureStore) -> None:
    lookup = lookup_asked(orders, TRAINING, "courier_load.open_orders")

    assert lookup == FeatureLookup(
        "courier_load", "courier", feature_names=["open_orders"], timestamp_lookup_key="decided_at",
        rename_outputs={"open_orders": "courier_load_open_orders"},
    )  # fmt: skip


def test_both_models_are_nested_runs_and_the_next_training_card_tells(orders: FeatureStore) -> None:
    spec = replace(TRAINING, name="told")
    worth, _ = weigh(orders, spec, fewer=["courier_load.open_orders"], as_of=AS_OF)
    weigh(orders, spec, fewer=["district_distance"], as_of=at("16"))

    experiment = mlflow.get_experiment_by_name("test.couriers.told")
    assert experiment is not None
    runs = {run.info.run_name: run for run in MlflowClient().search_runs([experiment.experiment_id])}
    [parent] = [run for name, run in runs.items() if name == "without courier_load.open_orders"]
    children = MlflowClient().search_runs(
        [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    assert {run.info.run_name: run.data.metrics["roc_auc"] for run in children} == {
        "as declared": worth.main.declared, "as asked": worth.main.asked,
    }  # fmt: skip
    assert parent.data.metrics["roc_auc.change"] == worth.main.change

    card = train(orders, spec, as_of=AS_OF, until="validate").card
    assert card is not None
    assert "without courier_<wbr>load.open_<wbr>orders" in card.read_text()
    assert "without district" not in card.read_text()  # asked as of a later moment


def test_what_was_kept_and_cannot_be_read_is_passed_over(orders: FeatureStore) -> None:
    spec = replace(TRAINING, name="torn")
    worth, page = weigh(orders, spec, fewer=["district_distance"], as_of=AS_OF)
    page.with_name("torn.json").write_text("{")
    page.with_name("other.json").write_text('{"model": "x"}')

    assert known(page.parents[1], as_of=AS_OF) == [worth]


@pytest.mark.parametrize(
    ("more", "fewer", "error", "told"),
    [
        ([], ["courier_lod"], Misuse, "--without courier_lod: 'late_order' looks nothing up in 'courier_lod'. Did you mean courier_load?"),
        ([], ["courier_load.orders"], Misuse, "looks no 'orders' up in courier_load. Did you mean open_orders?"),
        (["districts"], [], Misuse, "districts is not a feature table"),
        (["distrikt_distance"], [], NotFound, "There is no table test.couriers.distrikt_distance. Did you mean district_distance"),
        (["district_distance.zne"], [], Misuse, "--with district_distance.zne: district_distance has no feature 'zne'. Did you mean zone"),
        (["district_distance@town"], [], Misuse, "is looked up by district. Name a column of source 'order_outcomes' for each: "
                                                 "district_distance@COLUMN. It has order_id, courier, district, decided_at"),
        (["district_distance@district,courier"], [], Misuse, "is looked up by district"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named_with_what_is(
    more: Sequence[str], fewer: Sequence[str], error: type[Exception], told: str, orders: FeatureStore
) -> None:
    with pytest.raises(error) as raised:
        weigh(orders, TRAINING, more=more, fewer=fewer, as_of=AS_OF)
    assert told in str(raised.value)


def test_an_estimator_that_cannot_do_without_says_so(orders: FeatureStore) -> None:
    with pytest.raises(Misuse, match=r"tree cannot be fitted as asked: Found array with 0 feature\(s\)"):
        weigh(orders, TRAINING, fewer=["courier_load", "district_distance"], as_of=AS_OF)


def test_a_column_that_the_estimator_is_not_given_cannot_be_left_out(orders: FeatureStore) -> None:
    spec: TrainingSpec = replace(TRAINING, exclude_columns=["courier", "zone"])
    with pytest.raises(Misuse, match="the estimator is not given zone, which 'late_order' excludes"):
        weigh(orders, spec, fewer=["district_distance.zone"], as_of=AS_OF)


def test_equal_predictions_differ_by_nothing_and_turned_ones_by_all() -> None:
    labels = np.array([False, True] * 50)
    right = np.where(labels, 0.9, 0.1)

    same = {one.metric: one for one in compare(BINARY, labels, right, right, times=20)}
    turned = {one.metric: one for one in compare(BINARY, labels, right, 1 - right, times=20)}

    assert {(one.change, one.low, one.high, one.is_better) for one in same.values()} == {(0.0, 0.0, 0.0, None)}
    auc, error, rate = turned["roc_auc"], turned["brier_score"], turned["label_rate"]
    assert (auc.change, auc.low, auc.high, auc.is_better) == (-1.0, -1.0, -1.0, False)
    assert (round(error.change, 9), error.is_better) == (0.8, False)
    assert rate.is_better is None


def test_the_interval_is_that_of_the_middle_95_of_100_resamples() -> None:
    labels = np.array([0.0, 0.0, 0.0, 4.0])

    [bias] = [one for one in compare(REGRESSION, labels, labels, labels + 1, times=20) if one.metric == "bias"]
    [error] = [
        one
        for one in compare(REGRESSION, labels, labels, np.zeros(4), times=2000)
        if one.metric == "mean_absolute_error"
    ]

    assert (bias.low, bias.high) == (1.0, 1.0)
    # The row that is wrong by 4 is drawn 0 to 4 times of 4: never in 32 % of the resamples, 3 times or more in 5 %.
    assert (error.change, error.low, error.high) == (1.0, 0.0, 3.0)
    assert error.is_better is None


def test_without_labels_of_both_kinds_a_resample_is_left_out_and_without_any_resample_there_is_no_interval() -> None:
    labels, right, wrong = np.array([True, False]), np.array([0.9, 0.1]), np.array([0.1, 0.9])

    # Every other resample has one of the two rows twice.
    [auc] = [one for one in compare(BINARY, labels, right, wrong, times=20) if one.metric == "roc_auc"]
    assert (auc.low, auc.high) == (-1, -1)

    found = compare(BINARY, labels, right, right, times=0)
    assert all(np.isnan(one.low) and np.isnan(one.high) and one.is_better is None for one in found)


def test_the_command_says_what_it_comes_to(orders: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.train._declared", lambda name, profile: (TRAINING, _settings()))
    place = ["--catalog", "test", "--schema", "couriers", "--workspace", str(orders.workspace), "--as-of", "2024-01-15"]  # type: ignore[attr-defined]

    done = CliRunner().invoke(main, ["late_order", "--without", "courier_load", *place])
    both = CliRunner().invoke(main, ["late_order", "--without", "courier_load", "--promote", "1", *place])
    step = CliRunner().invoke(main, ["late_order", "--with", "courier_load", "--step", "fit", *place])

    assert done.exit_code == 0, done.output
    assert "tree without courier_load: roc_auc changes by -0." in done.output
    assert "declared: 5 columns" in done.output
    [page] = [line.split("page: ")[1] for line in done.output.splitlines() if "page: " in line]
    assert Path(page).is_file()
    assert both.output == "Error: --promote and --with or --without are different things to do. Give one of them.\n"
    assert step.output.startswith("Error: --with and --without compare two models, and go through no steps.")


def _settings() -> Any:
    from training.profile import Settings

    return Settings()
