"""Pictures of each kind of model: what is in the legend, and what stands in the cells."""

import re

import numpy as np
import pytest

from tests.training.steps.card.test_leakage import LATE, NOISE, ROWS, frame_of
from training.steps.card.drawing import Picture, labels_over_time, pictures
from training.steps.kinds import BINARY, MULTICLASS, REGRESSION


def texts(picture: Picture) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg)


def test_a_chance_has_a_roc_precision_and_recall_calibration_and_its_distribution_with_each_model_in_the_legend() -> (
    None
):
    labels = np.array([False, False, True, True])
    drawn = pictures(BINARY, labels, {"tree": np.array([0.1, 0.4, 0.35, 0.81]), "coin": np.full(4, 0.5)})

    roc, precision, calibration, chances = map(texts, drawn)
    assert {"tree (0.750)", "coin (0.500)"} <= set(roc)
    assert {"tree (0.833)", "coin (0.500)"} <= set(precision)
    assert {"tree (0.335)", "coin (0.000)"} <= set(calibration)
    assert {"false", "true"} <= set(chances)


def test_classes_have_the_share_of_each_that_was_predicted_as_each() -> None:
    found = np.array(["done", "done", "done", "done", "late", "late"])
    told = np.array(["done", "done", "done", "late", "late", "done"])

    (confusion,) = pictures(MULTICLASS, found, {"tree": told})

    assert [text for text in texts(confusion) if "%" in text] == ["75%", "25%", "50%", "50%"]


def test_a_number_is_held_against_what_was_found_and_its_errors_are_drawn() -> None:
    found = NOISE * 10
    both = pictures(REGRESSION, found, {"trees": found + 1, "mean": np.zeros(ROWS)})
    assert [{"trees", "mean"} <= set(texts(picture)) for picture in both] == [True, True]


@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_predictions_that_are_all_the_same_are_drawn_too(constant: float) -> None:
    assert len(pictures(REGRESSION, NOISE, {"mean": np.full(ROWS, constant)})) == 2
    assert len(pictures(BINARY, LATE, {"coin": np.full(ROWS, constant / 10)})) == 4


@pytest.mark.parametrize(
    ("kind", "label", "what"),
    [
        (BINARY, LATE, "share of true"),
        (REGRESSION, NOISE - 5, "mean label"),
        (MULTICLASS, np.where(LATE, "late", "done"), "share of &#x27;done&#x27;"),
    ],
)
def test_labels_are_drawn_over_time_with_what_the_line_is(kind, label, what: str) -> None:
    picture = labels_over_time(frame_of(label), kind, decided_at="decided_at")
    assert what.replace("&#x27;", "'") in [text.replace("&#x27;", "'") for text in texts(picture)]
