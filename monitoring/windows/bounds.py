"""What a value must not be beyond."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """What a value must not be below or above; None: there is no such bound."""

    low: float | None = None
    high: float | None = None

    def crossed(self, value: float) -> float | None:
        """The bound that ``value`` is beyond, or None."""
        if self.high is not None and value > self.high:
            return self.high
        if self.low is not None and value < self.low:
            return self.low
        return None

    def nearest(self, value: float) -> float:
        """The bound that ``value`` is beyond, or else the one it is closest to."""
        there = [bound for bound in (self.low, self.high) if bound is not None]
        crossed = self.crossed(value)
        return min(there, key=lambda bound: abs(value - bound)) if crossed is None else crossed
