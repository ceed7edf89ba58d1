"""``check-drift`` on real Delta tables."""

from datetime import timedelta

import pytest

from monitoring.alerts.checking import check
from monitoring.limits import MeanShift, NullRate, Patience, Psi, Severity
from monitoring.spec import Retraining
from monitoring.table_limits import Quality
from tests.frames import assert_df_equality

CALM = [1.0, 2.0, 3.0, 4.0] * 25
HEAVY = [31.0, 32.0, 33.0, 34.0] * 25


def versions(store):
    return {name: store.tables.version(name) for name in store.tables.names()}


def test_a_score_table_that_does_not_exist_is_said_and_nothing_is_written(parcels):
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(1))
    assert checked.notes == ["There is no score table parcel_scores yet; score-batch writes it."]
    assert parcels.store.tables.names() == []


def test_a_window_that_is_not_complete_is_not_measured(parcels):
    parcels.score(0, CALM)
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(1) - timedelta(microseconds=1))
    assert checked.measured == []
    assert "no scores in a window that is complete by" in checked.notes[-1]
    assert "parcel_scores_profile_metrics" not in parcels.store.tables.names()


def test_a_limit_on_an_unknown_column_is_told_and_the_others_are_judged(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    checked = check(parcels.store, parcels.monitor({"laod": Psi(0.1), "load": Psi(0.1)}), as_of=parcels.week(1))
    assert checked.notes[-1] == (
        "Monitor 'parcels' has a limit on 'laod', which is not among the measured columns of parcel_scores: it is not "
        "judged. Did you mean load? There are: depot, load, prediction."
    )
    assert [alert.column_name for alert in checked.verdict.alerts] == ["load"]


def test_drift_against_the_training_set_and_the_week_before(parcels, spark):
    parcels.learn(CALM)
    parcels.score(0, CALM, HEAVY)
    check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    drift = parcels.store.tables.read("parcel_scores_drift_metrics").where("column_name = 'load'")
    found = drift.selectExpr(
        "window.start", "drift_type", "window_cmp.start as compared", "count_delta", "avg_delta", "ks_test.statistic as ks",
        "wasserstein_distance", "round(js_distance, 6) as js", "tv_distance",
    )  # fmt: skip
    w0, w1 = parcels.week(0), parcels.week(1)
    expected = spark.createDataFrame(
        [
            (w0, "BASELINE", None, 0, 0.0, 0.0, 0.0, 0.0, None),
            (w1, "BASELINE", None, 0, 30.0, 1.0, 30.0, 1.0, None),
            (w1, "CONSECUTIVE", w0, 0, 30.0, 1.0, 30.0, 1.0, None),
        ],
        found.schema,
    )
    assert_df_equality(found, expected, ignore_row_order=True)


def test_checking_twice_changes_no_table(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM, HEAVY)
    first = check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    before = versions(parcels.store)
    second = check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    assert versions(parcels.store) == before
    assert (second.measured, second.verdict.events) == ([], [])
    assert second.verdict.alerts == first.verdict.alerts
    assert second.verdict.news == first.verdict.news


def test_a_shift_opens_one_alert_that_goes_on_and_recovers(parcels):
    monitor = parcels.monitor({"load": Psi(0.25)}, patience=Patience(violations=2, windows=3))
    parcels.learn(CALM)
    parcels.score(0, CALM, HEAVY, HEAVY, HEAVY, CALM)
    verdict = check(parcels.store, monitor, as_of=parcels.week(5)).verdict
    assert [event.kind for event in verdict.events] == ["opened", "still_violating", "recovered"]
    assert [(alert.status, alert.since, alert.until) for alert in verdict.alerts] == [
        ("recovered", parcels.week(2), parcels.week(4))
    ]


def test_labels_that_arrive_late_are_measured_when_they_are_known(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM)
    parcels.arrive(0, [True, False, True, True], arrived_at=parcels.week(1) + timedelta(days=1))
    monitor = parcels.monitor({":table": Quality("roc_auc", at_least=0.9, minimum_labels=4)})
    quality = "column_name = ':table'"

    def measured():
        row = parcels.store.tables.read("parcel_scores_profile_metrics").where(quality).first()
        auc = row["roc_auc_score"]["one_vs_all"]["true"] if row["roc_auc_score"] else None
        return row["labelled_count"], row["label_rate"], auc

    assert check(parcels.store, monitor, as_of=parcels.week(1)).verdict.alerts == []
    assert measured() == (0, None, None)
    # Of three late parcels two had the higher score 0.8, of the others none: 2 + 1/2 of 3 pairs.
    [alert] = check(parcels.store, monitor, as_of=parcels.week(2)).verdict.alerts
    assert measured() == (4, 0.75, pytest.approx(2.5 / 3))
    assert (alert.column_name, alert.metric, alert.value) == (":table", "roc_auc", pytest.approx(2.5 / 3))


def test_a_check_of_the_past_answers_as_then_and_overwrites_nothing(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    parcels.arrive(0, [True, False], arrived_at=parcels.week(1) + timedelta(days=1))
    monitor = parcels.monitor()
    then = check(parcels.store, monitor, as_of=parcels.week(1))
    check(parcels.store, monitor, as_of=parcels.week(2))
    before = versions(parcels.store)
    again = check(parcels.store, monitor, as_of=parcels.week(1))
    assert versions(parcels.store) == before
    assert (again.metrics, again.verdict.alerts) == (then.metrics, then.verdict.alerts)


def test_scores_replaced_are_measured_again(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM, CALM, CALM)
    check(parcels.store, parcels.monitor(), as_of=parcels.week(3))
    parcels.score(1, HEAVY)
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(3))
    assert [found.window for found in checked.measured] == [parcels.window(1), parcels.window(2)]
    assert [event.kind for event in checked.verdict.events] == ["opened", "recovered"]
    profile = parcels.store.tables.read("parcel_scores_profile_metrics").where("column_name = 'load'")
    assert [row["avg"] for row in profile.orderBy("window_start").collect()] == [2.5, 32.5, 2.5]


def test_the_training_set_of_the_version_that_scored_is_the_baseline(parcels):
    parcels.learn(CALM, version="1")
    parcels.learn(HEAVY, version="2")
    parcels.score(0, HEAVY, version="1")
    parcels.score(1, HEAVY, version="2")
    metrics = check(parcels.store, parcels.monitor(), as_of=parcels.week(2)).metrics
    assert [metrics[parcels.window(number)].whole["load"].psi > 1 for number in range(2)] == [True, False]


def test_without_a_baseline_the_check_says_so_and_compares_with_the_week_before(parcels):
    parcels.score(0, CALM, HEAVY)
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    assert checked.notes[-1].startswith("Model version 1 has no baseline: parcel_delay_training_set has no rows of it.")
    assert checked.verdict.alerts == []
    drift = parcels.store.tables.read("parcel_scores_drift_metrics")
    assert {(row["drift_type"], row["window_start"].day) for row in drift.collect()} == {("CONSECUTIVE", 8)}


def test_nulls_and_new_categories_are_seen(parcels):
    parcels.learn([1.0] * 10)
    parcels.score(0, [1.0] * 5 + [None] * 5, depot="south")
    limits = {"load": NullRate(0.4), "depot": Psi(0.25), "prediction": MeanShift(1.0)}
    verdict = check(parcels.store, parcels.monitor(limits), as_of=parcels.week(1)).verdict
    assert [(alert.column_name, alert.metric) for alert in verdict.alerts] == [("depot", "psi"), ("load", "null_rate")]


def test_a_critical_alert_asks_for_a_new_model(parcels):
    parcels.learn(CALM)
    parcels.score(0, HEAVY)
    monitor = parcels.monitor({"load": Psi(0.25, severity=Severity.CRITICAL)}, retraining=Retraining())
    assert check(parcels.store, monitor, as_of=parcels.week(1)).verdict.retrain is True
    assert check(parcels.store, monitor, as_of=parcels.week(1)).verdict.retrain is True
    events = parcels.store.tables.read("drift_alert_events").orderBy("window_start", "kind")
    assert [row["kind"] for row in events.collect()] == ["opened", "retraining_started"]
