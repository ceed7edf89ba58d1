"""Monitors of tables: what arrives, how late, in which shape; with time, and as the table stood at a moment."""

import json
from datetime import UTC, datetime, timedelta

import deltalake
import pytest
from pyspark.sql import functions as F

from feature_store import Misuse, WrongKind
from feature_store.tables.commit import Commit
from features.flights.airport_weather import TABLE as WEATHER
from monitoring.alerts.checking import check
from monitoring.flights import aircraft, airport_weather
from monitoring.limits import MeanShift, NullRate, Psi
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import Custom, Freshness, Quality, SchemaChange, Volume
from monitoring.telling.trend import reading, trend
from monitoring.windows.metrics import TABLE
from tests.frames import assert_df_equality

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
WARM = [20.0, 21.0, 22.0, 23.0]


class Feed:
    """Writes readings of a sensor, day by day."""

    def __init__(self, store):
        self.store = store

    def monitor(self, limits, **others):
        declared = {
            "name": "readings", "description": "Do readings arrive?", "owner": "sensors@example.com", "table": "readings",
            "time_column": "at", "key_columns": ["sensor"], "window": DAY, "minimum_rows": 1,
        }  # fmt: skip
        return TableMonitor(limits=limits, **(declared | others))

    def widen(self, column):
        self.store.tables.add_columns("readings", self.store.spark.createDataFrame([], column).schema)

    def write(self, first, *days, sensors="a"):
        rows = [
            (sensor, FIRST + number * DAY + i * HOUR, value)
            for number, values in enumerate(days, start=first)
            for i, value in enumerate(values)
            for sensor in sensors
        ]
        df = self.store.spark.createDataFrame(rows, "sensor string, at timestamp, degrees double")
        if not self.store.tables.exists("readings"):
            self.store.tables.create("readings", df.schema)
        for column in self.store.tables.columns("readings"):
            if column.name not in df.columns:
                df = df.withColumn(column.name, F.lit(1).cast(column.dataType))
        start, end = FIRST + first * DAY, FIRST + (first + len(days)) * DAY
        commit = Commit(verb="publish-features", as_of=end, window=(start, end))
        self.store.tables.replace_window("readings", df, column="at", start=start, end=end, commit=commit)

    def check(self, limits, day, **others):
        return check(self.store, self.monitor(limits, **others), as_of=FIRST + day * DAY)


@pytest.fixture
def feed(store):
    return Feed(store)


def told(checked):
    return [
        (alert.what, alert.status, round(alert.value, 3), alert.limit, alert.since) for alert in checked.verdict.alerts
    ]


def test_a_feed_that_stops_for_three_days_is_noticed_on_the_first_of_them_and_is_over_when_it_is_back(feed):
    limits = {TABLE: [Volume(at_least=0.5), Freshness(timedelta(hours=24))]}
    feed.write(0, *[WARM] * 5)
    assert feed.check(limits, 5).verdict.alerts == []
    found = told(feed.check(limits, 6))
    since = FIRST + 5 * DAY
    assert found == [(":table staleness", "open", 45.0, 24.0, since), (":table volume", "open", 0.0, 0.5, since)]
    assert [row[2] for row in told(feed.check(limits, 8))] == [93.0, 0.0]
    feed.write(8, WARM)
    [staleness, volume] = feed.check(limits, 9).verdict.alerts
    assert [(one.status, one.windows) for one in (staleness, volume)] == [("recovered", 3)] * 2


def test_a_sensor_whose_readings_stay_away_while_others_arrive_is_noticed(feed):
    limits, by = {TABLE: [Volume(at_least=0.4), Volume(at_least=0.5, by="sensor")]}, {"slices": ["sensor"]}
    feed.write(0, *[WARM] * 5, sensors="ab")
    feed.write(5, WARM, WARM)
    [alert] = feed.check(limits, 7, **by).verdict.alerts
    assert (alert.slice_value, alert.value, alert.since, alert.windows) == ("b", 0.0, FIRST + 5 * DAY, 2)
    points = trend(reading(feed.store), alert, as_of=FIRST + 7 * DAY)
    assert [(point.rows, point.value) for point in points] == [(4, None)] * 4 + [(4, 1.0), (0, 0.0), (0, 0.0)]
    feed.write(7, WARM, sensors="ab")
    assert [one.status for one in feed.check(limits, 8, **by).verdict.alerts] == ["recovered"]
    silent = feed.check(limits, 9, **by).verdict.alerts
    assert {(one.slice_value, one.status) for one in silent} == {("", "open"), ("b", "recovered")}


def test_a_day_without_rows_is_a_row_of_the_profile_table(feed, spark):
    feed.write(0, WARM)
    feed.check({TABLE: Volume(at_least=0.5)}, 2)
    found = feed.store.tables.read("readings_profile_metrics").where("column_name = ':table'")
    found = found.select("window_start", "count", "newest_row", "non_null_columns")
    newest = FIRST + 3 * HOUR
    expected = [(FIRST, 4, newest, ["degrees"]), (FIRST + DAY, 0, newest, [])]
    assert_df_equality(found, spark.createDataFrame(expected, found.schema), ignore_row_order=True)


def test_a_table_that_may_be_silent_has_no_windows_without_rows(feed):
    feed.write(0, WARM)
    assert len(feed.check({"degrees": NullRate(0.5)}, 9).metrics) == 1


