"""Pictures of a binary classifier's scores, for the run."""

from collections.abc import Mapping

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve

from training.steps.metrics import CALIBRATION_BINS, Scores, calibration_error


def plots(
    labels: NDArray[np.bool_], scores: Mapping[str, Scores], importance: Mapping[str, float]
) -> dict[str, Figure]:
    """ROC and calibration curves of each named model on the holdout, and the first one's most important columns."""
    return {
        "roc": _roc(labels, scores),
        "calibration": _calibration(labels, scores),
        "importance": _importance(importance),
    }


def _roc(labels: NDArray[np.bool_], scores: Mapping[str, Scores]) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 6), layout="constrained")
    for name, values in scores.items():
        false_positives, true_positives, _ = roc_curve(labels, values)
        axes.plot(false_positives, true_positives, label=f"{name} (AUC {roc_auc_score(labels, values):.3f})")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="False positive rate", ylabel="True positive rate", title="ROC on the holdout", aspect="equal")
    axes.legend(loc="lower right")
    plt.close(figure)
    return figure


def _calibration(labels: NDArray[np.bool_], scores: Mapping[str, Scores]) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 6), layout="constrained")
    for name, values in scores.items():
        observed, predicted = calibration_curve(labels, values, n_bins=CALIBRATION_BINS, strategy="quantile")
        axes.plot(
            predicted,
            observed,
            marker="o",
            markersize=4,
            label=f"{name} (error {calibration_error(values, labels):.3f})",
        )
    top = min(1.0, max(axes.get_xlim()[1], axes.get_ylim()[1]))
    axes.plot([0, top], [0, top], color="grey", linestyle=":", linewidth=1)
    axes.set(
        xlabel="Predicted probability (tenths of the holdout)",
        ylabel="Observed share",
        title="Calibration on the holdout",
    )
    axes.legend(loc="upper left")
    plt.close(figure)
    return figure


def _importance(importance: Mapping[str, float], *, most: int = 20) -> Figure:
    shown = dict(list(importance.items())[:most])
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(shown) + 1.2), layout="constrained")
    axes.barh(list(shown)[::-1], list(shown.values())[::-1])
    axes.set(xlabel="Loss of ROC AUC when the column is shuffled", title=f"The {len(shown)} most important columns")
    plt.close(figure)
    return figure
