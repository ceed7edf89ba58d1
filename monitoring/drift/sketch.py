"""Sketches: what is kept of a column so that later windows can be compared with it without reading it again.

A :class:`NumericSketch` keeps a grid of about a thousand values, its quantiles at every thousandth, and ten finer ones
in each tail: less than a thousandth of the rows lies between two neighbours, which bounds the error of what is
computed from it. A column of up to 1,001 different values is kept exactly. A :class:`CategoricalSketch` keeps the
counts of a column's commonest values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.drift.numbers import Numbers, ranks
from monitoring.drift.statistics import Counts, Floats, Histogram

GRID_STEPS = 1000
"""A numeric sketch keeps the quantiles at 0, 1/1000, ..., 1: the statistics' error bound is one thousandth."""
TAIL_STEPS = 10
"""The first and the last thousandth are halved this many times, since long tails weigh in distances."""
SLICE_STEPS = 200
"""Of a slice, the quantiles are kept at 0, 1/200, ..., 1, to the same end."""
CACHED = 65_536
"""So many numbers stay in the processor's cache."""
BINS = 10
MISSING, OTHERS = "missing", "others"
MOST_CATEGORIES = 1000
RARE_SHARE = 0.005
"""Categories with less than this share of the baseline are pooled, and so are categories that it does not have."""


