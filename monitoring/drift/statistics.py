"""Drift statistics: each a pure function of two histograms, with its definition beside it.

Counts are one-dimensional arrays over the same bins or categories, the baseline's first. A statistic is None where it
is not defined: one side has no values. A :class:`Histogram` is finer: it counts a numeric column over a grid of
the baseline's quantiles, and what is computed from it carries an error bound (:func:`ks_error_bound`,
:func:`wasserstein_error_bound`); the ten bins of the population stability index are exact sums of its cells.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Significance:
    """A test's statistic and the chance of one at least as large if nothing had changed."""

    statistic: float
    pvalue: float


@dataclass(frozen=True, eq=False)
class Histogram:
    """A numeric column counted over a ``grid`` of K increasing values.

    The 2K + 1 cells alternate: below the first grid value, equal to it, between it and the second, ..., above the
    last. ``counts`` and ``sums`` (of the values) are per cell and hold finite values; infinities are counted apart,
    and ``missing`` holds nulls and NaN.
    """

    grid: Floats
    counts: Counts
    sums: Floats
    negative_infinities: int = 0
    positive_infinities: int = 0
    missing: int = 0

    @cached_property
    def cells(self) -> Counts:
        """The counts with the infinities in the outermost cells."""
        cells = self.counts.copy()
        cells[0] += self.negative_infinities
        cells[-1] += self.positive_infinities
        return cells

    @cached_property
    def rows(self) -> int:
        """How many values are counted, infinities included."""
        return int(self.cells.sum())

    @cached_property
    def distribution(self) -> Floats:
        """The distribution function after each cell."""
        return np.asarray(np.cumsum(self.cells) / self.rows, dtype=np.float64)

    @cached_property
    def finite_distribution(self) -> Floats:
        """The distribution function of the finite values after each cell."""
        return np.asarray(np.cumsum(self.counts) / self.counts.sum(), dtype=np.float64)

    @cached_property
    def areas(self) -> Floats:
        """The area under the distribution function in each open cell; in the last one, minus the area above it."""
        n = self.counts.sum()
        inside, sums = self.counts[0::2], self.sums[0::2]
        grid, widths = self.grid, np.diff(self.grid)
        first = (inside[0] * grid[0] - sums[0]) / n
        between = self.finite_distribution[1:-2:2] * widths + (inside[1:-1] * grid[1:] - sums[1:-1]) / n
        last = -(sums[-1] - inside[-1] * grid[-1]) / n
        return np.concatenate([[first], between, [last]])


# ---- statistics of counts over the same bins


def psi(baseline: Counts, current: Counts) -> float | None:
    """Population stability index: the sum of (q - p) ln(q / p) over the bins, p the baseline's and q the current share.

    Half a count is added to each bin, so that an empty one does not make the sum infinite; bins empty on both sides
    are left out. Siddiqi, Credit Risk Scorecards (2006); below 0.1 is commonly read as stable, above 0.25 as shifted.
    """
    if not baseline.sum() or not current.sum():
        return None
    used = (baseline + current) > 0
    p, q = (baseline[used] + 0.5) / (baseline[used] + 0.5).sum(), (current[used] + 0.5) / (current[used] + 0.5).sum()
    return float(np.sum((q - p) * np.log(q / p)))


def js_distance(baseline: Counts, current: Counts) -> float | None:
    """Jensen-Shannon distance: the root of the divergence in base 2, between 0 (equal) and 1 (nothing in common).

    Lin, Divergence Measures Based on the Shannon Entropy (1991); Endres and Schindelin (2003) for the root.
    """
    if not baseline.sum() or not current.sum():
        return None
    p, q = baseline / baseline.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (_entropy(p, middle) + _entropy(q, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _entropy(p: Floats, q: Floats) -> float:
    positive = p > 0
    return float(np.sum(p[positive] * np.log2(p[positive] / q[positive])))


def chi_squared(baseline: Counts, current: Counts) -> Significance | None:
    """Pearson's test that both samples come from one distribution over the categories (a 2 x K table, uncorrected).

    Categories empty on both sides are left out; with a single category left, nothing can differ: statistic 0, p 1.
    """
    if not baseline.sum() or not current.sum():
        return None
    observed = np.stack([baseline, current])[:, (baseline + current) > 0].astype(np.float64)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    statistic = float(np.sum((observed - expected) ** 2 / expected))
    freedom = observed.shape[1] - 1
    return Significance(statistic, float(chdtrc(freedom, statistic)) if freedom else 1.0)


def tv_distance(baseline: Counts, current: Counts) -> float | None:
    """Total variation distance: half the sum of the shares' absolute differences, between 0 and 1."""
    if not baseline.sum() or not current.sum():
        return None
    return float(np.abs(baseline / baseline.sum() - current / current.sum()).sum() / 2)


def l_infinity_distance(baseline: Counts, current: Counts) -> float | None:
    """The largest absolute difference of a category's share, between 0 and 1."""
    if not baseline.sum() or not current.sum():
        return None
    return float(np.abs(baseline / baseline.sum() - current / current.sum()).max())


# ---- statistics of fine histograms over the same grid


def ks(baseline: Histogram, current: Histogram) -> Significance | None:
    """Two-sample Kolmogorov-Smirnov test: the largest gap of the two distribution functions, and its p-value.

    The p-value is Kolmogorov's limit Q(sqrt(nm / (n + m)) D). The gap is looked for at the grid values and just below
    them: it is never too large, and too small by at most :func:`ks_error_bound`.
    """
    n, m = baseline.rows, current.rows
    if not n or not m:
        return None
    gap = float(np.abs(current.distribution - baseline.distribution).max())
    return Significance(gap, float(kolmogorov(np.sqrt(n * m / (n + m)) * gap)))


def ks_error_bound(baseline: Histogram, current: Histogram) -> float:
    """By how much :func:`ks` may understate the gap: at most the largest share of the baseline between grid values."""
    lowest, highest = _gaps_within(baseline.distribution, current.distribution)
    found = ks(baseline, current)
    return float(max(np.max(highest), np.max(-lowest)) - found.statistic) if found else 0.0


def wasserstein(baseline: Histogram, current: Histogram) -> float | None:
    """Wasserstein (earth mover's) distance: the area between the two distribution functions, in the column's unit.

    Over finite values. Within a cell the area between the functions is exact as long as they do not cross there,
    since the sums of the values are known; crossings make it too small by at most :func:`wasserstein_error_bound`.
    """
    n, m = int(baseline.counts.sum()), int(current.counts.sum())
    if not n or not m or not baseline.grid.size:
        return None
    return float(np.abs(current.areas - baseline.areas).sum())


def wasserstein_error_bound(baseline: Histogram, current: Histogram) -> float:
    """By how much :func:`wasserstein` may understate the area, where the baseline has no values outside the grid."""
    lowest, highest = _gaps_within(baseline.finite_distribution, current.finite_distribution)
    lowest, highest = np.minimum(lowest[1:-1], 0.0), np.maximum(highest[1:-1], 0.0)
    crossing = np.divide(-lowest * highest, highest - lowest, out=np.zeros_like(lowest), where=highest > lowest)
    return float(np.sum(2 * crossing * np.diff(baseline.grid)))


def _gaps_within(baseline: Floats, current: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest that current minus baseline can be inside each open cell, whatever lies there."""
    start_baseline, start_current = (np.concatenate([[0.0], f[1::2]]) for f in (baseline, current))
    end_baseline, end_current = baseline[0::2], current[0::2]
    return start_current - end_baseline, end_current - start_baseline
