"""Limits on a table as a whole, whatever its columns say: how much arrives, how late, and in which shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from feature_store.errors import Misuse
from monitoring.limits import Limit, check_bound
from monitoring.windows.bounds import Bounds
from monitoring.windows.metrics import WindowMetrics

if TYPE_CHECKING:
    from monitoring.windows.variation import Variation


@dataclass(frozen=True, kw_only=True)
class Volume(Limit):
    """The window's rows, as a multiple of the median of the eight windows before it. Belongs under ``":table"``.

    A window without any rows is judged, too: that is how a feed that stopped is noticed.
    """

    at_least: float | None = None
    at_most: float | None = None
    metric: ClassVar[str] = "volume"
    needs_rows = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_least is None and self.at_most is None:
            raise Misuse("Volume(): give at_least, at_most or both, as multiples of the usual number of rows.")
        for bound in (self.at_least, self.at_most):
            if bound is not None:
                check_bound("Volume()", bound, least=0)

    def value(self, metrics: WindowMetrics) -> float | None:
        return metrics.volume

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        return Bounds(self.at_least, self.at_most)

    def __str__(self) -> str:
        sides = (("at least", self.at_least), ("at most", self.at_most))
        return "volume " + " and ".join(f"{side} {bound:g}" for side, bound in sides if bound is not None)


@dataclass(frozen=True)
class Freshness(Limit):
    """The newest row must not be older, at the end of a window, than ``at_most``. Belongs under ``":table"``."""

    at_most: timedelta
    metric: ClassVar[str] = "staleness"
    needs_rows = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.at_most, timedelta) or self.at_most <= timedelta(0):
            raise Misuse(f"Freshness({self.at_most!r}): how old the newest row may be is a timedelta above zero.")

    def value(self, metrics: WindowMetrics) -> float | None:
        return metrics.staleness

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        return Bounds(high=self.at_most / timedelta(hours=1))

    def __str__(self) -> str:
        return f"staleness at most {self.at_most / timedelta(hours=1):g} hours"


@dataclass(frozen=True)
class SchemaChange(Limit):
    """No measured column may appear, vanish, change its type or lose all values. Belongs under ``":table"``."""

    metric: ClassVar[str] = "schema_changes"
    needs_rows = False

    def value(self, metrics: WindowMetrics) -> float | None:
        return metrics.schema_changes

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        return Bounds(high=0.0)

    def __str__(self) -> str:
        return "no change of the columns"
