"""The drift statistics against numbers worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift import statistics
from monitoring.drift.columns import column_of
from monitoring.drift.numbers import Numbers
from monitoring.drift.statistics import Significance


def counts(*numbers):
    return np.array(numbers, dtype=np.int64)


def over(grid, values):
    """The histogram of ``values`` over ``grid``."""
    return Numbers.of(pa.chunked_array([pa.array(values, pa.float64())])).over(np.array(grid, dtype=np.float64))


def test_psi_of_a_hand_worked_pair():
    # Half a count in each bin: (60.5, 40.5) of 101 and (30.5, 70.5) of 101, so p = .5990, .4010 and q = .3020, .6980.
    # (q - p) ln(q / p) = (-.297030)(-.684917) + (.297030)(.554311) = .203441 + .164647 = .368088
    assert statistics.psi(counts(60, 40), counts(30, 70)) == pytest.approx(0.368088, abs=1e-6)


def test_psi_of_a_bin_empty_on_one_side_is_finite():
    # (10.5, 0.5) of 11 and (5.5, 5.5) of 11: p = .95455, .04545; q = .5, .5.
    # (-.45455)(ln .52381 = -.646627) + (.45455)(ln 11 = 2.397895) = .293921 + 1.089952 = 1.383874
    assert statistics.psi(counts(10, 0), counts(5, 5)) == pytest.approx(1.383874, abs=1e-6)


def test_psi_leaves_out_bins_empty_on_both_sides():
    assert statistics.psi(counts(60, 0, 40), counts(30, 0, 70)) == statistics.psi(counts(60, 40), counts(30, 70))


def test_js_distance_of_a_hand_worked_pair():
    # p = (1, 0), q = (1/2, 1/2), the middle is (3/4, 1/4).
    # KL(p, m) = log2(4/3) = .415037; KL(q, m) = log2(2/3) / 2 + log2(2) / 2 = -.292481 + .5 = .207519
    # The divergence is .311278, its root .557923.
    assert statistics.js_distance(counts(10, 0), counts(5, 5)) == pytest.approx(0.557923, abs=1e-6)


def test_js_distance_of_nothing_in_common_is_one_and_of_equal_shares_zero():
    assert statistics.js_distance(counts(3, 0), counts(0, 8)) == 1.0
    assert statistics.js_distance(counts(1, 3), counts(2, 6)) == 0.0


def test_chi_squared_of_a_hand_worked_table():
    # Rows (10, 20, 30) and (20, 20, 20): columns (30, 40, 50), each row half of 120, so expected (15, 20, 25) twice.
    # 2 (25/15 + 0 + 25/25) = 16/3; two degrees of freedom, so p = exp(-8/3) = .069483
    found = statistics.chi_squared(counts(10, 20, 30), counts(20, 20, 20))
    assert (found.statistic, found.pvalue) == (pytest.approx(16 / 3), pytest.approx(0.069483, abs=1e-6))


def test_chi_squared_with_one_category_left_finds_nothing():
    assert statistics.chi_squared(counts(7, 0), counts(9, 0)) == Significance(0.0, 1.0)


def test_distances_of_shares():
    # Shares (.5, .3, .2) and (.2, .3, .5): differences .3, 0, .3.
    assert statistics.tv_distance(counts(5, 3, 2), counts(2, 3, 5)) == pytest.approx(0.3)
    assert statistics.l_infinity_distance(counts(5, 3, 2), counts(2, 3, 5)) == pytest.approx(0.3)


def test_ks_of_a_hand_worked_pair():
    # F of (1, 2, 3, 4) and G of (3, 4, 5, 6): at 2, F = 1/2 and G = 0; nowhere more.
    # lambda = sqrt(16 / 8) / 2 = .707107; Q = 2 (e^-1 - e^-4 + e^-9 - ...) = 2 (.367879 - .018316 + .000123) = .699374
    grid = [1, 2, 3, 4]
    found = statistics.ks(over(grid, [1, 2, 3, 4]), over(grid, [3, 4, 5, 6]))
    assert (found.statistic, found.pvalue) == (0.5, pytest.approx(0.699374, abs=1e-6))


def test_wasserstein_of_values_beyond_the_grid_is_exact():
    # The same four values moved by 10: every grain of the earth travels 10.
    grid = [1, 2, 3, 4]
    assert statistics.wasserstein(over(grid, [1, 2, 3, 4]), over(grid, [11, 12, 13, 14])) == pytest.approx(10.0)


def test_wasserstein_of_a_hand_worked_pair():
    # F jumps at 0 and 10, G at 2 and 10: between 0 and 2 they differ by 1/2, elsewhere not: the area is 1.
    assert statistics.wasserstein(over([0, 10], [0, 10]), over([0, 10], [2, 10])) == pytest.approx(1.0)


def test_functions_that_cross_between_grid_values_understate_the_area_within_the_bound():
    # Baseline halves at 4 and 6 inside (0, 10), current all at 5: the area is 1/2 + 1/2 = 1, yet both means are 5.
    baseline, current = over([0, 10], [0, 4, 6, 10]), over([0, 10], [0, 5, 5, 10])
    assert statistics.wasserstein(baseline, current) == pytest.approx(0.0)
    # In the cell the difference lies between -1/2 and 1/2: at most 2 x (1/2 x 1/2) / 1 x 10 = 5.
    assert statistics.wasserstein_error_bound(baseline, current) == pytest.approx(5.0)


def test_ks_understates_a_gap_between_grid_values_within_the_bound():
    # At 4 and 5 the functions are 1/2 and 1/4, a gap of 1/4 that the grid's end points do not show.
    baseline, current = over([0, 10], [0, 4, 6, 10]), over([0, 10], [0, 5, 5, 10])
    assert statistics.ks(baseline, current).statistic == 0.0
    assert statistics.ks_error_bound(baseline, current) == pytest.approx(0.5)


def test_infinities_count_as_the_outermost_values():
    # A quarter went to minus infinity and a quarter to plus infinity: F and G differ by 1/4 below 1 and above 4.
    found = statistics.ks(over([1, 2, 3, 4], [1, 2, 3, 4]), over([1, 2, 3, 4], [-np.inf, 2, 3, np.inf]))
    assert found.statistic == 0.25


@pytest.mark.parametrize("sides", [(counts(0, 0), counts(1, 2)), (counts(1, 2), counts(0, 0))])
def test_nothing_to_compare_is_none(sides):
    named = [statistics.psi, statistics.js_distance, statistics.chi_squared, statistics.tv_distance]
    assert [statistic(*sides) for statistic in [*named, statistics.l_infinity_distance]] == [None] * 5


def test_no_values_on_one_side_is_none():
    assert statistics.ks(over([1.0], [1]), over([1.0], [None])) is None
    assert statistics.wasserstein(over([1.0], [1]), over([1.0], [np.inf])) is None
    assert column_of(pa.chunked_array([[None, None]], pa.float64())).sketch.histogram.missing == 2
