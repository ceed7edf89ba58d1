"""How much a measure varies when nothing has changed, and what follows: limits by themselves, and false alarms.

The baseline is cut into windows of the monitor's length, and each is measured like a window of scores. From those n
values follows an interval for one more of the same kind: with mean m, standard deviation s and Student's t of n - 1
degrees of freedom, m + t s sqrt(1 + 1/n). Hahn and Meeker, Statistical Intervals (1991), section 4.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, stdtr, stdtrit

from monitoring.windows.bounds import Bounds

Scale = Literal["plain", "positive", "share"]
FEWEST = 6
"""From fewer windows than this nothing is learned."""
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Variation:
    """The values of one measure, shape (windows,), in the windows of a baseline of at least ``rows`` rows each.

    Distances (``positive``) are treated by their logarithm, shares by the arcsine of their root, whose variance in a
    sample of n rows is at least 1 / 4n: a share that was 0 in each window may still be a little above it.
    """

    values: Sequence[float]
    scale: Scale = "plain"
    rows: float = 1.0

    @property
    def is_known(self) -> bool:
        """Whether there are windows enough to learn from."""
        return len(self.values) >= FEWEST

    def upper(self, chance: float) -> float:
        """The value that one more window of the same kind is above with this chance."""
        mean, spread = self._fitted()
        return self._back(mean + self._beyond(chance) * spread)

    def lower(self, chance: float) -> float:
        """The value that one more window of the same kind is below with this chance."""
        mean, spread = self._fitted()
        return self._back(mean - self._beyond(chance) * spread)

    def _beyond(self, chance: float) -> float:
        """What Student's t is above with this chance, and below its negative: it is symmetric."""
        return -float(stdtrit(len(self.values) - 1, chance))

    def chance_beyond(self, bounds: Bounds) -> float:
        """The chance that one more window of the same kind is beyond ``bounds``, between 0 and 1."""
        chance = 0.0
        if bounds.high is not None:
            chance += self._tail(bounds.high, above=True)
        if bounds.low is not None:
            chance += self._tail(bounds.low, above=False)
        return min(chance, 1.0)

    def _tail(self, bound: float, *, above: bool) -> float:
        if self.scale != "plain" and bound < 0:
            return float(above)
        if self.scale == "share" and bound >= 1 and above:
            return 0.0  # no share is larger than the whole
        mean, spread = self._fitted()
        distance = float(self._of(np.array([bound]))[0]) - mean
        if not spread:
            return float(distance < 0 if above else distance > 0)
        return float(stdtr(len(self.values) - 1, -distance / spread if above else distance / spread))

    def _fitted(self) -> tuple[float, float]:
        """The mean of the values on their scale, and the spread of the next one's distance from it."""
        values = self._of(np.asarray(self.values, dtype=np.float64))
        spread = float(values.std(ddof=1))
        if self.scale == "share":
            spread = max(spread, 0.5 / float(np.sqrt(self.rows)))
        return float(values.mean()), spread * float(np.sqrt(1 + 1 / values.size))

    def _of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.scale == "positive":
            return np.log(np.maximum(values, _SMALLEST))
        return np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0))) if self.scale == "share" else values

    def _back(self, value: float) -> float:
        if self.scale == "positive":
            return float(np.exp(value))
        return float(np.sin(np.clip(value, 0.0, np.pi / 2)) ** 2) if self.scale == "share" else value


def chance_of_alert(beyond: float, violations: int, windows: int) -> float:
    """The chance that in a window an alert fires: it is beyond, and enough of the ``windows`` up to it are.

    ``beyond`` is the chance of a single window; windows are taken as independent of each other. As an alert goes on while
    it fires, this is at least the chance that a new one is opened.
    """
    return float(beyond * bdtrc(violations - 2, windows - 1, beyond)) if violations > 1 else float(beyond)
