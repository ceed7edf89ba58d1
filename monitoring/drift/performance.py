"""How good a window's predictions turned out to be, from the labels known so far."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from monitoring.drift.statistics import Floats
from training.steps.metrics import calibration_error

THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Quality of a binary classifier's probabilities; None where the labels do not allow it.

    ``roc_auc`` needs both classes; ``precision`` needs a positive prediction, ``recall`` a positive label. The
    confusion counts are at ``THRESHOLD``.
    """

    labelled_count: int
    label_rate: float | None = None
    roc_auc: float | None = None
    log_loss: float | None = None
    brier_score: float | None = None
    calibration_error: float | None = None
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    true_negatives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_positives: int = 0


def performance(prediction: Floats, label: Floats) -> Performance:
    """The quality of ``prediction`` (probability of the positive class) against ``label`` (0, 1, or NaN: not known).

    Rows without a label or a finite prediction are left out. The Brier score is the mean squared difference;
    the calibration error is :func:`training.metrics.calibration_error`.
    """
    known = ~np.isnan(label) & np.isfinite(prediction)
    order = np.lexsort((label[known], prediction[known]))  # so that sums do not depend on the rows' order
    p, y = prediction[known][order], label[known][order].astype(np.int64)
    if not y.size:
        return Performance(labelled_count=0)
    decided = (p >= THRESHOLD).astype(np.int64)
    tn, fp, fn, tp = (int(n) for n in confusion_matrix(y, decided, labels=[0, 1]).ravel())
    precision, recall, f1, _ = precision_recall_fscore_support(y, decided, average="binary", zero_division=np.nan)
    probabilities = bool(((p >= 0) & (p <= 1)).all())
    return Performance(
        labelled_count=int(y.size),
        label_rate=float(y.mean()),
        roc_auc=float(roc_auc_score(y, p)) if 0 < y.sum() < y.size else None,
        log_loss=float(log_loss(y, p, labels=[0, 1])) if probabilities else None,
        brier_score=float(np.mean((p - y) ** 2)) if probabilities else None,
        calibration_error=calibration_error(p, y) if probabilities else None,
        accuracy=float(np.mean(decided == y)),
        precision=_defined(precision),
        recall=_defined(recall),
        f1=_defined(f1),
        true_negatives=tn,
        false_positives=fp,
        false_negatives=fn,
        true_positives=tp,
    )


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
