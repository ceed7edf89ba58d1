"""``check-drift`` on real Delta tables."""

from datetime import timedelta

import pytest
from chispa import assert_df_equality

from feature_store.errors import NotFound
from monitoring.check import check
from monitoring.limits import MeanShift, NullRate, Psi, Quality, Severity
from monitoring.spec import Patience, Retraining

CALM = [1.0, 2.0, 3.0, 4.0] * 25
HEAVY = [31.0, 32.0, 33.0, 34.0] * 25


def versions(store):
    return {name: store.tables.info(name).version for name in store.tables.names()}


def test_a_score_table_that_does_not_exist_is_said_and_nothing_is_written(parcels):
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(1))
    assert checked.notes == ["There is no score table parcel_scores yet; score-batch writes it. Nothing to check."]
    assert parcels.store.tables.names() == []


def test_a_window_that_is_not_complete_is_not_measured(parcels):
    parcels.score(0, CALM)
    checked = check(parcels.store, parcels.monitor(), as_of=parcels.week(1) - timedelta(microseconds=1))
    assert checked.measured == []
    assert "no scores in a window that is complete by" in checked.notes[-1]
    assert "parcel_scores_profile_metrics" not in parcels.store.tables.names()


def test_a_limit_on_an_unknown_column_is_refused_before_anything_is_written(parcels):
    parcels.score(0, CALM)
    before = versions(parcels.store)
    with pytest.raises(NotFound, match="limit on 'laod'.*Did you mean load"):
        check(parcels.store, parcels.monitor({"laod": Psi(0.1)}), as_of=parcels.week(1))
    assert versions(parcels.store) == before


def test_drift_against_the_training_set_and_the_week_before(parcels, spark):
    parcels.learn(CALM)
    parcels.score(0, CALM)
    parcels.score(1, HEAVY)
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
    parcels.score(0, CALM)
    parcels.score(1, HEAVY)
    first = check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    before = versions(parcels.store)
    second = check(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    assert versions(parcels.store) == before
    assert (second.measured, second.verdict.events) == ([], [])
    assert second.verdict.alerts == first.verdict.alerts
    assert second.verdict.news == first.verdict.news
