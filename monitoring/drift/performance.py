"""How good a window's predictions turned out to be, from the labels known so far; as the profile table has it."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from monitoring.drift.columns import Row
from monitoring.drift.statistics import Floats
from training.steps.metrics import calibration_error, number_metrics

THRESHOLD = 0.5
MOST_CLASSES = 100


def quality(kind: str, prediction: pa.ChunkedArray, label: pa.ChunkedArray) -> Row:
    """The quality columns of the profile table, for a ``binary``, ``multiclass`` or ``regression`` model.

    Rows without a label or a prediction are left out; what the labels do not allow is left out, too.
    """
    known = pc.and_(pc.is_valid(prediction), pc.is_valid(label))
    return _KINDS[kind](prediction.filter(known), label.filter(known))


def binary(prediction: Floats, label: Floats) -> Row:
    """The quality of ``prediction`` (probability of the positive class) against ``label`` (0, 1, or NaN: not known).

    The Brier score is the mean squared difference; the calibration error is :func:`training.steps.metrics.calibration_error`.
    The area under the ROC curve needs both classes; precision needs a positive decision, recall a positive label.
    Decisions and the confusion matrix are at :data:`THRESHOLD`.
    """
    known = ~np.isnan(label) & np.isfinite(prediction)
    order = np.lexsort((label[known], prediction[known]))  # so that sums do not depend on the rows' order
    p, y = prediction[known][order], label[known][order].astype(np.int64)
    if not y.size:
        return {"labelled_count": 0}
    decided = (p >= THRESHOLD).astype(np.int64)
    tn, fp, fn, tp = (int(n) for n in confusion_matrix(y, decided, labels=[0, 1]).ravel())
    precision, recall, f1, _ = precision_recall_fscore_support(y, decided, average="binary", zero_division=np.nan)
    probabilities = bool(((p >= 0) & (p <= 1)).all())
    cells = [("false", "false", tn), ("true", "false", fp), ("false", "true", fn), ("true", "true", tp)]
    return {
        "labelled_count": int(y.size),
        "label_rate": float(y.mean()),
        "roc_auc_score": _of_true(float(roc_auc_score(y, p)) if 0 < y.sum() < y.size else np.nan),
        "log_loss": float(log_loss(y, p, labels=[0, 1])) if probabilities else None,
        "brier_score": float(np.mean((p - y) ** 2)) if probabilities else None,
        "calibration_error": calibration_error(p, y) if probabilities else None,
        "accuracy_score": float(np.mean(decided == y)),
        "precision": _of_true(precision),
        "recall": _of_true(recall),
        "f1_score": _of_true(f1),
        "confusion_matrix": _matrix(cells),
    }


def regression(prediction: Floats, label: Floats) -> Row:
    """The errors of ``prediction`` against ``label`` (NaN: not known), in the label's unit; R² needs labels that differ."""
    known = np.isfinite(label) & np.isfinite(prediction)
    order = np.lexsort((label[known], prediction[known]))
    p, y = prediction[known][order], label[known][order]
    if not y.size:
        return {"labelled_count": 0}
    found = number_metrics(y, p) if y.size > 1 else number_metrics(np.repeat(y, 2), np.repeat(p, 2))
    return {
        "labelled_count": int(y.size),
        "mean_squared_error": found["rmse"] ** 2,
        "root_mean_squared_error": found["rmse"],
        "mean_average_error": found["mean_absolute_error"],
        "mean_absolute_percentage_error": float(np.mean(np.abs((p - y) / y))) if (y != 0).all() else None,
        "r2_score": found["r2"] if np.ptp(y) > 0 else None,
        "bias": found["bias"],
    }


def multiclass(prediction: NDArray[np.object_], label: NDArray[np.object_]) -> Row:
    """How often the class is right, of each of the (at most a hundred) commonest classes and over all of them.

    ``macro`` counts each class alike, ``weighted`` by its labels; a class that is never predicted has no precision and counts 0.
    """
    if not label.size:
        return {"labelled_count": 0}
    names, counts = np.unique(label.astype(str), return_counts=True)
    commonest = sorted(names[np.argsort(-counts, kind="stable")][:MOST_CLASSES].tolist())
    p, y = prediction.astype(str), label.astype(str)
    one = precision_recall_fscore_support(y, p, labels=commonest, zero_division=0.0)
    row: Row = {"labelled_count": int(y.size), "accuracy_score": float(np.mean(p == y))}
    for column, values in zip(("precision", "recall", "f1_score"), one[:3], strict=True):
        row[column] = {
            "one_vs_all": list(zip(commonest, (float(value) for value in values), strict=True)),
            "macro": float(np.mean(values)),
            "weighted": float(np.average(values, weights=one[3])),
        }
    pairs, times = np.unique(np.stack([p, y]), axis=1, return_counts=True)
    most = np.argsort(-times, kind="stable")[: MOST_CLASSES**2]
    row["confusion_matrix"] = _matrix([(str(pairs[0, i]), str(pairs[1, i]), int(times[i])) for i in most])
    return row


def _of_true(value: float) -> Row | None:
    return None if np.isnan(value) else {"one_vs_all": [("true", float(value))], "macro": None, "weighted": None}


def _matrix(cells: list[tuple[str, str, int]]) -> list[Row]:
    return [{"prediction": decided, "label": label, "count": count} for decided, label, count in cells]


def _numbers(values: pa.ChunkedArray) -> Floats:
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _texts(values: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.asarray(values.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)


_KINDS: Mapping[str, Callable[[pa.ChunkedArray, pa.ChunkedArray], Row]] = {
    "binary": lambda prediction, label: binary(_numbers(prediction), _numbers(label)),
    "regression": lambda prediction, label: regression(_numbers(prediction), _numbers(label)),
    "multiclass": lambda prediction, label: multiclass(_texts(prediction), _texts(label)),
}
