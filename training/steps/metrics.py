"""How good predictions are, in numbers: of a chance, of a class, of a number.

They are scikit-learn's, to the last digits. Its own functions check their arguments for milliseconds at a time, and sort the same
scores, or texts, anew for each metric: too much for the hundreds of resamples from which an interval is found.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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

    ``brier_score`` is the mean squared difference; ``calibration_error`` is :func:`calibration_error`. Where all labels are the
    same, ``roc_auc`` is NaN.

    Raises
    ------
    ValueError
        If a score is not a chance.
    """
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("The scores are not chances: not all of them are numbers from 0 to 1.")
    positives, negatives = _at_or_above(labels, scores)
    least = np.finfo(np.float64).eps  # what is thought impossible, and happens, costs much and not everything
    of_truth = np.clip(np.where(labels, scores, 1 - scores), least, 1 - least)
    return {
        "roc_auc": _area(positives, negatives),
        "average_precision": _average_precision(positives, negatives),
        "log_loss": float(-np.log(of_truth).mean()),
        "brier_score": float(np.square(labels - scores).mean()),
        "calibration_error": calibration_error(scores, labels),
        "label_rate": float(np.mean(labels)),
        "mean_prediction": float(np.mean(scores)),
    }


def roc_auc(labels: NDArray[np.bool_], scores: Scores) -> float:
    """How often a positive has the higher score of a positive and a negative, equal ones counting half; NaN without such a pair.

    Raises
    ------
    ValueError
        If a score is not a finite number.
    """
    if not np.isfinite(scores).all():
        raise ValueError("Not all scores are finite numbers.")
    return _area(*_at_or_above(labels, scores))


def class_metrics(labels: NDArray[np.object_], classes: NDArray[np.object_]) -> dict[str, float]:
    """How often the class is right, shapes (rows,): over all rows, and each class counting alike.

    ``macro_f1`` is the mean over the classes of the harmonic mean of precision and recall; a class that is never predicted
    counts 0. ``balanced_accuracy`` is the mean over those that labels have.
    """
    both = pd.concat([pd.Series(labels).astype(str), pd.Series(classes).astype(str)])
    codes, names = pd.factorize(both)
    known, told = codes[: len(labels)], codes[len(labels) :]
    right = np.bincount(known[known == told], minlength=len(names))
    of_label, of_class = np.bincount(known, minlength=len(names)), np.bincount(told, minlength=len(names))
    is_label = of_label > 0
    return {
        "accuracy": float(np.mean(known == told)),
        "balanced_accuracy": float(np.mean(right[is_label] / of_label[is_label])),
        "macro_f1": float(np.mean(2 * right / (of_label + of_class))),
    }


def number_metrics(labels: NDArray[np.float64], predictions: Scores) -> dict[str, float]:
    """How far the predictions are from the labels, shapes (rows,), in the label's own unit; ``r2`` has none.

    ``bias`` is the mean of prediction less label. ``r2`` of equal labels is 1 if all predictions are right and 0 otherwise, and
    NaN of a single row.

    Raises
    ------
    ValueError
        If a label or a prediction is not a finite number.
    """
    errors = _errors(labels, predictions)
    return {
        "rmse": float(np.sqrt(np.square(errors).mean())),
        "mean_absolute_error": float(np.abs(errors).mean()),
        "median_absolute_error": float(np.median(np.abs(errors))),
        "r2": _r2(labels, errors),
        "bias": float(np.mean(errors)),
        "label_mean": float(np.mean(labels)),
        "mean_prediction": float(np.mean(predictions)),
    }


def rmse(labels: NDArray[np.float64], predictions: Scores) -> float:
    """The root of the mean squared error; what is no finite number is refused as by :func:`number_metrics`."""
    return float(np.sqrt(np.square(_errors(labels, predictions)).mean()))


def calibration_error(probability: Scores, label: NDArray[np.bool_] | NDArray[np.int64]) -> float:
    """Expected calibration error: how far the mean probability is from the share of positives, over ten bins.

    The bins are of equal size, but equal probabilities share one; each counts by its share of the rows. Naeini, Cooper
    and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    shares = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    edges = np.unique(np.quantile(probability, shares, method="inverted_cdf"))
    gaps = np.bincount(np.searchsorted(edges, probability), weights=probability - label)
    return float(np.abs(gaps).sum() / label.size)


def _at_or_above(labels: NDArray[np.bool_], scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many positives, and how many negatives, have each score or a higher one; the highest first, equal ones together."""
    order = np.argsort(-scores)
    last = np.flatnonzero(np.append(np.diff(scores[order]), 1.0))
    positives = np.cumsum(labels[order], dtype=np.int64)[last]
    return positives, last + 1 - positives


def _area(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> float:
    """The area under the ROC curve, in trapezes of whole numbers: nothing is rounded before the end."""
    pairs = positives[-1] * negatives[-1]
    twice = np.diff(negatives, prepend=0) * (2 * positives - np.diff(positives, prepend=0))
    return float(twice.sum() / (2 * pairs)) if pairs else float("nan")


def _average_precision(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> float:
    precision = positives / (positives + negatives)
    return float((np.diff(positives, prepend=0) * precision).sum() / max(positives[-1], 1))


def _errors(labels: NDArray[np.float64], predictions: Scores) -> Scores:
    errors = predictions - labels
    if not np.isfinite(errors).all():
        raise ValueError("Not all labels and predictions are finite numbers.")
    return errors


def _r2(labels: NDArray[np.float64], errors: Scores) -> float:
    if len(labels) < 2:
        return float("nan")
    left, all_of_it = np.square(errors).sum(), np.square(labels - labels.mean()).sum()
    return float(1 - left / all_of_it) if all_of_it else float(not left)
