"""How much a measure varies when nothing has changed, and what follows: limits by themselves, and false alarms.

The baseline is cut into windows of the monitor's length, and each is measured like a window of scores. From those n
values follows an interval for one more of the same kind: with mean m, standard deviation s and Student's t of n - 1
degrees of freedom, m + t s sqrt(1 + 1/n). Distances, which are positive and skewed, are treated so by their
logarithms. Hahn and Meeker, Statistical Intervals (1991), section 4.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from monitoring.windows.bounds import Bounds

FEWEST = 6
"""From fewer windows than this nothing is learned."""
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Variation:
    """The values of one measure, shape (windows,), in the windows of a baseline; ``positive`` ones by their logarithm."""

    values: Sequence[float]
    positive: bool = False

    @property
    def is_known(self) -> bool:
        """Whether there are windows enough to learn from."""
        return len(self.values) >= FEWEST

    def upper(self, chance: float) -> float:
        """The value that one more window of the same kind is above with this chance."""
        mean, scale = self._fitted()
        bound = mean + float(student.isf(chance, len(self.values) - 1)) * scale
        return float(np.exp(bound)) if self.positive else bound

    def lower(self, chance: float) -> float:
        """The value that one more window of the same kind is below with this chance."""
        mean, scale = self._fitted()
        bound = mean - float(student.isf(chance, len(self.values) - 1)) * scale
        return float(np.exp(bound)) if self.positive else bound

    def chance_beyond(self, bounds: Bounds) -> float:
        """The chance that one more window of the same kind is beyond ``bounds``, between 0 and 1."""
        chance = 0.0
        if bounds.high is not None:
            chance += self._tail(bounds.high, above=True)
        if bounds.low is not None:
            chance += self._tail(bounds.low, above=False)
        return min(chance, 1.0)

    def _tail(self, bound: float, *, above: bool) -> float:
        if self.positive and bound <= 0:
            return 1.0 if above else 0.0
        mean, scale = self._fitted()
        distance = (np.log(bound) if self.positive else bound) - mean
        if not scale:
            return float(distance < 0 if above else distance > 0)
        return float(student.sf(distance / scale if above else -distance / scale, len(self.values) - 1))

    def _fitted(self) -> tuple[float, float]:
        """The mean of the values (or of their logarithms), and the scale of the next one's distance from it."""
        values = np.asarray(self.values, dtype=np.float64)
        if self.positive:
            values = np.log(np.maximum(values, _SMALLEST))
        return float(values.mean()), float(values.std(ddof=1) * np.sqrt(1 + 1 / values.size))


def chance_of_alert(beyond: float, violations: int, windows: int) -> float:
    """The chance that in a window an alert fires: it is beyond, and enough of the ``windows`` up to it are.

    ``beyond`` is the chance of a single window; windows are taken as independent of each other. As an alert goes on while
    it fires, this is at least the chance that a new one is opened.
    """
    from scipy.stats import binom

    return float(beyond * binom.sf(violations - 2, windows - 1, beyond)) if violations > 1 else float(beyond)
