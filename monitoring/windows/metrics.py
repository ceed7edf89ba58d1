"""What the rules, the reports and the review read of one column in one window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

TABLE = ":table"
"""The name under which a window's metrics of the table as a whole are kept, as Databricks has it."""
PREDICTION = "prediction"
"""The column of a score table that has the scores."""
DISTANCES = {
    "psi": "population_stability_index",
    "js_distance": "js_distance",
    "ks": "ks_test",
    "scaled_wasserstein": "scaled_wasserstein_distance",
    "scaled_mean_shift": "scaled_avg_delta",
}
"""What limits on drift measure, and the columns of the drift table that have it."""

USUAL, FEWEST = 8, 4
"""What is usual is told by the eight windows before; of fewer than four, not at all."""

MEASURES = {
    "roc_auc": "roc_auc_score",
    "log_loss": "log_loss",
    "brier_score": "brier_score",
    "calibration_error": "calibration_error",
    "accuracy": "accuracy_score",
    "precision": "precision",
    "recall": "recall",
    "f1": "f1_score",
    "label_rate": "label_rate",
    "rmse": "root_mean_squared_error",
    "mean_absolute_error": "mean_average_error",
    "r2": "r2_score",
    "bias": "bias",
}
"""The measures that a limit on quality may name, and the columns of the profile table that have them."""


@dataclass(frozen=True)
class WindowMetrics:
    """What the metric tables hold of one column (or ``:table``) in one window; drift is that against the baseline.

    ``avg`` is the mean of a numeric column, ``null_rate`` is a share between 0 and 1; ``staleness`` is in hours, from
    the newest row to the window's end; ``changed`` says of each column that is not as it was what is different about it.
    ``histogram`` has (bin, baseline's count, count). What is not there is None.
    """

    rows: int
    model_version: str = ""
    data_type: str | None = None
    avg: float | None = None
    null_rate: float | None = None
    psi: float | None = None
    js_distance: float | None = None
    ks: float | None = None
    scaled_wasserstein: float | None = None
    scaled_mean_shift: float | None = None
    quality: Mapping[str, float | None] | None = None
    labelled: int = 0
    custom: Mapping[str, float] | None = None
    staleness: float | None = None
    volume: float | None = None
    changed: Mapping[str, str] = field(default_factory=dict)
    histogram: Sequence[tuple[str, int, int]] = ()
    explained: float | None = None


def measure_of(profile: Mapping[str, object], measure: str) -> float | None:
    """A measure of quality in a row of the profile table: a plain number, that of the positive class, or the macro one."""
    value = profile.get(MEASURES[measure])
    if isinstance(value, Mapping):
        of_class = dict(value["one_vs_all"])
        value = of_class["true"] if list(of_class) == ["true"] else value["macro"]
    return float(value) if isinstance(value, int | float) else None


def distance_of(drift: Mapping[str, object], metric: str) -> float | None:
    """One of :data:`DISTANCES` in a row of the drift table: a plain number, or the statistic of a test."""
    value = drift.get(DISTANCES[metric])
    number = value["statistic"] if isinstance(value, Mapping) else value
    return float(number) if isinstance(number, int | float) else None


def volume(rows: int, earlier: Sequence[int]) -> float | None:
    """A window's rows as a multiple of the median of the eight windows before it; None if that is not known, or nothing."""
    usual = earlier[-USUAL:]
    middle = median(usual) if len(usual) >= FEWEST else 0
    return rows / middle if middle else None
