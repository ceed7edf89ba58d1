"""Metrics against numbers worked by hand; importance of a classifier that is known through and through."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as of_sklearn
from sklearn.base import BaseEstimator

from training.steps.importance import Shuffled, columns_by_origin
from training.steps.kinds import BINARY, REGRESSION
from training.steps.metrics import class_metrics, metrics, number_metrics, roc_auc


def test_metrics_of_four_rows_are_those_worked_by_hand() -> None:
    labels = np.array([False, False, True, True])
    scores = np.array([0.1, 0.4, 0.35, 0.8])

    assert metrics(labels, scores) == pytest.approx(
        {
            "roc_auc": 3 / 4,  # of four pairs of a late and a punctual one, only (0.35, 0.4) is in the wrong order
            "average_precision": 1 / 2 * 1 + 1 / 2 * 2 / 3,  # recall 1/2 at precision 1/1, the other half at 2/3
            "log_loss": (0.105361 + 0.510826 + 1.049822 + 0.223144) / 4,  # -ln 0.9, -ln 0.6, -ln 0.35, -ln 0.8
            "brier_score": (0.01 + 0.16 + 0.4225 + 0.04) / 4,
            "calibration_error": (0.1 + 0.4 + 0.65 + 0.2) / 4,  # fewer rows than bins: each is its own
            "label_rate": 0.5,
            "mean_prediction": 0.4125,
        },
        abs=1e-6,
    )


def test_calibration_error_is_the_mean_gap_of_ten_bins_of_equal_size() -> None:
    scores = np.repeat([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95], 20)
    late_of_twenty = [1, 3, 5, 7, 9, 11, 13, 15, 17, 9]  # as predicted, but for the last bin: 0.45 instead of 0.95
    labels = np.concatenate([np.arange(20) < late for late in late_of_twenty])

    assert metrics(labels, scores)["calibration_error"] == pytest.approx(0.5 / 10)


def test_scores_that_are_sure_and_right_are_perfect() -> None:
    found = metrics(np.array([True, False]), np.array([1.0, 0.0]))

    assert found["roc_auc"] == found["average_precision"] == 1
    assert found["brier_score"] == found["calibration_error"] == 0


@pytest.mark.parametrize("digits", [1, 9], ids=["many scores are equal", "hardly any are"])
def test_metrics_are_those_of_scikit_learn(digits: int) -> None:
    generator = np.random.default_rng(3)
    scores = generator.random(300).round(digits)
    labels, hours = generator.random(300) < scores, generator.normal(40, 9, 300).round(digits)
    known, told = (np.array(["here", "there", None, 7], dtype=object)[generator.integers(0, 4, 300)] for _ in range(2))
    told[pd.isna(told)] = "nowhere"  # a class that is never told, and one that is no label

    found = metrics(labels, scores) | number_metrics(hours, 50 * scores) | class_metrics(known, told)

    wanted = {
        "roc_auc": of_sklearn.roc_auc_score(labels, scores),
        "average_precision": of_sklearn.average_precision_score(labels, scores),
        "log_loss": of_sklearn.log_loss(labels, scores),
        "brier_score": of_sklearn.brier_score_loss(labels, scores),
        "rmse": of_sklearn.root_mean_squared_error(hours, 50 * scores),
        "mean_absolute_error": of_sklearn.mean_absolute_error(hours, 50 * scores),
        "median_absolute_error": of_sklearn.median_absolute_error(hours, 50 * scores),
        "r2": of_sklearn.r2_score(hours, 50 * scores),
        "accuracy": of_sklearn.accuracy_score(known.astype(str), told.astype(str)),
        # It warns of the class that is no label; recall has no such class.
        "balanced_accuracy": of_sklearn.recall_score(
            known.astype(str), told.astype(str), labels=["here", "there", "None", "7"], average="macro"
        ),
        "macro_f1": of_sklearn.f1_score(known.astype(str), told.astype(str), average="macro"),
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-14)


def test_labels_that_are_all_the_same_leave_nothing_to_rank_or_to_explain() -> None:
    late, scores = np.array([True, True]), np.array([0.5, 0.25])
    assert (metrics(late, scores)["average_precision"], metrics(~late, scores)["average_precision"]) == (1, 0)
    assert np.isnan([metrics(late, scores)["roc_auc"], roc_auc(~late, scores)]).all()

    tens = np.array([10.0, 10.0])
    assert (number_metrics(tens, tens)["r2"], number_metrics(tens, tens + 1)["r2"]) == (1, 0)
    assert np.isnan(number_metrics(tens[:1], tens[:1])["r2"])


@pytest.mark.parametrize(("score", "number"), [(1.5, np.inf), (-0.25, -np.inf), (np.nan, np.nan)])
def test_what_is_not_a_chance_or_no_finite_number_is_not_measured(score: float, number: float) -> None:
    with pytest.raises(ValueError, match="not all of them are numbers from 0 to 1"):
        metrics(np.array([False, True]), np.array([0.5, score]))
    for measure in (number_metrics, REGRESSION.goodness, BINARY.goodness):
        with pytest.raises(ValueError, match="are finite numbers"):
            measure(np.array([1.0, 0.0]), np.array([number, 2.0]))


class Load(BaseEstimator):
    """A tenth of the open orders is the chance."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        chance = frame["open_orders"].to_numpy() / 10
        return np.column_stack([1 - chance, chance])


