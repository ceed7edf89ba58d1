"""How good predictions are, in numbers: of a chance, of a class, of a number."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    median_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_] | NDArray[np.int64] | NDArray[np.float64] | NDArray[np.object_]
CALIBRATION_BINS = 10
LOWER_IS_BETTER = frozenset(
    {
        "log_loss", "brier_score", "calibration_error", "rmse", "mean_absolute_error", "median_absolute_error",
        "seconds_per_million_rows",
    }
)  # fmt: skip


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


def class_metrics(labels: NDArray[np.object_], classes: NDArray[np.object_]) -> dict[str, float]:
    """How often the class is right, shapes (rows,): over all rows, and each class counting alike.

    ``macro_f1`` is the mean over the classes of the harmonic mean of precision and recall; a class that is never predicted
    counts 0.
    """
    known, told = pd.Series(labels).astype(str), pd.Series(classes).astype(str)
    return {
        "accuracy": float(accuracy_score(known, told)),
        "balanced_accuracy": float(balanced_accuracy_score(known, told)),
        "macro_f1": float(f1_score(known, told, average="macro", zero_division=0)),
    }


def number_metrics(labels: NDArray[np.float64], predictions: Scores) -> dict[str, float]:
    """How far the predictions are from the labels, shapes (rows,), in the label's own unit; ``r2`` has none.

    ``bias`` is the mean of prediction less label.
    """
    return {
        "rmse": float(root_mean_squared_error(labels, predictions)),
        "mean_absolute_error": float(mean_absolute_error(labels, predictions)),
        "median_absolute_error": float(median_absolute_error(labels, predictions)),
        "r2": float(r2_score(labels, predictions)),
        "bias": float(np.mean(predictions - labels)),
        "label_mean": float(np.mean(labels)),
        "mean_prediction": float(np.mean(predictions)),
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
