"""What a baseline learns besides sketches: the predictions by bin, and how its own windows varied."""

import pyarrow as pa
import pytest

from monitoring.drift.baseline import Baseline, Mix
from monitoring.drift.learning import HELD_OUT, LABEL, WINDOW, Asked, LearnedRows, learn
from monitoring.drift.rows import slice_column


def learned(table, *, columns=("depot", "prediction"), minimum_rows=1, slices=(), kind="binary"):
    asked = Asked(list(columns), "1 week", minimum_rows, slices=slices, kind=kind)
    rows = LearnedRows(table.num_rows, table.column_names, lambda names: table, slices)
    return learn(rows, asked, "1")


def parcels(depots, predictions, weeks, *, held_out=None, labels=None):
    columns = {
        "depot": pa.chunked_array([pa.array(depots, pa.string())]),
        "prediction": pa.chunked_array([pa.array(predictions, pa.float64())]),
        WINDOW: pa.chunked_array([pa.array(weeks, pa.int64())]),
        HELD_OUT: pa.chunked_array([pa.array(held_out or [True] * len(depots))]),
        LABEL: pa.chunked_array([pa.array(labels or [i % 2 == 0 for i in range(len(depots))])]),
    }
    return pa.table(columns)


def test_a_columns_new_shares_explain_a_part_of_the_predictions_shift():
    # North 3 of 4 at a mean of 0.2, south 1 of 4 at 0.8.
    found = learned(parcels(["north"] * 3 + ["south"], [0.1, 0.2, 0.3, 0.8], [0] * 4)).mixes["depot"]
    assert list(zip(found.shares, found.means, strict=True))[:2] == [(0.75, pytest.approx(0.2)), (0.25, 0.8)]
    # Half and half now: (0.5 - 0.75) x 0.2 + (0.5 - 0.25) x 0.8 = 0.15.
    assert found.explained([2, 2, 0, 0]) == pytest.approx(0.15)
    # A bin that the baseline never had predictions in counts as their mean, 0.35: all of it there moves nothing.
    assert found.explained([0, 0, 7, 0]) == pytest.approx(0.0)
    assert found.explained([0, 0, 0, 0]) is None


def test_only_rows_held_out_say_what_predictions_are_like():
    table = parcels(["north", "north", "south"], [0.9, 0.1, 0.3], [0] * 3, held_out=[False, True, True])
    found = learned(table)
    assert found.mixes["depot"].means[:2] == [pytest.approx(0.1), pytest.approx(0.3)]
    assert found.whole.columns["prediction"].rows == 2


def test_each_window_but_the_first_and_the_last_varies_from_the_whole():
    depots = ["north", "south"] * 4 + ["north"] * 4
    found = learned(parcels(depots, [0.5] * 12, [1] * 4 + [2] * 4 + [3] * 2 + [4] * 2))
    varied = found.whole.variation["depot"]
    assert len(varied["psi"]) == 2
    assert varied["null_rate"] == [0.0, 0.0]
    assert found.whole.variation[":table"]["rows"] == [4.0, 2.0]


def test_windows_with_few_rows_teach_nothing():
    found = learned(parcels(["north"] * 9, [0.5] * 9, [1, 2, 2, 2, 3, 4, 4, 4, 5]), minimum_rows=3)
    assert found.whole.variation[":table"]["rows"] == [3.0, 3.0]


def test_quality_varies_by_the_rows_held_out():
    table = parcels(["n"] * 8, [0.9, 0.1] * 4, [0, 0, 1, 1, 2, 2, 3, 3])
    assert learned(table).whole.variation[":table"]["roc_auc"] == [1.0, 1.0]


def test_a_slice_is_a_baseline_of_its_own():
    table = parcels(["north", "north", "south"], [0.1, 0.2, 0.9], [0] * 3)
    table = table.append_column(slice_column(0), table["depot"])
    found = learned(table, slices=["depot"])
    north, south = found.part(("depot", "north")), found.part(("depot", "south"))
    assert (north.rows, north.columns["prediction"].mean) == (2, pytest.approx(0.15))
    assert (south.rows, south.columns["prediction"].mean) == (1, 0.9)
    assert found.part(("depot", "west")) is None
    assert Baseline.from_json(found.to_json()).to_json() == found.to_json()


def test_a_baseline_without_predictions_has_no_mixes():
    table = parcels(["north"], [0.5], [0]).drop_columns(["prediction", HELD_OUT, LABEL])
    assert learned(table, columns=["depot"], kind=None).mixes == {}
    assert Mix([], []).explained([]) is None
