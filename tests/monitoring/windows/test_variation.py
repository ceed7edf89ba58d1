"""What follows from how a baseline's windows varied, against numbers worked by hand and by SciPy."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.windows.bounds import Bounds
from monitoring.windows.variation import Variation, chance_of_alert

SIX = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_the_upper_bound_is_the_prediction_interval_of_one_more_value():
    # Mean 3.5, standard deviation sqrt(3.5) = 1.870829; t of 5 degrees of freedom exceeds 3.364930 with chance 0.01.
    expected = 3.5 + 3.364930 * 1.870829 * math.sqrt(1 + 1 / 6)
    assert Variation(SIX).upper(0.01) == pytest.approx(expected, abs=1e-5)
    assert Variation(SIX).lower(0.01) == pytest.approx(7.0 - expected, abs=1e-5)


def test_distances_are_treated_by_their_logarithm():
    logs = [math.log(value) for value in SIX]
    assert Variation(SIX, "positive").upper(0.01) == pytest.approx(math.exp(Variation(logs).upper(0.01)))
    assert Variation(SIX, "positive").lower(0.01) > 0


def test_a_share_that_was_always_zero_may_still_be_a_little_above_it():
    always_zero = Variation([0.0] * 10, "share", rows=1000)
    bound = always_zero.upper(0.001)
    # The arcsine of the root has a standard deviation of 1 / (2 sqrt(1000)) = 0.0158; t of 9 exceeds 4.297 with 0.001.
    assert bound == pytest.approx(math.sin(4.29681 * 0.0158114 * math.sqrt(1.1)) ** 2, rel=1e-4)
    assert always_zero.lower(0.001) == 0.0
    assert Variation([0.0] * 10, "share", rows=100_000).upper(0.001) < bound


def test_the_chance_of_the_learned_bound_is_the_chance_that_was_asked_for():
    for scale in ("plain", "positive", "share"):
        values = [0.1, 0.12, 0.09, 0.11, 0.1, 0.13, 0.12]
        varied = Variation(values, scale, rows=50)
        assert varied.chance_beyond(Bounds(high=varied.upper(0.01))) == pytest.approx(0.01)
        assert varied.chance_beyond(Bounds(low=varied.lower(0.02))) == pytest.approx(0.02)


def test_values_that_never_varied_are_never_or_always_beyond():
    still = Variation([2.0] * 6)
    assert still.chance_beyond(Bounds(high=2.0)) == 0.0
    assert still.chance_beyond(Bounds(high=1.9)) == 1.0
    assert still.chance_beyond(Bounds(low=2.1)) == 1.0


def test_normal_windows_are_beyond_as_often_as_was_asked_for():
    random, beyond, times = np.random.default_rng(7), 0, 4000
    for _ in range(times):
        *learned, new = random.normal(size=21).tolist()
        beyond += new > Variation(learned).upper(0.05)
    assert beyond / times == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / times))


def test_few_windows_teach_nothing():
    assert not Variation(SIX[:5]).is_known
    assert Variation(SIX).is_known


def test_an_alert_needs_this_window_and_enough_of_those_before_it():
    assert chance_of_alert(0.1, 1, 1) == 0.1
    # Two of three and the latest: 0.1 times the chance of at least one of two: 1 - 0.9^2.
    assert chance_of_alert(0.1, 2, 3) == pytest.approx(0.1 * 0.19)
    assert chance_of_alert(0.1, 3, 5) == pytest.approx(0.1 * binom.sf(1, 4, 0.1))


def test_bounds_say_which_of_them_was_crossed_or_is_nearest():
    bounds = Bounds(low=0.5, high=2.0)
    assert [bounds.crossed(value) for value in (0.4, 1.0, 2.5)] == [0.5, None, 2.0]
    assert [bounds.nearest(value) for value in (0.4, 0.6, 1.9, 2.5)] == [0.5, 0.5, 2.0, 2.0]


def test_no_share_is_larger_than_the_whole_or_less_than_nothing():
    share = Variation([0.9, 1.0, 0.8, 1.0, 0.95, 1.0], "share", rows=50)
    assert share.chance_beyond(Bounds(high=1.0)) == 0.0
    assert share.chance_beyond(Bounds(high=-0.1)) == 1.0
    assert share.chance_beyond(Bounds(low=-0.1)) == 0.0
