"""Limits: what a monitor calls too much, one small class per measure.

A limit reads one number out of a window's metrics; its bounds say what is too much, as a number or
:class:`Automatic`: learned from how much the baseline itself varied from window to window.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from feature_store.errors import Misuse, WrongKind
from monitoring.windows.bounds import Bounds
from monitoring.windows.metrics import WindowMetrics

if TYPE_CHECKING:
    from monitoring.windows.variation import Scale, Variation


NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
"""Spark's names of the types of numbers."""


class Severity(StrEnum):
    """How much an alert matters; a monitor says which severity asks for a new model."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """When a violated limit becomes an alert: ``violations`` of the last ``windows`` windows, and the latest is one."""

    violations: int = 1
    windows: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.violations <= self.windows:
            raise Misuse(
                f"Patience(violations={self.violations}, windows={self.windows}): there must be at least one "
                "violation, and no more of them than windows."
            )

    def __str__(self) -> str:
        if self.windows == 1:
            return "the first window beyond"
        return f"{self.violations} of the last {self.windows} windows, and the latest"


@dataclass(frozen=True)
class Automatic:
    """A bound that one window in ``1 / false_alarms`` would be beyond, were it drawn as the baseline's windows were.

    The bound is learned for each column, slice and model version, and is never nearer to usual than ``no_tighter_than``:
    what is of no interest, however seldom it happens. A baseline of fewer than six windows teaches nothing; the limit
    is not judged then, and the check says so.
    """

    false_alarms: float = 0.001
    no_tighter_than: float | None = None

    def upper(self, variation: Variation) -> float:
        """The bound from above that follows from how the baseline varied."""
        learned = variation.upper(self.false_alarms)
        return learned if self.no_tighter_than is None else max(learned, self.no_tighter_than)

    def lower(self, variation: Variation) -> float:
        """The bound from below."""
        learned = variation.lower(self.false_alarms)
        return learned if self.no_tighter_than is None else min(learned, self.no_tighter_than)

    def __post_init__(self) -> None:
        if isinstance(self.false_alarms, bool) or not 0 < self.false_alarms < 0.5:
            raise Misuse(f"Automatic(false_alarms={self.false_alarms!r}) is a chance: above 0, below 0.5.")

    def __str__(self) -> str:
        return f"what 1 in {1 / self.false_alarms:g} windows of the baseline would be"


AUTOMATIC = Automatic()


def check_severity(severity: object) -> None:
    """Refuse what is not a :class:`Severity`.

    Raises
    ------
    WrongKind
        If it is anything else, such as a text.
    """
    if not isinstance(severity, Severity):
        raise WrongKind(f"A limit's severity is Severity.WARNING or Severity.CRITICAL, not {severity!r}.")


def check_bound(where: str, bound: object, *, least: float = -math.inf) -> None:
    """Refuse a bound that is no finite number, or below ``least``; an automatic one is accepted.

    Raises
    ------
    Misuse
        If it cannot be a bound.
    """
    if isinstance(bound, Automatic):
        return
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
        raise Misuse(f"{where}: the limit is a number.")
    if bound < least:
        raise Misuse(f"{where}: the limit cannot be negative.")


@dataclass(frozen=True, kw_only=True)
class Limit(ABC):
    """What all limits have: how much it matters, in which slices it is judged (None: all rows), and when it alerts.

    ``by`` is one of the monitor's ``slices``: the limit holds within each of its values. ``after`` None: as the monitor
    says. ``scale`` says what kind of number it is: a distance is positive, a share lies between 0 and 1. One that ``needs_rows`` is
    not judged in a window with few of them.
    """

    severity: Severity = Severity.WARNING
    by: str | None = None
    after: Patience | None = None
    of_table: ClassVar[bool] = True
    needs_rows: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = False
    of_slices: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_severity(self.severity)

    @property
    @abstractmethod
    def metric(self) -> str:
        """The name of what is measured."""

    @property
    def scale(self) -> Scale:
        """What kind of number it is."""
        return "plain"

    @property
    def is_automatic(self) -> bool:
        """Whether a bound is learned from the baseline."""
        return False

    def fits(self, data_type: str | None) -> bool:
        """Whether columns of this type (Spark's name of it) have the measure; None: the type is not known."""
        return data_type is None or not self.of_numbers or data_type.split("(")[0] in NUMBERS

    @abstractmethod
    def value(self, metrics: WindowMetrics) -> float | None:
        """The measured number, or None if the window does not have it, or too little to judge it by."""

    @abstractmethod
    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        """What the value must not be beyond; None for an automatic limit if the baseline taught too little."""

    def violated(self, value: float, variation: Variation | None = None) -> bool:
        """Whether ``value`` is beyond the limit."""
        bounds = self.bounds(variation)
        return bounds is not None and bounds.crossed(value) is not None


@dataclass(frozen=True)
class ColumnLimit(Limit):
    """A column's measure must not be above ``limit``."""

    limit: float | Automatic
    metric: ClassVar[str]
    of_table = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bound(f"{type(self).__name__}({self.limit!r})", self.limit, least=0)

    @property
    def scale(self) -> Scale:
        return "positive"

    @property
    def is_automatic(self) -> bool:
        return isinstance(self.limit, Automatic)

    def value(self, metrics: WindowMetrics) -> float | None:
        return getattr(metrics, self.metric)  # type: ignore[no-any-return]

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        if not isinstance(self.limit, Automatic):
            return Bounds(high=self.limit)
        known = variation is not None and variation.is_known
        return Bounds(high=self.limit.upper(variation)) if known and variation else None

    def __str__(self) -> str:
        return f"{self.metric} at most {self.limit if self.is_automatic else format(self.limit, 'g')}"


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
    of_numbers = True


@dataclass(frozen=True)
class Wasserstein(ColumnLimit):
    """Wasserstein distance from the baseline, in the baseline's standard deviations."""

    metric = "scaled_wasserstein"
    of_numbers = True


@dataclass(frozen=True)
class MeanShift(ColumnLimit):
    """How far the mean moved from the baseline's, either way, in the baseline's standard deviations."""

    metric = "scaled_mean_shift"
    of_numbers = True

    @property
    def scale(self) -> Scale:
        return "plain"

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        if not isinstance(self.limit, Automatic):
            return Bounds(-self.limit, self.limit)
        if variation is None or not variation.is_known:
            return None
        chance = self.limit.false_alarms / 2
        floor = self.limit.no_tighter_than
        low, high = variation.lower(chance), variation.upper(chance)
        return Bounds(low, high) if floor is None else Bounds(min(low, -floor), max(high, floor))


@dataclass(frozen=True)
class NullRate(ColumnLimit):
    """The share of nulls in the window, between 0 and 1; an automatic limit learns what the baseline had."""

    metric = "null_rate"

    @property
    def scale(self) -> Scale:
        return "share"
