"""How good a classifier's probabilities are, in numbers."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

Scores = NDArray[np.float64]
CALIBRATION_BINS = 10


def metrics(labels: NDArray[np.bool_], scores: Scores) -> dict[str, float]:
    """Rank, probability and calibration metrics of ``scores`` in [0, 1], shape (rows,), against ``labels``.

    ``brier_score`` is the mean squared difference; ``calibration_error`` is :func:`calibration_error`.
    """
    return {
        "roc_auc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
        "log_loss": float(log_loss(labels, scores, labels=[False, True])),
        "brier_score": float(brier_score_loss(labels, scores)),
        "calibration_error": calibration_error(scores, labels),
        "label_rate": float(np.mean(labels)),
        "mean_prediction": float(np.mean(scores)),
    }


def calibration_error(probability: Scores, label: NDArray[np.bool_] | NDArray[np.int64]) -> float:
    """Expected calibration error: how far the mean probability is from the share of positives, over ten bins.

    The bins are of equal size, but equal probabilities share one; each counts by its share of the rows. Naeini, Cooper
    and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    shares = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    edges = np.unique(np.quantile(probability, shares, method="inverted_cdf"))
    gaps = np.bincount(np.searchsorted(edges, probability), weights=probability - label)
    return float(np.abs(gaps).sum() / label.size)
