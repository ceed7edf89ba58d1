"""What each feature tells of the label by itself: one that tells nearly all of it has probably seen the future."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.steps.frame import HOLDOUT, TRAIN, TrainingFrame
from training.steps.importance import GIVEN
from training.steps.kinds import REGRESSION, Kind

SUSPICIOUS = 0.95
"""A feature that is this strong alone is worth a look at when it is known."""
BINS = 20
_PRIOR_ROWS = 10
_ROWS = 30_000
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Alone:
    """One feature: the table that gives it, how strong it is by itself, and the share of rows without it."""

    column: str
    origin: str
    strength: float
    missing: float

    @property
    def is_suspicious(self) -> bool:
        """Whether it tells more than a feature should."""
        return self.strength >= SUSPICIOUS


def measure_of(kind: Kind) -> str:
    """What :attr:`Alone.strength` is."""
    return "correlation" if kind is REGRESSION else "ROC AUC"


def strengths(frame: TrainingFrame, kind: Kind, *, decided_at: str, rows: int = _ROWS) -> list[Alone]:
    """The features by what they tell of the label alone, the strongest first.

    A feature predicts the mean label of its bin (twenty of equal size; each text is its own, null too) on the fitted part, drawn
    towards the mean of all by ten rows. The strength is how well that does on the holdout: ROC AUC for classes (each against the
    rest, their mean), or the correlation with the label. At most ``rows`` of each part are looked at, evenly over time. A moment counts
    as its distance from ``decided_at``.
    """
    fitted, held = (_evenly(frame.rows[frame.is_in(part)], rows) for part in (TRAIN, HOLDOUT))
    targets = [kind.labels(part[frame.label]).to_numpy() for part in (fitted, held)]
    if kind is REGRESSION:
        learned, truth = (np.asarray(part, dtype=np.float64)[:, None] for part in targets)
    else:
        classes = np.unique(targets[0].astype(str))
        classes = classes[1:] if len(classes) == 2 else classes
        learned, truth = ((part.astype(str)[:, None] == classes).astype(np.float64) for part in targets)
    found = []
    for column in frame.inputs:
        if column == decided_at:
            continue
        codes = _codes(*(_plain(part, column, decided_at) for part in (fitted, held)))
        strength = _strength(truth, _means(learned, *codes), is_number=kind is REGRESSION)
        missing = float(pd.concat([fitted[column], held[column]]).isna().mean())
        found.append(Alone(column, frame.origins.get(column, GIVEN), strength, missing))
    return sorted(found, key=lambda one: (-one.strength, one.column))


def _evenly(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    return rows.iloc[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]


def _plain(rows: pd.DataFrame, column: str, decided_at: str) -> pd.Series:
    """Numbers or texts."""
    values = rows[column]
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return (rows[decided_at] - values).dt.total_seconds()
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    return values.astype("string")


def _codes(fitted: pd.Series, held: pd.Series) -> tuple[Codes, Codes]:
    """The bin of each value, by bins of the fitted part; 0 are nulls and texts that it does not have."""
    if pd.api.types.is_numeric_dtype(fitted):
        known = fitted.dropna().to_numpy()
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
        both = (np.searchsorted(edges, part.to_numpy(), side="right") + 1 for part in (fitted, held))
        first, second = (
            np.where(part.isna(), 0, codes).astype(np.int64) for part, codes in zip((fitted, held), both, strict=True)
        )
        return first, second
    values = pd.Index(fitted.dropna().unique())
    return values.get_indexer(pd.Index(fitted)).astype(np.int64) + 1, values.get_indexer(pd.Index(held)).astype(
        np.int64
    ) + 1


def _means(learned: NDArray[np.float64], fitted: Codes, held: Codes) -> NDArray[np.float64]:
    """For each held row, the mean of ``learned``, shape (rows, targets), in its bin."""
    size = int(max(fitted.max(initial=0), held.max(initial=0))) + 1
    counts = np.bincount(fitted, minlength=size)
    columns = []
    for target in learned.T:
        sums = np.bincount(fitted, weights=target, minlength=size)
        columns.append((sums + _PRIOR_ROWS * target.mean()) / (counts + _PRIOR_ROWS))
    return np.column_stack(columns)[held]


def _strength(truth: NDArray[np.float64], means: NDArray[np.float64], *, is_number: bool) -> float:
    if is_number:
        if np.ptp(means) == 0 or np.ptp(truth) == 0:
            return 0.0
        return float(max(0.0, np.corrcoef(truth[:, 0], means[:, 0])[0, 1]))
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = list(zip(truth.T, means.T, strict=True))
    areas = [roc_auc_score(is_it, mean) for is_it, mean in pairs if 0 < is_it.sum() < len(is_it)]
    return float(np.mean(areas)) if areas else 0.5