def test_a_changed_unit_moves_the_mean_away_from_the_span_that_is_the_baseline(feed):
    feed.write(0, *[WARM] * 3)
    feed.write(3, [value * 9 / 5 + 32 for value in WARM])
    span = Span(FIRST, FIRST + 2 * DAY)
    [alert] = feed.check({"degrees": MeanShift(3.0)}, 4, baseline=span).verdict.alerts
    assert (alert.since, alert.value > 30) == (FIRST + 3 * DAY, True)
    kept = feed.store.tables.version("drift_baselines")
    feed.write(4, WARM)
    feed.check({"degrees": MeanShift(3.0)}, 5, baseline=span)
    assert feed.store.tables.version("drift_baselines") == kept


def test_a_column_that_appears_or_loses_all_its_values_is_a_change_of_the_table(feed):
    feed.write(0, WARM, WARM)
    feed.write(2, [None] * 4)
    [alert] = feed.check({TABLE: SchemaChange()}, 3).verdict.alerts
    assert '"degrees has no values any more"' in alert.evidence
    feed.widen("kelvin double")
    feed.write(3, WARM)
    checked = feed.check({TABLE: SchemaChange()}, 4)
    newest = checked.metrics[max(checked.metrics)].whole[TABLE]
    assert newest.changed == {"kelvin": "has values now, and had none"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop_columns(["degrees"]), "degrees is gone"),
        (lambda rows: rows.set_column(2, "degrees", rows["degrees"].cast("string")), "degrees is string, and was double"),
    ],
    ids=["gone", "of another type"],
)  # fmt: skip
def test_a_column_that_is_gone_though_it_was_the_only_one_or_of_another_type_is_a_change_of_the_table(
    feed, change, said
):
    feed.write(0, WARM, WARM)
    assert feed.check({TABLE: SchemaChange()}, 2).verdict.alerts == []
    feed.write(2, WARM)
    tables, window = feed.store.tables, (FIRST + 2 * DAY, FIRST + 3 * DAY)
    commit = Commit(verb="publish-features", as_of=window[1], window=window)
    deltalake.write_deltalake(
        tables.path("readings"), change(tables.open("readings").to_pyarrow_table()), mode="overwrite", schema_mode="overwrite",
        commit_properties=deltalake.CommitProperties(custom_metadata={"userMetadata": commit.to_json()}),
    )  # fmt: skip
    checked = feed.check({TABLE: SchemaChange(), "degrees": Psi(0.25)}, 3)
    [alert] = checked.verdict.alerts
    assert (alert.metric, json.loads(alert.evidence)["schema_changed"]) == ("schema_changes", [said])


def test_a_change_of_a_column_that_is_ignored_is_no_alert(feed):
    feed.write(0, WARM, WARM, [None] * 4)
    assert feed.check({TABLE: SchemaChange(ignoring=["deg*"])}, 3).verdict.alerts == []
    assert feed.check({TABLE: SchemaChange(ignoring=["kelvin"])}, 3).verdict.alerts != []


def test_a_column_that_seldom_has_values_may_have_none_for_once(feed):
    feed.write(0, [None, None, None, 1.0], [None, None, None, 1.0], [None] * 4)
    assert feed.check({TABLE: SchemaChange()}, 3).verdict.alerts == []


def test_a_table_without_time_is_measured_as_it_stood_at_the_end_of_each_window(store):
    monitor = TableMonitor(
        name="depots", description="The depots", owner="depots@example.com", table="depots", key_columns=["depot"],
        window=DAY, limits={"kind": Psi(0.25)}, minimum_rows=1, baseline=Span(FIRST, FIRST + DAY),
    )  # fmt: skip

    def write(kinds, day):
        rows = [(str(i), kind) for i, kind in enumerate(kinds)]
        df = store.spark.createDataFrame(rows, "depot string, kind string")
        if not store.tables.exists("depots"):
            store.tables.create("depots", df.schema)
        store.tables.overwrite("depots", df, commit=Commit(verb="publish-features", as_of=FIRST + day * DAY))

    write(["rail"] * 50 + ["road"] * 50, 0.5)
    assert check(store, monitor, as_of=FIRST + DAY).verdict.alerts == []
    write(["rail"] * 5 + ["road"] * 95, 1.5)
    write(["sea"] * 100, 2.5)
    then = check(store, monitor, as_of=FIRST + 2 * DAY)
    newest = then.metrics[max(then.metrics)].whole
    assert {name: (now, before) for name, before, now in newest["kind"].histogram if now or before} == {
        "rail": (5, 50), "road": (95, 50)
    }  # fmt: skip
    assert [alert.column_name for alert in then.verdict.alerts] == ["kind"]


def test_a_monitor_of_a_table_needs_no_labels_and_cannot_judge_predictions():
    with pytest.raises(Misuse, match="needs predictions and labels, which a table does not have"):
        Feed(None).monitor({TABLE: Quality("roc_auc", at_least=0.7)})
    with pytest.raises(Misuse, match="no change of the columns is judged of the whole table only"):
        Feed(None).monitor({TABLE: SchemaChange(by="sensor")}, slices=["sensor"])
    with pytest.raises(WrongKind, match="give a list of names"):
        SchemaChange(ignoring="kelvin")
    with pytest.raises(Misuse, match="there are no values 'shares'.*share"):
        Custom("gap", at_most=1, values="shares")
    with pytest.raises(Misuse, match="declares its keys and time itself"):
        Feed(None).monitor({TABLE: SchemaChange()}, table=WEATHER)
    with pytest.raises(Misuse, match="the end must be after the start"):
        Span(FIRST, FIRST)
    with pytest.raises(Misuse, match="give at_least, at_most or both"):
        Volume()
    with pytest.raises(Misuse, match="a timedelta above zero"):
        Freshness(timedelta(0))


def test_the_monitors_of_flights_tables_name_features_of_theirs():
    for monitor in (airport_weather.MONITOR, aircraft.MONITOR):
        assert {name for name in monitor.limits if name not in (TABLE, "*")} <= set(monitor.table.features)
