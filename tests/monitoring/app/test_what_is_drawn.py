"""What the charts and the lineage draw, worked out by hand from a few rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from feature_store.lineage.graph import FEATURE, MODEL, Edge, Graph, Node
from monitoring.alerts.state import Alert, current
from monitoring.app import charts, series
from monitoring.app.ancestry import around, dot
from monitoring.app.wording import badness, headline, how_badly, literal, unit
from monitoring.telling.trend import Point
from monitoring.windows.calendar import Window
from tests.monitoring.app.conftest import opened

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def alert() -> Alert:
    [found] = current([opened("load", source="depot_load")])
    return found


def point(week: int, value: float | None) -> Point:
    return Point(Window(MONDAY + week * WEEK, MONDAY + (week + 1) * WEEK), value, 100, "1")


def test_windows_beyond_the_limit_are_told_from_those_within_and_unmeasured_ones_left_out(alert):
    found = series.measured([point(0, 0.25), point(1, None), point(2, 0.26)], alert)
    assert found["state"].tolist() == ["within", "beyond the limit"]
    low = replace(alert, metric="roc_auc", value=0.6, limit=0.65)
    assert series.measured([point(0, 0.66), point(1, 0.64)], low)["state"].tolist() == ["within", "beyond the limit"]
    shift = replace(alert, metric="scaled_mean_shift", value=-1.5, limit=-1.0)
    assert series.measured([point(0, 1.2), point(1, -0.5)], shift)["state"].tolist() == ["beyond the limit", "within"]


def test_shares_are_of_the_rows_of_each_side_and_empty_bins_are_left_out():
    found = series.shares([("up to 1.23456789", 3, 1), ("above 1.23456789", 1, 1), ("missing", 0, 0)])
    assert found[["bin", "of", "share", "rows"]].values.tolist() == [
        ["up to 1.235", "baseline", 0.75, 3],
        ["up to 1.235", "window", 0.5, 1],
        ["above 1.235", "baseline", 0.25, 1],
        ["above 1.235", "window", 0.5, 1],
    ]


def test_a_window_without_rows_has_no_share():
    assert series.shares([("a", 4, 0)])["share"].tolist() == [1.0, 0.0]


def test_windows_that_only_went_on_are_one_line_of_the_history():
    first = opened("load")
    on = [replace(first, kind="still_violating", event_id=f"{n}") for n in range(3)]
    over = replace(first, kind="recovered", event_id="over")
    assert [(event.kind, times) for event, times in series.told([first, *on, over])] == [
        ("recovered", 1),
        ("still_violating", 3),
        ("opened", 1),
    ]


def test_what_others_wrote_has_no_meaning_in_markdown():
    assert literal("a_b: *c*\n<b>") == r"a\_b\: \*c\* \<b\>"
    assert "//e" not in literal("http://evil.example")


def test_numbers_have_units(alert):
    assert (how_badly(alert), badness(alert), headline(alert)) == ("0.5 > 0.25", 2.0, "load: PSI")
    late = replace(alert, column_name=":table", metric="staleness", value=24.0, limit=6.0, table_name="weather")
    assert (how_badly(late), headline(late)) == ("24.0 h > 6.0 h", "weather: age of the newest row")
    few = replace(alert, metric="roc_auc", value=0.6, limit=0.66)
    assert (how_badly(few), round(badness(few), 2)) == ("0.600 < 0.660", 1.1)
    assert unit("null_rate")(0.0214) == "2.14%"
    assert unit("share_called_late")(None) == "-"


def test_the_lineage_is_the_chain_through_the_drifted_feature_and_hides_what_monitoring_writes(alert):
    graph = Graph()
    for name, kind in {
        "dev.flights.parcels": "source table",
        "dev.flights.depot_load": "feature table",
        "dev.flights.depot_load.load": FEATURE,
        "dev.flights.delay/1": MODEL,
        "dev.flights.flight_delay_scores": "score table",
        "dev.flights.drift_alert_events": "monitoring table",
    }.items():
        graph.add(
            Node(name, kind, owner="ann@example.com", columns=("load",), aliases=("champion",) if kind == MODEL else ())
        )
    chain = ["parcels", "depot_load", "depot_load.load", "delay/1", "flight_delay_scores"]
    for source, target in pairwise(chain):
        graph.connect(
            Edge(f"dev.flights.{source}", f"dev.flights.{target}", "feature" if target.endswith(".load") else "read")
        )
    graph.connect(Edge("dev.flights.parcels", "dev.flights.flight_delay_scores", "read"))
    graph.connect(Edge("dev.flights.flight_delay_scores", "dev.flights.drift_alert_events", "read"))

    found = around(graph, alert, catalog="dev", schema="flights")
    assert found is not None
    assert found.focus == "dev.flights.depot_load.load"
    assert sorted(found.graph.edges) == [
        ("dev.flights.delay/1", "dev.flights.flight_delay_scores"),
        ("dev.flights.depot_load", "dev.flights.depot_load.load"),
        ("dev.flights.depot_load.load", "dev.flights.delay/1"),
        ("dev.flights.parcels", "dev.flights.depot_load"),
    ]
    drawn = dot(found, is_dark=False, prefix="dev.flights.")
    assert 'label="load\\nfeature", color="#d03b32"' in drawn
    assert 'label="delay version 1\\nmodel version, champion"' in drawn


def test_a_name_cannot_end_its_label_in_the_drawing(alert):
    graph = Graph()
    graph.add(Node("dev.flights.depot_load", 'feature table"]; evil [label="', columns=()))
    found = around(graph, replace(alert, column_name=":table"), catalog="dev", schema="flights")
    assert found is not None
    assert '\\"]; evil [label=\\"' in dot(found, is_dark=True, prefix="dev.flights.")


def test_an_alert_of_what_nobody_recorded_has_no_lineage(alert):
    assert around(Graph(), alert, catalog="dev", schema="flights") is None


def test_each_mark_of_a_chart_tells_its_window_in_utc_and_an_unknown_number_is_null(alert):
    found = series.measured([point(0, 0.25), point(1, float("nan"))], alert)
    [values, *_] = charts.over_time(found, "psi", 0.25, series.marks([]))["layer"]
    assert values["data"]["values"] == [
        {
            "at": 1704067200000,
            "value": 0.25,
            "state": "within",
            "tells": {"window": "1 Jan 2024 to 8 Jan 2024", "PSI": "0.25", "rows": "100", "model version": "1"},
        },
        {
            "at": 1704672000000,
            "value": None,
            "state": "within",
            "tells": {"window": "8 Jan 2024 to 15 Jan 2024", "PSI": "nan", "rows": "100", "model version": "1"},
        },
    ]


def test_what_happened_is_drawn_in_the_colours_of_what_did(alert):
    marks = series.marks([opened("load"), replace(opened("load"), kind="recovered", actor="ann")])
    [*_, happened] = charts.over_time(series.measured([point(0, 0.3)], alert), "psi", 0.25, marks)["layer"]
    assert happened["encoding"]["color"]["scale"] == {
        "domain": ["opened", "recovered"],
        "range": ["#d03b32", "#2f9e58"],
    }
    assert happened["data"]["values"][1]["tells"] == {"when": "26 Feb 2024", "event": "recovered", "who": "ann"}
