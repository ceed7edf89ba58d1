"""A regressor and a model of several classes go the same way as the binary classifier: by another spec, and nothing else."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import make_metric
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from feature_store import FeatureLookup, FeatureStore, Source, open_store
from feature_store.tables.commit import Commit
from inference.score import score
from inference.spec import ScoringSpec
from inference.testing import check_deployed
from tests.couriers import COURIER_LOAD, HOUR, OWNER, at, frame, land, publish_features
from training.estimators import on_columns
from training.spec import AtLeast, AtMost, NotWorse, TrainingSpec
from training.steps.pipeline import Trained, train

TRIPS = Source(
    name="trips", description="Trips that have ended", table="trips", known_at="ended_at",
    columns=("trip_id", "courier", "decided_at", "minutes", "outcome"),
)  # fmt: skip


def minutes_tree() -> Any:
    return on_columns(DecisionTreeRegressor(max_depth=4, random_state=7))


def outcome_tree() -> Any:
    return on_columns(DecisionTreeClassifier(max_depth=4, random_state=7))


MINUTES = TrainingSpec(
    name="trip_minutes",
    description="How long does a trip take?",
    owner=OWNER,
    labels=TRIPS,
    label="minutes",
    lookups=[FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at")],
    exclude_columns=["courier"],
    estimators={"tree": minutes_tree},
    holdout=timedelta(days=5),
    gates={"rmse": [AtMost(2), NotWorse()], "r2": AtLeast(0.9)},
)
OUTCOME = replace(
    MINUTES,
    name="trip_outcome",
    description="How does a trip end?",
    label="outcome",
    estimators={"tree": outcome_tree},
    gates={"macro_f1": [AtLeast(0.9), NotWorse(by=0.01)], "accuracy": AtLeast(0.9)},
)


@dataclass(frozen=True)
class Trips:
    store: FeatureStore
    minutes: list[Trained]
    outcome: list[Trained]


@pytest.fixture(scope="module")
def trips(spark, tmp_path_factory: pytest.TempPathFactory) -> Trips:
    """A trip takes ten minutes for each open order; more than an hour is late, none is lost but with nine open orders.

    Both models were trained as of the 15th and of the 20th.
    """
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("trips"))
    hours = [(n, at("1") + n * HOUR, n * 3 % 10) for n in range(480)]
    land(store, orders=[], counts=[(f"courier {n % 5}", hour, load) for n, hour, load in hours])
    rows = [
        (f"trip {n}", f"courier {n % 5}", hour, hour + HOUR, 10.0 * load + n // 10 % 2, "lost" if load == 9 else "late" if load > 5 else "done")
        for n, hour, load in hours
    ]  # fmt: skip
    schema = "trip_id string, courier string, decided_at timestamp, ended_at timestamp, minutes double, outcome string"
    df = frame(spark, rows, schema)
    store.tables.create("trips", df.schema)
    store.tables.overwrite("trips", df, commit=Commit(verb="ingest-sources", as_of=at("1")))
    publish_features(store, as_of=at("20"))
    return Trips(
        store,
        [train(store, MINUTES, as_of=at(day)) for day in ("15", "20")],
        [train(store, OUTCOME, as_of=at(day)) for day in ("15", "20")],
    )


def test_a_regressor_is_fitted_judged_against_the_champion_and_promoted(trips: Trips) -> None:
    first, second = trips.minutes

    assert first.metrics["tree"]["rmse"] == pytest.approx(0.5, abs=0.1)  # the odd minute is nowhere among the features
    assert [verdict.gate for verdict in first.verdicts] == ["rmse", "r2"]
    assert [verdict.gate for verdict in second.verdicts] == ["rmse", "rmse on the same holdout", "r2"]
    assert second.metrics["champion"]["rmse"] == pytest.approx(0.5, abs=0.1)
    assert (first.promoted, second.promoted, second.version) == (True, True, "2")


def test_a_model_of_several_classes_is_judged_by_its_classes(trips: Trips) -> None:
    first, second = trips.outcome

    assert first.metrics["tree"]["macro_f1"] == first.metrics["tree"]["accuracy"] == 1
    assert [verdict.gate for verdict in second.verdicts] == ["macro_f1", "macro_f1 on the same holdout", "accuracy"]
    assert second.metrics["champion"] == {"accuracy": 1, "balanced_accuracy": 1, "macro_f1": 1}
    assert second.promoted


def test_both_are_scored_by_keys_alone(trips: Trips) -> None:
    keys = frame(trips.store.spark, [("courier 3", at("19T03:30"))], "courier string, decided_at timestamp")
    load = trips.store.tables.read(COURIER_LOAD.name).where("courier = 'courier 3' AND known_at <= '2024-01-19 03:30'")
    open_orders = load.orderBy("known_at", ascending=False).first()["open_orders"]

    (minutes,) = trips.store.score_batch(model_uri="models:/test.couriers.trip_minutes@champion", df=keys).collect()
    assert abs(minutes["prediction"] - 10 * open_orders) <= 1
    (outcome,) = trips.store.score_batch(
        model_uri="models:/test.couriers.trip_outcome@champion", df=keys, result_type="string"
    ).collect()
    assert outcome["prediction"] == ("lost" if open_orders == 9 else "late" if open_orders > 5 else "done")


def test_a_population_is_scored_with_the_model_s_own_classes(trips: Trips) -> None:
    every_trip = replace(TRIPS, name="all_trips", known_at=None, columns=("trip_id", "courier", "decided_at"))
    population = ScoringSpec(
        name="trip_outcome", description="How will each trip end?", owner=OWNER, training=OUTCOME, entities=every_trip,
        primary_keys=["trip_id"], output="trip_outcome_scores",
    )  # fmt: skip

    check_deployed(trips.store, population, as_of=at("20"))
    done = score(trips.store, population, as_of=at("20"), start=at("19"))

    scores, ended = trips.store.tables.read("trip_outcome_scores"), trips.store.tables.read("trips")
    assert (done.rows, scores.schema["prediction"].dataType.simpleString()) == (24, "string")
    assert scores.join(ended, "trip_id").where("prediction = outcome").count() == 24


def test_the_rows_that_each_learned_from_are_kept_with_its_predictions(trips: Trips) -> None:
    kept = trips.store.tables.read("trip_outcome_training_set").where("model_version = '1'")
    assert kept.where("outcome = prediction").count() == kept.count() == trips.outcome[0].rows
    types = {one.name: one.dataType.simpleString() for one in trips.store.tables.columns("trip_minutes_training_set")}
    assert (types["minutes"], types["prediction"]) == ("double", "double")


def test_mlflow_evaluates_packaged_models_that_look_their_features_up_and_holds_them_against_a_baseline(
    trips: Trips,
) -> None:
    """What MLOps Stacks cannot do: the models are given keys and the moment of decision, nothing else."""
    model, version = "models:/test.couriers.trip_minutes", trips.minutes[1].version
    rows = trips.store.tables.read("trips").where("decided_at >= '2024-01-15' AND decided_at < '2024-01-20'").toPandas()
    data = rows[["courier", "decided_at", "minutes"]]

    def largest_error(predictions: pd.Series, targets: pd.Series) -> float:
        return float(np.max(np.abs(np.asarray(predictions, dtype=float) - np.asarray(targets, dtype=float))))

    metric = make_metric(
        eval_fn=lambda predictions, targets, metrics: largest_error(predictions, targets),
        greater_is_better=False,
        name="largest_error",
    )
    with mlflow.start_run(experiment_id=trips.store.experiment("evaluated")):
        found = {
            which: mlflow.models.evaluate(
                f"{model}/{which}", data, targets="minutes", model_type="regressor", extra_metrics=[metric],
                evaluator_config={"log_explainer": False},
            )
            for which in ("1", version)
        }  # fmt: skip

    for one in found.values():
        assert one.metrics["root_mean_squared_error"] == pytest.approx(0.5, abs=0.1)
        assert one.metrics["largest_error"] <= 1
    limit = mlflow.models.MetricThreshold(threshold=2, greater_is_better=False)
    mlflow.validate_evaluation_results(
        validation_thresholds={"root_mean_squared_error": limit},
        candidate_result=found[version],
        baseline_result=found["1"],
    )
