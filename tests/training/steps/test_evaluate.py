"""Metrics against numbers worked by hand; importance of a classifier that is known through and through."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from training.steps.importance import Shuffled, columns_by_origin
from training.steps.kinds import BINARY
from training.steps.metrics import metrics


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
