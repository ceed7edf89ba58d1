"""The predictions' quality against numbers worked out by hand."""

import math

import numpy as np
import pytest

from monitoring.drift.performance import Performance, performance
from training.steps.metrics import calibration_error

NAN = math.nan


def quality(prediction, label):
    return performance(np.array(prediction, dtype=np.float64), np.array(label, dtype=np.float64))


def test_four_labelled_predictions_worked_by_hand():
    found = quality([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0])
    # Pairs (late, not): .9 > .6, .9 > .2, .4 > .2 are right, .4 < .6 is wrong: 3 of 4.
    assert found.roc_auc == 0.75
    # (.1^2 + .6^2 + .6^2 + .2^2) / 4 = (.01 + .36 + .36 + .04) / 4
    assert found.brier_score == pytest.approx(0.1925)
    # -(ln .9 + ln .4 + ln .4 + ln .8) / 4 = (.105361 + .916291 + .916291 + .223144) / 4
    assert found.log_loss == pytest.approx(0.540271, abs=1e-6)
    # Each is alone in a bin: (.1 + .6 + .6 + .2) / 4
    assert found.calibration_error == pytest.approx(0.375)
    # At 0.5: .9 and .6 are called late, one of them rightly; one of two late ones is found.
    assert (found.accuracy, found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5, 0.5)
    assert (found.true_positives, found.false_positives, found.true_negatives, found.false_negatives) == (1, 1, 1, 1)
    assert (found.labelled_count, found.label_rate) == (4, 0.5)


def test_rows_without_a_label_or_a_prediction_are_left_out():
    assert quality([0.9, 0.6, 0.4, 0.2, 0.5, NAN], [1, 0, 1, 0, NAN, 1]) == quality([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0])


def test_no_labels_at_all():
    assert quality([0.9, 0.1], [NAN, NAN]) == Performance(labelled_count=0)
    assert quality([], []) == Performance(labelled_count=0)


def test_one_class_only_has_no_ranking():
    found = quality([0.9, 0.1], [0, 0])
    assert (found.roc_auc, found.recall, found.label_rate, found.accuracy) == (None, None, 0.0, 0.5)


def test_scores_that_are_no_probabilities_are_ranked_only():
    found = quality([2.0, -1.0], [1, 0])
    assert (found.roc_auc, found.brier_score, found.log_loss, found.calibration_error) == (1.0, None, None, None)


def test_a_certain_and_wrong_prediction_has_a_finite_loss():
    assert math.isfinite(quality([1.0, 0.0], [0, 1]).log_loss)


def test_equal_probabilities_share_a_bin_of_the_calibration_error():
    # At .2 one of two is late: .3 off; at .6 both are: .4 off; each is half of the rows.
    assert calibration_error(np.array([0.2, 0.6, 0.2, 0.6]), np.array([0, 1, 1, 1])) == pytest.approx(0.35)
    assert calibration_error(np.array([0.5, 0.5]), np.array([0, 1])) == 0.0
    assert calibration_error(np.array([1.0]), np.array([1])) == 0.0


def test_the_order_of_rows_does_not_matter():
    generator = np.random.default_rng(7)
    prediction, label = generator.random(1000).round(2), generator.integers(0, 2, 1000).astype(float)
    order = generator.permutation(1000)
    assert performance(prediction[order], label[order]) == performance(prediction, label)
