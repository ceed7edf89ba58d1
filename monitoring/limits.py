"""Limits: what a monitor calls too much, one small class per measure.

A limit reads one number out of a window's metrics, and says whether it is beyond the limit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from feature_store.errors import Misuse, WrongKind, suggestion

TABLE = ":table"
"""The name under which a window's metrics of the table as a whole are kept, as Databricks has it."""


MEASURES = (
    "roc_auc",
    "log_loss",
    "brier_score",
    "calibration_error",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "label_rate",
)
"""The measures that a limit may name."""


class Severity(StrEnum):
    """How much an alert matters; a monitor says which severity asks for a new model."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class WindowMetrics:
    """What the metric tables hold of one column (or ``:table``) in one window; drift is that against the baseline.

    ``avg`` is the mean of a numeric column, ``null_rate`` is a share between 0 and 1. What is not there is None.
    """

    rows: int
    model_version: str = ""
    avg: float | None = None
    null_rate: float | None = None
    psi: float | None = None
    js_distance: float | None = None
    ks: float | None = None
    scaled_wasserstein: float | None = None
    scaled_mean_shift: float | None = None
    quality: Mapping[str, float | None] | None = None
    labelled: int = 0


def check_severity(severity: object) -> None:
    """Refuse what is not a :class:`Severity`.

    Raises
    ------
    WrongKind
        If it is anything else, such as a text.
    """
    if not isinstance(severity, Severity):
        raise WrongKind(f"A limit's severity is Severity.WARNING or Severity.CRITICAL, not {severity!r}.")


@dataclass(frozen=True)
class ColumnLimit:
    """A column's measure must not be above ``limit``."""

    limit: float
    severity: Severity = Severity.WARNING
    metric: ClassVar[str]

    def __post_init__(self) -> None:
        if isinstance(self.limit, bool) or not isinstance(self.limit, int | float) or not math.isfinite(self.limit):
            raise Misuse(f"{type(self).__name__}({self.limit!r}): the limit is a number.")
        if self.limit < 0:
            raise Misuse(f"{type(self).__name__}({self.limit!r}): the limit cannot be negative.")
        check_severity(self.severity)

    def value(self, metrics: WindowMetrics) -> float | None:
        """The measured number, or None if the window does not have it."""
        return getattr(metrics, self.metric)  # type: ignore[no-any-return]

    def violated(self, value: float) -> bool:
        """Whether ``value`` is beyond the limit."""
        return value > self.limit

    def __str__(self) -> str:
        return f"{self.metric} at most {self.limit:g}"


@dataclass(frozen=True)
class Psi(ColumnLimit):
    """Population stability index against the baseline; 0.1 and 0.25 are the customary limits."""

    metric = "psi"


@dataclass(frozen=True)
class Js(ColumnLimit):
    """Jensen-Shannon distance from the baseline, between 0 and 1."""

    metric = "js_distance"


@dataclass(frozen=True)
class Ks(ColumnLimit):
    """Kolmogorov-Smirnov statistic against the baseline, between 0 and 1 (the gap, not the p-value)."""

    metric = "ks"


@dataclass(frozen=True)
class Wasserstein(ColumnLimit):
    """Wasserstein distance from the baseline, in the baseline's standard deviations."""

    metric = "scaled_wasserstein"


@dataclass(frozen=True)
class MeanShift(ColumnLimit):
    """How far the mean moved from the baseline's, either way, in the baseline's standard deviations."""

    metric = "scaled_mean_shift"

    def violated(self, value: float) -> bool:
        """Whether ``value``, which has a sign, is beyond the limit."""
        return abs(value) > self.limit


@dataclass(frozen=True)
class NullRate(ColumnLimit):
    """The share of nulls in the window, between 0 and 1, whatever the baseline had."""

    metric = "null_rate"


@dataclass(frozen=True)
class Quality:
    """The predictions' quality, on the labels known so far; a window with fewer than ``minimum_labels`` is not judged.

    Belongs under the key ``":table"``. ``measure`` is one of :data:`MEASURES`.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    minimum_labels: int = 500
    severity: Severity = Severity.WARNING

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise Misuse(f"There is no measure of quality {self.measure!r}. {suggestion(self.measure, MEASURES)}")
        if (self.at_least is None) == (self.at_most is None):
            raise Misuse(f"Quality({self.measure!r}): give either at_least or at_most.")
        if self.minimum_labels < 1:
            raise Misuse(f"Quality({self.measure!r}): minimum_labels must be 1 or more.")
        check_severity(self.severity)

    @property
    def metric(self) -> str:
        """The name of what is measured."""
        return self.measure

    @property
    def limit(self) -> float:
        """The number not to be crossed."""
        return self.at_least if self.at_least is not None else self.at_most or 0.0

    def value(self, metrics: WindowMetrics) -> float | None:
        """The measured number, or None if too few labels are known."""
        if metrics.quality is None or metrics.labelled < self.minimum_labels:
            return None
        return metrics.quality[self.measure]

    def violated(self, value: float) -> bool:
        """Whether ``value`` is beyond the limit."""
        return value < self.limit if self.at_least is not None else value > self.limit

    def __str__(self) -> str:
        return f"{self.measure} at {'least' if self.at_least is not None else 'most'} {self.limit:g}"


Limit = ColumnLimit | Quality
