"""What kind of model a spec makes, and the metrics of classes and numbers against values worked by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline

from feature_store import WrongKind
from tests.couriers import TRAINING, coin
from training.estimators import HoursBefore, boosted_trees
from training.steps.kinds import BINARY, MULTICLASS, REGRESSION, kind_of, made
from training.steps.metrics import class_metrics, number_metrics


def mean() -> DummyRegressor:
    return DummyRegressor()


@pytest.mark.parametrize(
    ("make", "label", "kind"),
    [
        (coin, "boolean", BINARY),
        (coin, "string", MULTICLASS),
        (coin, "int", MULTICLASS),
        (mean, "double", REGRESSION),
        (mean, "decimal(9,2)", REGRESSION),
        (mean, "bigint", REGRESSION),
    ],
)
def test_the_kind_follows_from_estimator_and_label(make, label, kind) -> None:
    assert kind_of(replace(TRAINING, estimators={"one": make}), label) is kind


def test_an_estimator_counts_hours_before_the_moment_of_decision_whatever_it_is_called() -> None:
    visits = pd.DataFrame(
        {"visited_at": pd.to_datetime(["2024-01-05T12:00Z"]), "paid_at": pd.to_datetime(["2024-01-05T10:30Z"])}
    )

    first = made(boosted_trees, "visited_at")[0]

    assert first.fit_transform(visits).to_dict("list") == {"paid_at": [1.5]}
    assert boosted_trees()[0].reference == "decided_at"
    assert made(lambda: make_pipeline(HoursBefore("paid_at"), coin()), "visited_at")[0].reference == "paid_at"


def test_a_regressor_of_texts_and_regressors_beside_classifiers_are_refused() -> None:
    with pytest.raises(WrongKind, match="a regressor predicts a number, and its label 'is_late' is string"):
        kind_of(replace(TRAINING, estimators={"one": mean}), "string")
    with pytest.raises(WrongKind, match=r"all regressors or all classifiers; regressors are \['mean'\]"):
        kind_of(replace(TRAINING, estimators={"mean": mean, "coin": coin}), "double")


def test_metrics_of_four_classes_are_those_worked_by_hand() -> None:
    labels = np.array(["a", "a", "b", "c"], dtype=object)
    told = np.array(["a", "b", "b", "b"], dtype=object)

    assert class_metrics(labels, told) == pytest.approx(
        {
            "accuracy": 2 / 4,
            "balanced_accuracy": (1 / 2 + 1 + 0) / 3,
            # a: precision 1, recall 1/2; b: precision 1/3, recall 1; c: never told
            "macro_f1": (2 / 3 + 1 / 2 + 0) / 3,
        }
    )


def test_metrics_of_three_numbers_are_those_worked_by_hand() -> None:
    assert number_metrics(np.array([0.0, 10.0, 20.0]), np.array([1.0, 8.0, 24.0])) == pytest.approx(
        {
            "rmse": ((1 + 4 + 16) / 3) ** 0.5,
            "mean_absolute_error": 7 / 3,
            "median_absolute_error": 2,
            "r2": 1 - 21 / 200,
            "bias": (1 - 2 + 4) / 3,
            "label_mean": 10,
            "mean_prediction": 11,
        }
    )


def test_more_is_better_of_what_decides() -> None:
    labels, near, far = np.array([0.0, 1.0]), np.array([0.0, 1.1]), np.array([5.0, 9.0])
    assert REGRESSION.goodness(labels, near) > REGRESSION.goodness(labels, far)
    truth = np.array([False, True])
    assert BINARY.goodness(truth, np.array([0.1, 0.9])) > BINARY.goodness(truth, np.array([0.9, 0.1]))
    words = np.array(["a", "b"], dtype=object)
    assert MULTICLASS.goodness(words, words) > MULTICLASS.goodness(words, words[::-1])


def test_labels_are_given_to_estimators_as_they_take_them() -> None:
    assert BINARY.labels(pd.Series([True, False], dtype="object")).dtype == bool
    assert REGRESSION.labels(pd.Series([1, 2])).tolist() == [1.0, 2.0]
    assert MULTICLASS.labels(pd.Series(["a", "b"])).tolist() == ["a", "b"]