@dataclass(frozen=True, eq=False)
class NumericSketch:
    """A numeric column's histogram over its own quantiles, with the positions of its deciles in the grid."""

    histogram: Histogram
    deciles: Counts
    mean: float | None
    stddev: float | None
    zeros: int
    distinct: int
    nulls: int

    @classmethod
    def of(cls, numbers: Numbers, steps: int = GRID_STEPS) -> "NumericSketch":
        """The sketch of ``numbers`` with the quantiles at every ``1 / steps``; an empty grid if there is no finite value."""
        finite = numbers.finite
        if not finite.size:
            empty = np.array([], dtype=np.float64)
            return cls(numbers.over(empty), np.array([], dtype=np.int64), None, None, 0, 0, numbers.nulls)
        starts = finite[1:] != finite[:-1]
        distinct = int(np.count_nonzero(starts)) + 1
        exact = distinct <= steps + 1
        mean = float(finite.mean())
        grid = finite[np.append(True, starts)] if exact else np.unique(finite[_grid_ranks(finite.size, steps)])
        deciles = np.searchsorted(grid, finite[ranks(finite.size, BINS)][1:-1])
        return cls(
            histogram=numbers.over(grid),
            deciles=deciles.astype(np.int64),
            mean=defined(mean),
            stddev=defined(np.sqrt(_squares(finite, mean) / (finite.size - 1))) if finite.size > 1 else None,
            zeros=int(np.searchsorted(finite, 0.0, "right") - np.searchsorted(finite, 0.0, "left")),
            distinct=distinct,
            nulls=numbers.nulls,
        )

    @property
    def rows(self) -> int:
        """Rows in all, missing ones included."""
        return self.histogram.rows + self.histogram.missing

    def binned(self, histogram: Histogram) -> Counts:
        """The ten bins of ``histogram`` (which is over this sketch's grid), and the missing values as an eleventh.

        A bin reaches from above one decile up to and including the next. A value that is two deciles or more, such as
        the zero of a column that is mostly zero, is a bin of its own, so that a move to either side of it shows.
        """
        return np.append(np.add.reduceat(histogram.cells, self._cuts), histogram.missing)

    @cached_property
    def bins(self) -> Counts:
        """The column's own values in its ten bins, and the missing ones."""
        return self.binned(self.histogram)

    def bins_of(self, column: pa.ChunkedArray) -> Counts:
        """The number of the bin that each row's value lies in, shape (rows,); a missing one is in the last."""
        values = column.cast(pa.float64(), safe=False).to_numpy()
        grid, cuts = self.histogram.grid, self._cuts
        cells = np.searchsorted(grid, values, side="left") + np.searchsorted(grid, values, side="right")
        bins = np.searchsorted(cuts, cells, side="right") - 1
        return np.where(np.isnan(values), len(cuts), bins).astype(np.int64)

    @cached_property
    def bin_names(self) -> list[str]:
        """What people call each bin: ``up to 3``, ``3 to 5.5``, ``0``, ``above 40``, ``missing``."""
        cuts, grid = self._cuts, self.histogram.grid
        edges = [float(grid[(cut - 1) // 2]) for cut in cuts[1:]]
        names = []
        for position, cut in enumerate(cuts):
            lower = edges[position - 1] if position else None
            upper = edges[position] if position < len(edges) else None
            if cut % 2:
                names.append(f"{lower:.6g}")
            elif lower is None:
                names.append("all" if upper is None else f"up to {upper:.6g}")
            else:
                names.append(f"above {lower:.6g}" if upper is None else f"{lower:.6g} to {upper:.6g}")
        return [*names, MISSING]

    @cached_property
    def _cuts(self) -> list[int]:
        """The first cell of each bin."""
        after = {2 * int(decile) + 2 for decile in self.deciles}
        repeated = self.deciles[1:][np.diff(self.deciles) == 0]
        return sorted({0} | after | {2 * int(decile) + 1 for decile in repeated})

    def to_json(self) -> dict[str, object]:
        """Plain data that :meth:`from_json` reads back exactly."""
        kept = self.histogram
        return {
            "grid": kept.grid.tolist(), "counts": kept.counts.tolist(), "sums": [defined(total) for total in kept.sums],
            "infinities": [kept.negative_infinities, kept.positive_infinities], "missing": kept.missing,
            "deciles": self.deciles.tolist(), "mean": self.mean, "stddev": self.stddev, "zeros": self.zeros,
            "distinct": self.distinct, "nulls": self.nulls,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "NumericSketch":
        """What :meth:`to_json` wrote."""
        histogram = Histogram(
            np.array(data["grid"], dtype=np.float64),
            np.array(data["counts"], dtype=np.int64),
            np.array(data["sums"], dtype=np.float64),
            *data["infinities"],  # type: ignore[misc]
            missing=data["missing"],  # type: ignore[arg-type]
        )
        others = {name: data[name] for name in ("mean", "stddev", "zeros", "distinct", "nulls")}
        return cls(histogram, np.array(data["deciles"], dtype=np.int64), **others)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Tally:
    """A text or boolean column, counted once: a table of its different ``values`` and their ``counts``."""

    counted: pa.Table
    missing: int

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Tally":
        """The tally of an Arrow column; booleans are ``true`` and ``false``."""
        found = pa.Table.from_struct_array(pc.value_counts(column)).drop_null()
        values = {"values": found["values"].cast(pa.string()), "counts": found["counts"]}
        return cls(pa.table(values), column.null_count)

    @property
    def counts(self) -> Counts:
        """How often each value is there."""
        return np.asarray(self.counted["counts"].to_numpy(), dtype=np.int64)

    def commonest(self, most: int) -> dict[str, int]:
        """The commonest values and their counts, commonest first; of equals, in the order of their characters."""
        if not self.counted.num_rows:
            return {}
        order = [("counts", "descending"), ("values", "ascending")]
        found = self.counted.take(pc.select_k_unstable(self.counted, most, sort_keys=order))
        return dict(zip(found["values"].to_pylist(), found["counts"].to_pylist(), strict=True))

    def lengths(self) -> tuple[float, float, float] | None:
        """The shortest, longest and mean length of the texts, in characters; None if there are none."""
        if not self.counted.num_rows:
            return None
        lengths = pc.utf8_length(self.counted["values"]).to_numpy().astype(np.int64)
        return float(lengths.min()), float(lengths.max()), float(lengths @ self.counts / self.counts.sum())


@dataclass(frozen=True)
class CategoricalSketch:
    """A column's commonest values and their counts, commonest first; the rest is counted together."""

    counts: Mapping[str, int]
    others: int
    missing: int
    distinct: int

    zeros = None
    mean = None
    stddev = None

    @property
    def nulls(self) -> int:
        """Nulls; a category has no other missing values."""
        return self.missing

    @classmethod
    def of(cls, tally: Tally) -> "CategoricalSketch":
        """The sketch of the column that was counted."""
        kept = tally.commonest(MOST_CATEGORIES)
        return cls(kept, int(tally.counts.sum()) - sum(kept.values()), tally.missing, tally.counted.num_rows)

    @cached_property
    def rows(self) -> int:
        """Rows in all, missing ones included."""
        return sum(self.counts.values()) + self.others + self.missing

    @cached_property
    def common(self) -> list[str]:
        """The categories that are not rare, commonest first."""
        least = RARE_SHARE * (self.rows - self.missing)
        return [name for name, n in self.counts.items() if n >= least]

    def bins_of(self, column: pa.ChunkedArray) -> Counts:
        """The number of each row's category among the common ones, then the others, then the missing; shape (rows,)."""
        common = self.common
        found = pc.index_in(column.cast(pa.string()), value_set=pa.array(common, pa.string()))
        missing = pc.is_null(column).to_numpy()
        return np.where(missing, len(common) + 1, found.fill_null(len(common)).to_numpy()).astype(np.int64)

    @cached_property
    def bin_names(self) -> list[str]:
        """The common categories, ``others`` and ``missing``."""
        return [*self.common, OTHERS, MISSING]

    def shared_with(self, current: "CategoricalSketch") -> tuple[Counts, Counts]:
        """Both columns' counts over this one's common categories, and the rare and unknown ones pooled as the last."""
        common = self.common

        def over_common(sketch: "CategoricalSketch") -> Counts:
            known = [sketch.counts.get(name, 0) for name in common]
            return np.array([*known, sketch.rows - sketch.missing - sum(known)], dtype=np.int64)

        return over_common(self), over_common(current)

    def to_json(self) -> dict[str, object]:
        """Plain data that :meth:`from_json` reads back exactly."""
        return {
            "categories": dict(self.counts),
            "others": self.others,
            "missing": self.missing,
            "distinct": self.distinct,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "CategoricalSketch":
        """What :meth:`to_json` wrote."""
        return cls(data["categories"], data["others"], data["missing"], data["distinct"])  # type: ignore[arg-type]


Sketch = NumericSketch | CategoricalSketch


def defined(number: float) -> float | None:
    """``number``, or None if it is not finite (of values so large that their sum is not)."""
    return float(number) if np.isfinite(number) else None


def _squares(values: Floats, mean: float) -> float:
    """The sum of squared differences from ``mean``, halved as NumPy's own sums are: their bits, and no large array."""
    if values.size <= CACHED:
        return float(np.square(values - mean).sum())
    half = values.size // 2
    half -= half % 8
    return _squares(values[:half], mean) + _squares(values[half:], mean)


def _grid_ranks(size: int, steps: int) -> Counts:
    """The positions of the grid's quantiles, those in the tails included."""
    from_the_end = size // (steps * 2 ** np.arange(1, TAIL_STEPS + 1))
    return np.concatenate([ranks(size, steps), from_the_end, size - 1 - from_the_end])