NOON = pd.Timestamp("2024-01-05T12:00", tz="UTC")


def test_importance_is_what_the_auc_loses_when_a_column_is_shuffled_and_the_most_important_comes_first() -> None:
    frame = pd.DataFrame({"kilometres": range(200), "decided_at": NOON, "open_orders": [1, 9] * 100})
    labels = np.array([False, True] * 100)

    shuffled = Shuffled(Load(), BINARY, frame, labels, decided_at="decided_at", rows=100)
    losses = shuffled.losses({name: [name] for name in frame})

    assert list(losses) == ["open_orders", "kilometres"]
    assert losses["kilometres"] == 0  # the classifier does not look at it
    assert losses["open_orders"] == pytest.approx(0.5, abs=0.15)  # from perfect to a coin
    assert losses == shuffled.losses({name: [name] for name in frame})


def test_of_more_columns_than_are_predicted_together_each_loses_its_own() -> None:
    idle = {f"idle_{number}": range(200) for number in range(24)}
    frame = pd.DataFrame({"decided_at": NOON, **idle, "open_orders": [1, 9] * 100, "kilometres": range(200)})

    losses = Shuffled(Load(), BINARY, frame, np.array([False, True] * 100), decided_at="decided_at").losses(
        {name: [name] for name in frame}
    )

    assert losses.pop("open_orders") == pytest.approx(0.5, abs=0.15)
    assert losses == dict.fromkeys([*idle, "kilometres"], 0)


class Sum(BaseEstimator):
    """Late, if the two columns together are above ten: one of them says nothing."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        late = (frame["here"] + frame["there"]).to_numpy() > 10
        return np.column_stack([~late, late])


def test_the_columns_of_a_table_are_shuffled_together_so_that_what_they_say_only_together_counts() -> None:
    here = np.random.default_rng(3).integers(0, 1000, 400)
    labels = np.arange(400) % 2 == 0
    frame = pd.DataFrame({"here": here, "there": 10 + labels - here, "idle": 0, "decided_at": NOON})
    origins = {"here": "orders", "there": "orders", "idle": "weather"}
    groups = columns_by_origin(frame.columns, origins)
    assert groups == {"orders": ["here", "there"], "weather": ["idle"], "given with the entity": ["decided_at"]}

    losses = Shuffled(Sum(), BINARY, frame, labels, decided_at="decided_at").losses(groups)

    assert losses == {"orders": pytest.approx(0.5, abs=0.1), "weather": 0}


class Waiting(BaseEstimator):
    """Late, if the courier left more than an hour before the decision."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        late = (frame["decided_at"] - frame["left_at"]).to_numpy() > np.timedelta64(1, "h")
        return np.column_stack([~late, late])


def test_a_moment_is_shuffled_as_its_distance_from_the_decision() -> None:
    decided_at = NOON + pd.to_timedelta(range(200), unit="D")
    frame = pd.DataFrame({"decided_at": decided_at, "left_at": decided_at - pd.Timedelta(minutes=61)})
    labels = np.array([False, True] * 100)

    # All left 61 minutes before: shuffled among moments of other days, half of them would have left in the future.
    shuffled = Shuffled(Waiting(), BINARY, frame, labels, decided_at="decided_at")
    assert shuffled.losses({"left_at": ["left_at"]}) == {"left_at": 0}
