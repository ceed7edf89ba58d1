"""Metrics that Databricks' data profiling has measured are judged as they are, and nothing is measured again."""

import pytest
from pyspark.sql.types import StructType

from feature_store.tables.commit import Commit
from monitoring.alerts.checking import check
from monitoring.drift.schemas import arrow_table
from monitoring.limits import Psi
from monitoring.table_limits import Custom, Freshness, Quality
from monitoring.telling.trend import reading, trend
from monitoring.windows.metrics import TABLE
from tests.monitoring.conftest import WEEK

WINDOW = "window struct<start: timestamp, end: timestamp>"
PROFILE = (
    f"{WINDOW}, log_type string, granularity string, slice_key string, slice_value string, column_name string, count bigint, "
    "data_type string, percent_null double, model_version string, "
    "roc_auc_score struct<one_vs_all: map<string, double>, macro: double, weighted: double>, heavy double"
)
DRIFT = (
    f"{WINDOW}, granularity string, slice_key string, slice_value string, column_name string, drift_type string, "
    "population_stability_index double, model_version string"
)


class Profiling:
    """Writes what the platform would."""

    def __init__(self, parcels):
        self.parcels = parcels

    def write(self, kind, schema, rows):
        store = self.parcels.store
        name = f"{store.catalog}.{store.schema}_quality.parcel_scores_{kind}_metrics"
        columns = StructType.fromDDL(schema)
        store.tables.create(name, columns)
        commit = Commit(verb="profiling", as_of=self.parcels.week(2))
        store.tables.append(name, arrow_table(rows, columns), commit=commit)

    def profile(self, number, column, count, version="1", auc=None, heavy=None):
        window = self.parcels.window(number).as_struct()
        score = None if auc is None else {"one_vs_all": [("true", auc)], "macro": None, "weighted": None}
        return {
            "window": window, "log_type": "INPUT", "granularity": "1 week", "column_name": column, "count": count,
            "data_type": "double", "percent_null": 0.0, "model_version": version, "roc_auc_score": score, "heavy": heavy,
        }  # fmt: skip

    def drift(self, number, column, psi, version="1"):
        window = self.parcels.window(number).as_struct()
        return {
            "window": window, "granularity": "1 week", "column_name": column, "drift_type": "BASELINE",
            "population_stability_index": psi, "model_version": version,
        }  # fmt: skip


@pytest.fixture
def profiled(parcels):
    """Two weeks: the second is heavy; few of its rows are by version 2. The baseline table is profiled, too."""
    profiling = Profiling(parcels)
    of_baseline = profiling.profile(0, "load", 5000) | {"window": None, "log_type": "BASELINE"}
    rows = [
        *(profiling.profile(week, TABLE, 900, auc=auc, heavy=heavy) for week, auc, heavy in [(0, 0.8, 0.1), (1, 0.5, 0.9)]),
        *(profiling.profile(week, "load", 900) for week in (0, 1)),
        profiling.profile(1, TABLE, 100, version="2", auc=0.9, heavy=0.0),
        profiling.profile(1, "load", 100, version="2"),
        of_baseline,
    ]  # fmt: skip
    profiling.write("profile", PROFILE, rows)
    profiling.write("drift", DRIFT, [profiling.drift(0, "load", 0.01), profiling.drift(1, "load", 0.7)])
    parcels.score(0, [1.0], [1.0])
    return parcels


LIMITS = {
    "load": Psi(0.25),
    TABLE: [Quality("roc_auc", at_least=0.7), Custom("heavy", at_most=0.5), Freshness(WEEK)],
}


def test_the_platforms_metrics_are_judged_and_none_are_measured(profiled):
    monitor = profiled.monitor(LIMITS, measures={"heavy": "avg(CAST(load > 30 AS DOUBLE))"}, prefers_platform=True)
    found = check(profiled.store, monitor, as_of=profiled.week(2))
    assert [(alert.what, alert.value, alert.since) for alert in found.verdict.alerts] == [
        (":table heavy", 0.9, profiled.week(1)),
        (":table roc_auc", 0.5, profiled.week(1)),
        ("load psi", 0.7, profiled.week(1)),
    ]
    assert found.measured == []
    assert not profiled.store.tables.exists(monitor.profile_table)
    [measured_there] = [note for note in found.notes if "measures parcel_scores by itself" in note]
    assert measured_there.endswith("_quality.parcel_scores_profile_metrics.")
    assert any("that rows stay away is not noticed" in note for note in found.notes)


def test_a_window_is_that_of_the_version_that_scored_most_of_it_and_the_baselines_rows_are_none(profiled):
    found = check(
        profiled.store,
        profiled.monitor(LIMITS | {TABLE: Quality("roc_auc", at_least=0.7)}, prefers_platform=True),
        as_of=profiled.week(2),
    )
    metrics = {f"{window.start:%m-%d}": parts.whole["load"] for window, parts in found.metrics.items()}
    assert {start: (one.rows, one.model_version, one.psi) for start, one in metrics.items()} == {
        "01-01": (900, "1", 0.01), "01-08": (900, "1", 0.7)
    }  # fmt: skip


def test_an_alert_of_the_platforms_metrics_has_its_trend(profiled):
    [alert] = check(profiled.store, profiled.monitor(prefers_platform=True), as_of=profiled.week(2)).verdict.alerts
    points = trend(reading(profiled.store), alert, as_of=profiled.week(2))
    assert [(point.window.start, point.value, point.rows) for point in points] == [
        (profiled.week(0), 0.01, 900), (profiled.week(1), 0.7, 900)
    ]  # fmt: skip


def test_a_monitor_that_does_not_say_so_measures_by_itself(profiled):
    found = check(profiled.store, profiled.monitor(), as_of=profiled.week(2))
    assert [one.rows for one in found.measured] == [1, 1]
    assert found.verdict.alerts == []
