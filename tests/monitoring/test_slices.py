"""Slices, measures of the monitor's own, patterns and learned limits, checked end to end."""

import json
from dataclasses import replace

import pytest

from feature_store import Misuse
from monitoring.alerts.checking import check
from monitoring.limits import Automatic, NullRate, Psi
from monitoring.table_limits import Custom, Quality
from monitoring.windows.metrics import TABLE
from tests.frames import assert_df_equality

CALM, HEAVY = [1.0, 2.0, 3.0, 4.0] * 25, [31.0, 32.0, 33.0, 34.0] * 25


def by_depot(parcels, limits, **others):
    return parcels.monitor(limits, slices=["depot"], **others)


@pytest.fixture
def two_depots(parcels):
    """A week in which only the parcels of the south got heavy."""
    parcels.learn(CALM)
    parcels.learn(CALM, depot="south")
    parcels.score_depots(0, {"north": CALM, "south": HEAVY})
    return parcels


def test_a_limit_by_slice_opens_an_alert_for_the_slice_that_drifted(two_depots, spark):
    monitor = by_depot(two_depots, {"load": [Psi(0.25, by="depot"), Psi(9.0)]}, measures={"mean_load": "avg(load)"})
    checked = check(two_depots.store, monitor, as_of=two_depots.week(1))
    [alert] = checked.verdict.alerts
    assert (alert.what, alert.status) == ("load psi where depot = south", "open")
    found = two_depots.store.tables.read("parcel_scores_profile_metrics").where("column_name in ('load', ':table')")
    found = found.selectExpr(
        "column_name", "slice_key", "slice_value", "count", "avg", "custom_metrics['mean_load'] as own"
    )
    expected = [
        (":table", None, None, 200, None, 17.5), (":table", "depot", "north", 100, None, 2.5),
        (":table", "depot", "south", 100, None, 32.5), ("load", None, None, 200, 17.5, None),
        ("load", "depot", "north", 100, 2.5, None), ("load", "depot", "south", 100, 32.5, None),
    ]  # fmt: skip
    assert_df_equality(found, spark.createDataFrame(expected, found.schema), ignore_row_order=True)
    assert check(two_depots.store, monitor, as_of=two_depots.week(1)).measured == []


def test_the_evidence_names_the_slice_in_which_the_drift_is_concentrated(two_depots):
    checked = check(two_depots.store, by_depot(two_depots, {"load": Psi(0.25)}), as_of=two_depots.week(1))
    [alert] = checked.verdict.alerts
    [first, second] = json.loads(alert.evidence)["concentrated"]
    assert (first["slice"], first["rows"], second["slice"]) == ("depot = south", 0.5, "depot = north")
    assert first["value"] > 5 > 0.1 > second["value"]


def test_other_slices_are_measured_without_being_told(two_depots):
    check(two_depots.store, two_depots.monitor(), as_of=two_depots.week(1))
    again = check(two_depots.store, by_depot(two_depots, {"load": Psi(9.0)}), as_of=two_depots.week(1))
    assert [found.window for found in again.measured] == [two_depots.window(0)]


def test_a_measure_of_ones_own_is_limited_like_any_other(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    own = {TABLE: Custom("share_heavy", at_most=0.5)}
    monitor = replace(parcels.monitor(), limits=own, measures={"share_heavy": "avg(CAST(load > 30 AS DOUBLE))"})
    [alert] = check(parcels.store, monitor, as_of=parcels.week(1)).verdict.alerts
    assert (alert.what, alert.value, alert.limit) == (":table share_heavy", 1.0, 0.5)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"slices": ["depo"]}, r"the slice 'depo' cannot be computed: .*depo"),
        ({"measures": {"heavy": "avg(laod)"}}, r"one of the measures .* cannot be computed: .*laod"),
    ],
)
def test_an_expression_that_cannot_be_computed_is_told_and_nothing_is_written(parcels, own, told):
    parcels.score(0, CALM)
    with pytest.raises(Misuse, match=told):
        check(parcels.store, replace(parcels.monitor(), **own), as_of=parcels.week(1))
    assert "parcel_scores_profile_metrics" not in parcels.store.tables.names()


def test_a_pattern_stands_for_all_columns_without_a_limit_of_their_own(parcels):
    monitor = parcels.monitor({"load": Psi(0.9), "*": [Psi(0.1), NullRate(0.2)]})
    found = [(column, str(limit)) for column, limit in monitor.limits_on(["depot", "load"])]
    assert found == [
        ("load", "psi at most 0.9"), ("depot", "psi at most 0.1"), ("depot", "null_rate at most 0.2"),
        ("load", "null_rate at most 0.2"),
    ]  # fmt: skip


def test_a_limit_learned_from_the_baselines_weeks_knows_what_is_usual(parcels):
    parcels.learn_weeks([[1.0, 2.0, 3.0, 4.0] * 25] * 10)
    parcels.score(0, [1.0, 2.0, 3.0, 4.0] * 25, [1.0, 2.0, None, None] * 25)
    monitor = parcels.monitor({"load": NullRate(Automatic(0.001))})
    checked = check(parcels.store, monitor, as_of=parcels.week(2))
    [alert] = checked.verdict.alerts
    # Eight whole weeks of 100 rows without a null: sin(t(0.001; 7) x 0.05 x sqrt(9 / 8)) ^ 2 with t = 4.785290.
    assert (alert.value, alert.limit) == (0.5, pytest.approx(0.0631, abs=1e-4))
    [honest] = checked.honesty
    assert (honest.chance, honest.a_year) == (pytest.approx(0.001), pytest.approx(0.0522, abs=1e-4))


def test_a_limit_that_cannot_be_learned_is_not_judged(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    checked = check(parcels.store, parcels.monitor({"load": Psi(Automatic())}), as_of=parcels.week(1))
    assert checked.verdict.alerts == []
    assert [(honest.bounds, honest.chance) for honest in checked.honesty] == [(None, None)]


def test_limits_that_contradict_the_monitor_are_refused(parcels):
    for limits, told in [
        ({"load": Psi(0.1, by="depot")}, r"by 'depot', which is not among its slices"),
        ({TABLE: Custom("heavy", at_most=1.0)}, r"it has no measure 'heavy'"),
        ({TABLE: [Quality("roc_auc", at_least=0.7)], "load": [Psi(0.1), Psi(0.2)]}, r"two limits for the same measure"),
    ]:
        with pytest.raises(Misuse, match=told):
            parcels.monitor(limits)
    with pytest.raises(Misuse, match="above 0, below 0.5"):
        Automatic(0.5)
