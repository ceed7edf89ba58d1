"""Columns, labels and windows that are not what they should be: each is told, nothing is lost, the rest is judged."""

import math

import deltalake
import pytest

from monitoring.alerts.checking import check
from monitoring.limits import Automatic, Ks, MeanShift, NullRate, Psi
from monitoring.table_limits import Quality
from monitoring.windows.metrics import TABLE

CALM, HEAVY = [1.0, 2.0, 3.0, 4.0] * 25, [31.0, 32.0, 33.0, 34.0] * 25
INFINITY = math.inf


def measured(parcels, loads, *, baseline=CALM, limits=None):
    """The check of one week with these loads, and the metrics of ``load``."""
    parcels.learn(baseline)
    parcels.score(0, loads)
    checked = check(parcels.store, parcels.monitor(limits or {"load": Psi(0.25)}), as_of=parcels.week(1))
    return checked, checked.metrics[parcels.window(0)].whole["load"]


def test_a_single_window_is_compared_with_the_baseline_alone(parcels):
    checked, load = measured(parcels, CALM)
    assert (load.psi, checked.verdict.alerts) == (0.0, [])
    drift = parcels.store.tables.read("parcel_scores_drift_metrics")
    assert [row[0] for row in drift.select("drift_type").distinct().collect()] == ["BASELINE"]


@pytest.mark.parametrize(
    ("loads", "baseline", "drifts"),
    [
        ([5.0] * 100, [5.0] * 100, False),
        ([6.0] * 100, [5.0] * 100, True),
        ([None] * 100, CALM, True),
        ([None] * 100, [None] * 100, False),
        (CALM, [None] * 100, True),
        ([INFINITY] * 50 + CALM[:50], CALM, True),
        ([INFINITY, -INFINITY] * 50, [INFINITY, -INFINITY] * 50, False),
        ([math.nan] * 100, CALM, True),
        ([1e308, -1e308] * 50, CALM, True),
    ],
    ids=[
        "constant as ever", "another constant", "nulls only", "nulls as ever", "values at last", "half infinite",
        "infinite as ever", "not a number", "larger than sums can be",
    ],
)  # fmt: skip
def test_a_column_of_any_values_has_an_index_that_tells_whether_it_drifted(parcels, loads, baseline, drifts):
    checked, load = measured(parcels, loads, baseline=baseline)
    assert math.isfinite(load.psi)
    assert [alert.column_name for alert in checked.verdict.alerts] == ["load"] * drifts


def test_a_constant_baseline_has_no_spread_to_scale_by_and_that_is_told(parcels):
    checked, load = measured(parcels, [6.0] * 100, baseline=[5.0] * 100, limits={"load": [MeanShift(1.0), Psi(0.25)]})
    assert load.scaled_mean_shift is None
    assert (
        "Not judged in the newest window: load scaled_mean_shift (the baseline has no values like these)."
        in checked.notes
    )
    assert [alert.metric for alert in checked.verdict.alerts] == ["psi"]


def test_a_column_that_is_of_another_kind_than_it_was_is_told_and_the_others_are_judged(parcels):
    schema = "depot string, decided_at timestamp, load string, is_late boolean, prediction double, split string, model_version string"
    parcels.learn_rows(schema, [("north", parcels.week(-9), "light", True, 0.8, "train", "1")] * 9)
    parcels.score(0, HEAVY, depot="south")
    limits = {"load": Psi(0.25), "depot": Psi(0.25)}
    checked = check(parcels.store, parcels.monitor(limits), as_of=parcels.week(1))
    assert "Not judged in the newest window: load psi (the baseline has no values like these)." in checked.notes
    assert [alert.column_name for alert in checked.verdict.alerts] == ["depot"]


def rewritten(parcels, change):
    """Somebody writes the score table anew, with the columns that ``change`` makes of the old ones."""
    tables = parcels.store.tables
    deltalake.write_deltalake(
        tables.path("parcel_scores"), change(tables.open("parcel_scores").to_pyarrow_table()), mode="overwrite",
        schema_mode="overwrite",
    )  # fmt: skip


def test_a_limit_on_a_column_that_vanished_is_told_its_alert_is_corrected_and_the_others_are_judged(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    monitor = parcels.monitor({"load": Psi(0.25), "depot": Psi(0.25)})
    assert [one.column_name for one in check(parcels.store, monitor, as_of=parcels.week(1)).verdict.alerts] == ["load"]
    parcels.score(1, CALM, depot="south")
    rewritten(parcels, lambda scores: scores.drop_columns(["load"]))
    checked = check(parcels.store, monitor, as_of=parcels.week(2))
    assert checked.notes[-1] == (
        "Monitor 'parcels' has a limit on 'load', which is not among the measured columns of parcel_scores: it is not "
        "judged. There are: depot, prediction."
    )
    assert [(one.column_name, one.status) for one in checked.verdict.alerts] == [
        ("load", "recovered"),
        ("depot", "open"),
    ]
    [over] = [event for event in checked.verdict.events if event.kind == "recovered"]
    assert over.comment == "labels, scores or limits have changed since"


def test_a_column_whose_type_changed_is_told_and_the_others_are_judged(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM)
    monitor = parcels.monitor({"load": Psi(0.25), "depot": Psi(0.25)})
    assert check(parcels.store, monitor, as_of=parcels.week(1)).verdict.alerts == []
    parcels.score(1, CALM, depot="south")
    rewritten(parcels, lambda scores: scores.set_column(3, "load", scores["load"].cast("string")))
    checked = check(parcels.store, monitor, as_of=parcels.week(2))
    assert "Not judged in the newest window: load psi (the baseline has no values like these)." in checked.notes
    assert [alert.column_name for alert in checked.verdict.alerts] == ["depot"]


def test_a_limit_for_numbers_on_a_text_is_told_with_what_to_write(parcels):
    checked, _ = measured(parcels, CALM, limits={"depot": Ks(0.1)})
    assert checked.notes[1] == (
        "Monitor 'parcels': 'ks at most 0.1' cannot be judged of 'depot', which is string. Write Psi or Js."
    )


def test_a_pattern_that_matches_nothing_is_told(parcels):
    checked, _ = measured(parcels, CALM, limits={"wether_*": NullRate(0.1)})
    assert checked.notes[1] == "Monitor 'parcels' has limits on 'wether_*', which matches no column without its own."


def test_labels_that_never_arrive_are_told_and_drift_is_judged_all_the_same(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM, CALM, HEAVY)
    parcels.arrive(7, [True], arrived_at=parcels.week(1))
    limits = {TABLE: Quality("roc_auc", at_least=0.7, minimum_labels=1), "load": Psi(0.25)}
    checked = check(parcels.store, parcels.monitor(limits), as_of=parcels.week(3))
    assert "No label is known of the last 3 windows." in checked.notes
    assert [alert.column_name for alert in checked.verdict.alerts] == ["load"]


def test_a_limit_that_too_few_windows_teach_is_told(parcels):
    checked, _ = measured(parcels, CALM, limits={"load": Psi(Automatic())})
    assert checked.notes[-1] == (
        "Not judged in the newest window: load psi (the baseline has too few windows to learn from)."
    )


def test_windows_with_too_few_rows_only_are_told(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM)
    checked = check(parcels.store, parcels.monitor(minimum_rows=101), as_of=parcels.week(1))
    assert checked.notes[-1] == "No window has enough rows to be judged."
