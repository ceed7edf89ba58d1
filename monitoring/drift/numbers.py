"""A numeric column, sorted once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitoring.drift.statistics import Counts, Floats, Histogram


@dataclass(frozen=True, eq=False)
class Numbers:
    """A numeric column, sorted once: all that profile and drift need of it.

    ``finite`` is sorted; ``running`` holds the sums of its first 0, 1, ..., n values.
    """

    finite: Floats
    running: Floats
    nulls: int
    nan: int
    negative_infinities: int
    positive_infinities: int

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Numbers":
        """The numbers of an Arrow column of any numeric type."""
        values = column.cast(pa.float64(), safe=False).to_numpy()
        values = values if values.flags.writeable else values.copy()  # else it is Arrow's own memory
        values.sort()  # nulls are NaN here, and NaN comes last
        first, (last, nan) = np.searchsorted(values, -np.inf, "right"), np.searchsorted(values, [np.inf, np.nan])
        running = np.empty(last - first + 1, dtype=np.float64)
        running[0] = 0.0
        np.cumsum(values[first:last], out=running[1:])
        return cls(
            finite=values[first:last],
            running=running,
            nulls=column.null_count,
            nan=int(values.size - nan) - column.null_count,
            negative_infinities=int(first),
            positive_infinities=int(nan - last),
        )

    def over(self, grid: Floats) -> Histogram:
        """The histogram over ``grid``; its cells' sums are exact."""
        below, up_to = (np.searchsorted(self.finite, grid, side=side) for side in ("left", "right"))
        edges = np.concatenate([[0], np.stack([below, up_to], axis=1).ravel(), [self.finite.size]])
        return Histogram(
            grid=grid,
            counts=np.diff(edges).astype(np.int64),
            sums=np.diff(self.running[edges]),
            negative_infinities=self.negative_infinities,
            positive_infinities=self.positive_infinities,
            missing=self.nulls + self.nan,
        )

    def quantiles(self, steps: int) -> list[float]:
        """The quantiles at 0, 1/steps, ..., 1: of each share, the smallest value that so many are at or below; of none, none."""
        return [] if not self.finite.size else self.finite[ranks(self.finite.size, steps)].tolist()


def ranks(size: int, steps: int) -> Counts:
    """The positions, in ``size`` sorted values, of the quantiles at 0, 1/steps, ..., 1."""
    return np.maximum(-(-np.arange(steps + 1) * size // steps), 1) - 1
