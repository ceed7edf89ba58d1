"""Sketches of difficult columns, and what is read back of them."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.columns import column_of, columns_of
from monitoring.drift.sketch import GRID_STEPS, MOST_CATEGORIES, CategoricalSketch, NumericSketch
from monitoring.drift.statistics import psi


def column(values, kind=None):
    kind = kind or pa.float64()
    return column_of(pa.chunked_array([pa.array(values, kind)], kind))


def drift(before, now, kind=None):
    return column(now, kind).drift(column(before, kind).sketch)


HARD_COLUMNS = {
    "nothing": [],
    "all nulls": [None, None],
    "one value": [7.0],
    "constant": [7.0] * 50,
    "not a number": [1.0, math.nan, None],
    "infinities": [-math.inf, 1.0, 2.0, math.inf],
    "only infinities": [math.inf],
    "very large": [1.7e308, 1.7e308, -1.7e308],
    "very small": [5e-324, 0.0, -5e-324],
}


@pytest.mark.parametrize("before", HARD_COLUMNS.values(), ids=HARD_COLUMNS)
@pytest.mark.parametrize("now", HARD_COLUMNS.values(), ids=HARD_COLUMNS)
def test_any_column_can_be_compared_with_any_other(before, now):
    found = drift(before, now)
    numbers = [value for value in found.values() if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert found["count_delta"] == len(now) - len(before)
    if before and before == now:
        assert found["population_stability_index"] == 0.0


@pytest.mark.parametrize("values", HARD_COLUMNS.values(), ids=HARD_COLUMNS)
def test_a_sketch_read_back_is_the_same(values):
    sketch = column(values).sketch
    text = json.dumps(sketch.to_json(), allow_nan=False)
    assert NumericSketch.from_json(json.loads(text)).to_json() == sketch.to_json()


def test_a_constant_that_moves_either_way_is_seen():
    # The constant is a bin of its own: 10 of 10 in it before, all below or above it now.
    # p = 10.5/11, .5/11 and q = .5/11, 10.5/11: twice (10/11) ln 21 = 5.535495
    for moved in (6.0, 8.0):
        assert drift([7.0] * 10, [moved] * 10)["population_stability_index"] == pytest.approx(5.535495, abs=1e-6)


def test_nulls_are_a_bin_of_their_own_and_nan_with_them():
    sketch = column([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, None]).sketch
    now = column([1.0, None, math.nan, None])
    assert sketch.binned(sketch.histogram).tolist() == [1] * 10 + [1]
    assert sketch.binned(now.numbers.over(sketch.histogram.grid)).tolist() == [1] + [0] * 9 + [3]


def test_bins_end_with_a_decile_and_begin_above_the_one_before():
    sketch = column(range(1, 101)).sketch
    assert sketch.binned(sketch.histogram).tolist() == [10] * 10 + [0]
    now = column([10, 11, 90, 91, 1000, -5])
    assert sketch.binned(now.numbers.over(sketch.histogram.grid)).tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0]


def test_a_mostly_zero_column_has_its_zero_in_a_bin_of_its_own():
    sketch = column([0.0] * 80 + [1.0] * 10 + [2.0] * 10).sketch
    assert sketch.binned(sketch.histogram).tolist() == [0, 80, 10, 10, 0]


def test_less_than_a_thousandth_lies_between_neighbours_of_the_grid():
    values = np.random.default_rng(7).lognormal(0, 3, 123_457)
    sketch = column(values).sketch
    between = sketch.histogram.counts[0::2]
    assert between.max() < values.size / GRID_STEPS
    assert between[0] == between[-1] == 0


def test_the_order_of_rows_does_not_matter():
    values = np.random.default_rng(7).normal(size=10_000)
    assert column(values).profile() == column(values[::-1]).profile()


def test_rare_and_new_categories_are_pooled():
    before = column(["a"] * 600 + ["b"] * 397 + ["c"] * 3, pa.string()).sketch
    now = column(["a"] * 5 + ["c"] * 2 + ["new"] * 3 + [None], pa.string()).sketch
    p, q = before.shared_with(now)
    assert (p.tolist(), q.tolist()) == ([600, 397, 3], [5, 0, 5])


def test_a_new_category_alone_is_seen():
    found = drift(["a", "b"] * 50, ["new"] * 10, pa.string())
    assert (found["tv_distance"], found["l_infinity_distance"], found["js_distance"]) == (1.0, 1.0, 1.0)
    assert found["population_stability_index"] == pytest.approx(psi(np.array([50, 50, 0]), np.array([0, 0, 10])))


def test_categories_with_equal_counts_come_in_the_order_of_their_characters():
    sketch = column(["é", "b", "😀", "b", None, "Z", "￿"], pa.string()).sketch
    assert list(sketch.counts.items()) == [("b", 2), ("Z", 1), ("é", 1), ("￿", 1), ("😀", 1)]


@pytest.mark.parametrize("size", [65_536, 65_537, 300_000])
def test_the_spread_of_a_long_column_is_numpys_to_the_last_bit(size):
    values = np.random.default_rng(7).lognormal(size=size)
    assert column(values).sketch.stddev == np.sort(values).std(ddof=1)


@pytest.mark.parametrize("threads", [1, 3])
def test_several_columns_at_a_time_are_what_each_is_alone(threads):
    random = np.random.default_rng(7)
    arrays = {f"number {i}": pa.array(random.normal(size=5000), mask=random.random(5000) < 0.1) for i in range(6)}
    arrays |= {"text": pa.array(random.choice(["a", "b"], 5000)), "moment": pa.array([0] * 5000, pa.timestamp("us"))}
    table = pa.table(arrays)
    found = columns_of(table, table.column_names, threads=threads)
    assert list(found) == [name for name in arrays if name != "moment"]
    for name, several in found.items():
        alone = column_of(table[name])
        assert (several.sketch.to_json(), several.profile()) == (alone.sketch.to_json(), alone.profile())


def test_arrows_own_memory_stays_as_it_is():
    values = pa.chunked_array([pa.array([3.0, 1.0, 2.0])])
    column_of(values)
    assert values.to_pylist() == [3.0, 1.0, 2.0]


def test_only_the_commonest_categories_are_kept():
    values = [f"id-{i:05}" for i in range(MOST_CATEGORIES + 5)]
    sketch = column([*values, "id-00007"], pa.string()).sketch
    assert (len(sketch.counts), sketch.others, sketch.distinct) == (MOST_CATEGORIES, 5, MOST_CATEGORIES + 5)
    assert next(iter(sketch.counts)) == "id-00007"
    assert CategoricalSketch.from_json(json.loads(json.dumps(sketch.to_json()))) == sketch


def test_booleans_are_categories():
    found = column([True, True, False, None], pa.bool_()).profile()
    assert found["frequent_items"] == [{"item": "true", "count": 2}, {"item": "false", "count": 1}]
    assert (found["num_nulls"], found["avg_length"]) == (1, None)


def test_the_profile_of_texts_has_lengths():
    found = column(["", "ab", "äöü", None], pa.string()).profile()
    assert (found["min_length"], found["max_length"], found["avg_length"]) == (0.0, 3.0, pytest.approx(5 / 3))
    assert (found["percent_null"], found["percent_distinct"], found["distinct_count"]) == (25.0, 75.0, 3)


def test_a_column_that_changed_its_kind_is_not_compared():
    numbers, texts = column([1.0]), column(["1"], pa.string())
    assert (numbers.drift(texts.sketch), texts.drift(numbers.sketch)) == (None, None)


def test_integers_and_decimals_are_numbers():
    assert column([1, 2, 3], pa.int32()).profile()["avg"] == 2.0
    assert column([1, 2, 3], pa.decimal128(10, 2)).profile()["max"] == 3.0
