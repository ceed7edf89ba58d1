"""Limits on a table as a whole, under ``":table"``: how good its predictions are, how much arrives, how late, in which shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar

from feature_store.errors import Misuse, WrongKind, listed, suggestion
from monitoring.limits import Automatic, Limit, check_bound
from monitoring.windows.bounds import Bounds
from monitoring.windows.metrics import MEASURES, WindowMetrics

if TYPE_CHECKING:
    from monitoring.windows.variation import Scale, Variation

_SCALES = ("plain", "positive", "share")
_PLAIN, _POSITIVE = ("r2", "bias"), ("log_loss", "rmse", "mean_absolute_error")


@dataclass(frozen=True)
class _Sided(Limit):
    """A measure of the whole table, by name, bounded from one side."""

    measure: str
    at_least: float | Automatic | None = None
    at_most: float | Automatic | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        where = f"{type(self).__name__}({self.measure!r})"
        if (self.at_least is None) == (self.at_most is None):
            raise Misuse(f"{where}: give either at_least or at_most.")
        check_bound(where, self.at_most if self.at_least is None else self.at_least)

    @property
    def metric(self) -> str:
        return self.measure

    @property
    def is_automatic(self) -> bool:
        return isinstance(self.at_least, Automatic) or isinstance(self.at_most, Automatic)

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        if not self.is_automatic:
            return Bounds(self.at_least, self.at_most)  # type: ignore[arg-type]
        if variation is None or not variation.is_known:
            return None
        if isinstance(self.at_least, Automatic):
            return Bounds(low=self.at_least.lower(variation))
        return Bounds(high=self.at_most.upper(variation))  # type: ignore[union-attr]

    def __str__(self) -> str:
        side, bound = ("most", self.at_most) if self.at_least is None else ("least", self.at_least)
        return f"{self.measure} at {side} {bound if self.is_automatic else format(bound, 'g')}"


@dataclass(frozen=True)
class Quality(_Sided):
    """The predictions' quality, on the labels known so far; a window with fewer than ``minimum_labels`` is not judged.

    Belongs under the key ``":table"``. ``measure`` is one of :data:`MEASURES`.
    """

    minimum_labels: int = field(default=500, kw_only=True)

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise Misuse(f"There is no measure of quality {self.measure!r}. {suggestion(self.measure, MEASURES)}")
        super().__post_init__()
        if self.minimum_labels < 1:
            raise Misuse(f"Quality({self.measure!r}): minimum_labels must be 1 or more.")

    @property
    def scale(self) -> Scale:
        return "plain" if self.measure in _PLAIN else "positive" if self.measure in _POSITIVE else "share"

    def value(self, metrics: WindowMetrics) -> float | None:
        if metrics.quality is None or metrics.labelled < self.minimum_labels:
            return None
        return metrics.quality.get(self.measure)


@dataclass(frozen=True)
class Custom(_Sided):
    """A measure of the monitor's own, by its name in the monitor's ``measures``. Belongs under ``":table"``.

    ``values`` says what its numbers can be, which the false alarms to expect and automatic bounds follow from: ``"plain"`` any,
    ``"positive"`` none below zero, ``"share"`` between 0 and 1.
    """

    values: Scale = field(default="plain", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.values not in _SCALES:
            known = suggestion(self.values, _SCALES)
            raise Misuse(f"Custom({self.measure!r}): there are no values {self.values!r}. {known}")

    @property
    def scale(self) -> Scale:
        return self.values

    def value(self, metrics: WindowMetrics) -> float | None:
        return (metrics.custom or {}).get(self.measure)


@dataclass(frozen=True, kw_only=True)
class Volume(Limit):
    """The window's rows, as a multiple of the median of the eight windows before it. Belongs under ``":table"``.

    A window without any rows is judged, too: that is how a feed that stopped is noticed. With ``by`` it is judged of each slice, also
    of one whose rows all stay away while others' arrive.
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
    of_slices = False

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
    """No measured column may appear, vanish, change its type or lose all values. Belongs under ``":table"``.

    ``ignoring`` names columns of which that is no news, or patterns of their names (``"wind_*"``).
    """

    ignoring: Sequence[str] = ()
    metric: ClassVar[str] = "schema_changes"
    needs_rows = False
    of_slices = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.ignoring, str):
            raise WrongKind(f"SchemaChange(ignoring={self.ignoring!r}): give a list of names.")

    def value(self, metrics: WindowMetrics) -> float | None:
        return float(len(self.changed(metrics)))

    def changed(self, metrics: WindowMetrics) -> list[str]:
        """What changed, a sentence for each column that counts."""
        return [
            f"{column} {what}"
            for column, what in metrics.changed.items()
            if not any(fnmatchcase(column, pattern) for pattern in self.ignoring)
        ]

    def bounds(self, variation: Variation | None = None) -> Bounds | None:
        return Bounds(high=0.0)

    def __str__(self) -> str:
        return "no change of the columns" + (f" but for {listed(self.ignoring)}" if self.ignoring else "")
