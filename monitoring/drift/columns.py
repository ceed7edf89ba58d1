"""One column in one window: its profile, and its drift from a sketch; as rows of the metric tables."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from monitoring.drift import statistics
from monitoring.drift.numbers import Numbers
from monitoring.drift.sketch import GRID_STEPS, CategoricalSketch, NumericSketch, Sketch, Tally, defined
from monitoring.drift.statistics import Counts, Significance

Row = dict[str, object]
MOST_FREQUENT_ITEMS = 100
MOST_THREADS = 8
"""Each holds a copy of a column that it works on."""
FEW_VALUES = 100_000
"""To start threads for fewer takes longer than to measure them."""


@dataclass(frozen=True, eq=False)
class NumericColumn:
    """A numeric column of a window, sorted once."""

    numbers: Numbers
    steps: int = GRID_STEPS

    @cached_property
    def sketch(self) -> NumericSketch:
        """What later windows are compared with; computed when first asked for."""
        with np.errstate(over="ignore", invalid="ignore"):
            return NumericSketch.of(self.numbers, self.steps)

    def profile(self) -> Row:
        """What the profile table has of numbers."""
        numbers, sketch, rows = self.numbers, self.sketch, self.sketch.rows
        quantiles = numbers.quantiles(100)
        smallest, median, largest = (quantiles[step] if quantiles else None for step in (0, 50, 100))
        return _counted(sketch) | {
            "avg": sketch.mean,
            "quantiles": quantiles or None,
            "min": -np.inf if numbers.negative_infinities else smallest,
            "max": np.inf if numbers.positive_infinities else largest,
            "stddev": sketch.stddev,
            "num_zeros": sketch.zeros,
            "num_nan": numbers.nan,
            "median": median,
            "percent_nan": 100 * numbers.nan / rows if rows else None,
            "percent_zeros": 100 * sketch.zeros / rows if rows else None,
        }

    def drift(self, baseline: Sketch) -> Row | None:
        """What the drift table has of numbers, or None if the baseline's column was of another kind."""
        if not isinstance(baseline, NumericSketch):
            return None
        bins, current_bins, distances = self._distances(baseline)
        deltas = _deltas(baseline, self.sketch)
        scaled = {"scaled_avg_delta": _scaled(deltas["avg_delta"], baseline.stddev)}
        return deltas | {"histogram": _histogram(baseline, bins, current_bins)} | distances | scaled

    def distances(self, baseline: Sketch) -> Row | None:
        """The part of :meth:`drift` that limits are held against, without a sketch of this column."""
        if not isinstance(baseline, NumericSketch):
            return None
        distances, finite = self._distances(baseline)[2], self.numbers.finite
        shift = float(finite.mean()) - baseline.mean if finite.size and baseline.mean is not None else None
        return distances | {"scaled_avg_delta": _scaled(shift, baseline.stddev)}

    def _distances(self, baseline: NumericSketch) -> tuple[Counts, Counts, Row]:
        with np.errstate(over="ignore", invalid="ignore"):
            before, now = baseline.histogram, self.numbers.over(baseline.histogram.grid)
            bins, current_bins = baseline.bins, baseline.binned(now)
            area = statistics.wasserstein(before, now)
        return (
            bins,
            current_bins,
            {
                "js_distance": statistics.js_distance(bins, current_bins),
                "ks_test": _significance(statistics.ks(before, now)),
                "wasserstein_distance": None if area is None else defined(area),
                "population_stability_index": statistics.psi(bins, current_bins),
                "scaled_wasserstein_distance": _scaled(area, baseline.stddev),
            },
        )


