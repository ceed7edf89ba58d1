"""The predictions' quality against numbers worked out by hand."""

import math

import numpy as np
import pytest

from monitoring.drift.performance import binary, multiclass, regression
from training.steps.metrics import calibration_error

NAN = math.nan


def quality(prediction, label):
    return binary(np.array(prediction, dtype=np.float64), np.array(label, dtype=np.float64))


def of_true(row, *columns):
    return tuple(row[column] and dict(row[column]["one_vs_all"])["true"] for column in columns)


def test_four_labelled_predictions_worked_by_hand():
    found = quality([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0])
    # Pairs (late, not): .9 > .6, .9 > .2, .4 > .2 are right, .4 < .6 is wrong: 3 of 4.
    assert of_true(found, "roc_auc_score") == (0.75,)
    # (.1^2 + .6^2 + .6^2 + .2^2) / 4 = (.01 + .36 + .36 + .04) / 4
    assert found["brier_score"] == pytest.approx(0.1925)
    # -(ln .9 + ln .4 + ln .4 + ln .8) / 4 = (.105361 + .916291 + .916291 + .223144) / 4
    assert found["log_loss"] == pytest.approx(0.540271, abs=1e-6)
    # Each is alone in a bin: (.1 + .6 + .6 + .2) / 4
    assert found["calibration_error"] == pytest.approx(0.375)
    # At 0.5: .9 and .6 are called late, one of them rightly; one of two late ones is found.
    assert (found["accuracy_score"], *of_true(found, "precision", "recall", "f1_score")) == (0.5, 0.5, 0.5, 0.5)
    assert [cell["count"] for cell in found["confusion_matrix"]] == [1, 1, 1, 1]
    assert (found["labelled_count"], found["label_rate"]) == (4, 0.5)


def test_rows_without_a_label_or_a_prediction_are_left_out():
    assert quality([0.9, 0.6, 0.4, 0.2, 0.5, NAN], [1, 0, 1, 0, NAN, 1]) == quality([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0])


def test_no_labels_at_all():
    assert quality([0.9, 0.1], [NAN, NAN]) == {"labelled_count": 0}
    assert quality([], []) == {"labelled_count": 0}


def test_one_class_only_has_no_ranking():
    found = quality([0.9, 0.1], [0, 0])
    assert (*of_true(found, "roc_auc_score", "recall"), found["label_rate"], found["accuracy_score"]) == (
        None,
        None,
        0.0,
        0.5,
    )


def test_scores_that_are_no_probabilities_are_ranked_only():
    found = quality([2.0, -1.0], [1, 0])
    assert (*of_true(found, "roc_auc_score"), found["brier_score"], found["log_loss"], found["calibration_error"]) == (
        1.0,
        None,
        None,
        None,
    )


def test_a_certain_and_wrong_prediction_has_a_finite_loss():
    assert math.isfinite(quality([1.0, 0.0], [0, 1])["log_loss"])


def test_equal_probabilities_share_a_bin_of_the_calibration_error():
    # At .2 one of two is late: .3 off; at .6 both are: .4 off; each is half of the rows.
    assert calibration_error(np.array([0.2, 0.6, 0.2, 0.6]), np.array([0, 1, 1, 1])) == pytest.approx(0.35)
    assert calibration_error(np.array([0.5, 0.5]), np.array([0, 1])) == 0.0
    assert calibration_error(np.array([1.0]), np.array([1])) == 0.0


def test_the_order_of_rows_does_not_matter():
    generator = np.random.default_rng(7)
    prediction, label = generator.random(1000).round(2), generator.integers(0, 2, 1000).astype(float)
    order = generator.permutation(1000)
    assert binary(prediction[order], label[order]) == binary(prediction, label)


def test_three_predicted_numbers_worked_by_hand():
    found = regression(np.array([2.0, 4.0, 9.0, 1.0]), np.array([1.0, 4.0, 6.0, NAN]))
    # Errors 1, 0, 3: squares 1 + 0 + 9 = 10 over 3; R2 = 1 - 10 / (1/3 of the squares about the mean 11/3: 12.667)
    assert found["labelled_count"] == 3
    assert found["mean_squared_error"] == pytest.approx(10 / 3)
    assert found["root_mean_squared_error"] == pytest.approx(math.sqrt(10 / 3))
    assert found["mean_average_error"] == pytest.approx(4 / 3)
    assert found["mean_absolute_percentage_error"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert found["r2_score"] == pytest.approx(1 - 10 / (38 / 3))
    assert found["bias"] == pytest.approx(4 / 3)


def test_numbers_that_do_not_differ_have_no_explained_share_and_zeros_no_percentage():
    found = regression(np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    assert (found["r2_score"], found["mean_absolute_percentage_error"]) == (None, None)
    assert regression(np.array([1.0]), np.array([3.0]))["bias"] == -2.0
    assert regression(np.array([]), np.array([])) == {"labelled_count": 0}


def test_four_predicted_classes_worked_by_hand():
    found = multiclass(np.array(["a", "a", "b", "c"], dtype=object), np.array(["a", "b", "b", "b"], dtype=object))
    assert (found["labelled_count"], found["accuracy_score"]) == (4, 0.5)
    assert found["precision"]["one_vs_all"] == [("a", 0.5), ("b", 1.0)]
    assert found["recall"]["one_vs_all"] == [("a", 1.0), ("b", pytest.approx(1 / 3))]
    assert found["recall"]["macro"] == pytest.approx(2 / 3)
    assert found["recall"]["weighted"] == pytest.approx((1 * 1.0 + 3 / 3) / 4)
    assert {(cell["prediction"], cell["label"]): cell["count"] for cell in found["confusion_matrix"]} == {
        ("a", "a"): 1, ("a", "b"): 1, ("b", "b"): 1, ("c", "b"): 1,
    }  # fmt: skip
    assert multiclass(np.array([], dtype=object), np.array([], dtype=object)) == {"labelled_count": 0}