@dataclass(frozen=True, eq=False)
class CategoricalColumn:
    """A text or boolean column of a window; ``lengths`` are the shortest, longest and mean length of texts."""

    sketch: CategoricalSketch
    lengths: tuple[float, float, float] | None

    def profile(self) -> Row:
        """What the profile table has of categories."""
        commonest = list(self.sketch.counts.items())[:MOST_FREQUENT_ITEMS]
        shortest, longest, mean = self.lengths or (None, None, None)
        return _counted(self.sketch) | {
            "min_length": shortest,
            "max_length": longest,
            "avg_length": mean,
            "frequent_items": [{"item": item, "count": count} for item, count in commonest],
        }

    def drift(self, baseline: Sketch) -> Row | None:
        """What the drift table has of categories, or None if the baseline's column was of another kind."""
        if not isinstance(baseline, CategoricalSketch):
            return None
        before, now = baseline.shared_with(self.sketch)
        bins, current_bins = np.append(before, baseline.missing), np.append(now, self.sketch.missing)
        return _deltas(baseline, self.sketch) | {
            "histogram": _histogram(baseline, bins, current_bins),
            "js_distance": statistics.js_distance(bins, current_bins),
            "population_stability_index": statistics.psi(bins, current_bins),
            "chi_squared_test": _significance(statistics.chi_squared(before, now)),
            "tv_distance": statistics.tv_distance(before, now),
            "l_infinity_distance": statistics.l_infinity_distance(before, now),
        }

    def distances(self, baseline: Sketch) -> Row | None:
        """The same: there is nothing that could be left out."""
        return self.drift(baseline)


Column = NumericColumn | CategoricalColumn


def is_measured(kind: pa.DataType) -> bool:
    """Whether columns of this Arrow type are measured: numbers, texts and booleans are."""
    return _is_numeric(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def column_of(values: pa.ChunkedArray, steps: int = GRID_STEPS) -> Column:
    """The column with these values, of a type that :func:`is_measured`; numbers with so many ``steps`` of the grid."""
    if _is_numeric(values.type):
        with np.errstate(over="ignore", invalid="ignore"):
            return NumericColumn(Numbers.of(values), steps)
    tally = Tally.of(values)
    return CategoricalColumn(CategoricalSketch.of(tally), None if pa.types.is_boolean(values.type) else tally.lengths())


def columns_of(
    table: pa.Table, names: Sequence[str], steps: int = GRID_STEPS, threads: int | None = None
) -> dict[str, Column]:
    """Those of the columns that are measured, several at a time: NumPy's and Arrow's work lets other threads run.

    As many threads as there are cores unless ``threads`` says, but at most ``MOST_THREADS``.
    """
    measured = [name for name in names if is_measured(table.schema.field(name).type)]
    if table.num_rows * len(measured) <= FEW_VALUES:
        return {name: _sketched(column_of(table[name], steps)) for name in measured}
    with ThreadPoolExecutor(threads or min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        return dict(
            zip(measured, pool.map(lambda name: _sketched(column_of(table[name], steps)), measured), strict=True)
        )


def _sketched(column: Column) -> Column:
    """The column with its sketch computed, in this thread."""
    assert column.sketch is not None
    return column


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _counted(sketch: Sketch) -> Row:
    rows = sketch.rows
    return {
        "count": rows,
        "num_nulls": sketch.nulls,
        "distinct_count": sketch.distinct,
        "percent_null": 100 * sketch.nulls / rows if rows else None,
        "percent_distinct": 100 * sketch.distinct / rows if rows else None,
    }


def _deltas(baseline: Sketch, current: Sketch) -> Row:
    def difference(now: float | None, before: float | None) -> float | None:
        return None if now is None or before is None else now - before

    def percent(count: int | None, rows: int) -> float | None:
        return None if count is None or not rows else 100 * count / rows

    before, now = baseline.rows, current.rows
    return {
        "count_delta": now - before,
        "avg_delta": difference(current.mean, baseline.mean),
        "percent_null_delta": difference(percent(current.nulls, now), percent(baseline.nulls, before)),
        "percent_zeros_delta": difference(percent(current.zeros, now), percent(baseline.zeros, before)),
        "percent_distinct_delta": difference(percent(current.distinct, now), percent(baseline.distinct, before)),
    }


def _histogram(baseline: Sketch, before: Counts, now: Counts) -> list[Row]:
    rows = zip(baseline.bin_names, before.tolist(), now.tolist(), strict=True)
    return [{"bin": name, "baseline": of_baseline, "current": current} for name, of_baseline, current in rows]


def _scaled(distance: object, stddev: float | None) -> float | None:
    return defined(distance / stddev) if isinstance(distance, float) and stddev else None


def _significance(found: Significance | None) -> Row | None:
    return None if found is None else {"statistic": found.statistic, "pvalue": found.pvalue}
