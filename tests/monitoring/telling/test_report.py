"""What a check prints: columns that fit the kind of monitor, and the false alarms to expect."""

import io
from dataclasses import replace

from rich.console import Console
from rich.theme import Theme

from monitoring.alerts.events import Cause
from monitoring.alerts.watches import Honesty, Watch
from monitoring.limits import Patience, Psi
from monitoring.spec import TableMonitor
from monitoring.table_limits import Freshness, Volume
from monitoring.telling.printing import diagnosis
from monitoring.telling.report import print_check
from monitoring.telling.standing import expected
from monitoring.windows.bounds import Bounds
from monitoring.windows.metrics import TABLE, WindowMetrics
from tests.monitoring.conftest import WEEK
from tests.monitoring.telling.checks import EXAMPLE, by_hand, drifting, with_one_cause


def printed(checked):
    console = Console(file=io.StringIO(), width=100, theme=Theme({"bad": "red", "good": "green", "note": "yellow"}))
    print_check(console, checked)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def honest(column, a_year):
    cause = Cause(monitor="parcels", table_name="parcel_scores", column_name=column, metric="psi")
    return Honesty(Watch(cause, Psi(0.25), Patience(), 1), Bounds(high=0.25), None, a_year)


def test_the_windows_of_a_table_have_rows_age_and_nulls_in_place_of_model_and_labels():
    monitor = TableMonitor(
        name="arrivals", description="Do parcels arrive?", owner="a@example.com", table="arrivals", time_column="at",
        window=WEEK, limits={TABLE: [Volume(at_least=0.5, at_most=2.0), Freshness(WEEK / 7)]}, minimum_rows=50,
    )  # fmt: skip
    weeks = [
        {
            TABLE: WindowMetrics(rows, volume=volume, staleness=age),
            "load": WindowMetrics(rows, null_rate=0.1, psi=psi),
            "depot": WindowMetrics(rows, null_rate=0.0),
        }
        for rows, volume, age, psi in (
            (100, None, 2.0, None),
            (40, 0.4, 30.0, 0.3),
            (45, 1.0, 100.0, 0.2),
            (40, 1, 2, 0.1),
        )
    ]
    lines = printed(by_hand(monitor, weeks))
    assert [line.split() for line in lines[2:8] if "─" not in line] == [
        ["from", "rows", "of", "usual", "newest", "row", "largest", "drift", "(PSI)", "nulls", "beyond"],
        ["2024-01-01", "100", "-", "2.0", "h", "-", "5.0%", "0"],
        ["2024-01-08", "40", "40%", "30.0", "h", "load", "0.30", "5.0%", "2"],
        ["2024-01-15", "45", "100%", "4.2", "d", "load", "0.20", "5.0%", "1"],
        ["2024-01-22", "40", "100%", "2.0", "h", "load", "0.10", "5.0%", "too", "few"],
    ]
    assert max(len(line) for line in lines) <= 100


def test_the_windows_of_a_model_are_as_they_were():
    lines = printed(by_hand(EXAMPLE.monitor(), drifting(0.1, 0.5)))
    assert lines[2].split() == [
        "from", "rows", "model", "labels", "AUC", "pos./pred.", "largest", "drift", "(PSI)", "beyond",
    ]  # fmt: skip
    assert lines[5].split() == ["2024-01-08", "100", "1", "0%", "-", "-/-%", "load", "0.50", "1"]


def test_what_may_follow_from_an_alert_of_another_monitor_is_printed_beneath_it_and_counted():
    lines = printed(with_one_cause(8))
    at = next(place for place, line in enumerate(lines) if line.startswith("alert "))
    table = [(*line.split()[1:3], " ".join(line.split()[-3:])) for line in lines[at + 2 : at + 8]]
    assert table == [
        (":table", "unknown_origins", "open, of schedule"),
        ("└", "load", "(1) critical opened"),
        ("└", "column_01", "(1) warning opened"),
        ("└", "column_02", "(1) warning opened"),
        ("and", "5", "and 5 more"),
        ("column_00", "psi", "(1) warning opened"),
    ]
    assert " ".join(lines[at + 8 : at + 10]) == (
        "schedule unknown_origins (0aec70a8): 8 alerts (1 critical) may follow from it; all: review-alerts list --follows 0aec70a8"
    )
    assert max(len(line) for line in lines) <= 100


def test_what_is_over_is_not_folded_with_what_is_still_open():
    checked = with_one_cause(2)
    alerts = [replace(one, status="recovered") if one.column_name == "load" else one for one in checked.verdict.alerts]
    lines = printed(replace(checked, verdict=replace(checked.verdict, alerts=alerts)))
    [load] = [line for line in lines if " load " in line and "opened" in line]
    assert "└" not in load
    assert "schedule unknown_origins (0aec70a8): 1 alert may follow from it" in lines


def test_expected_false_alarms_are_one_line_that_names_the_loudest_limits():
    assert expected([honest("load", 1.2), honest("depot", 1.9), honest("weight", 0.01)]) == (
        "Expected false alarms: 3.1 a year (depot psi: 1.9, load psi: 1.2)."
    )
    assert expected([honest("load", 1e-9)]) == "Expected false alarms: < 0.01 a year."
    assert expected([honest("load", 0.0), honest("depot", None)]) == (
        "Expected false alarms: 0 a year, and those of 1 limit that has no baseline to learn from."
    )
    assert expected([honest("load", None)]) == (
        "Expected false alarms: cannot be told, the baseline has too few windows to learn from."
    )
    assert expected([]) == ""


def test_what_is_said_of_several_tables_is_said_once():
    [alert] = by_hand(EXAMPLE.monitor(), drifting(0.5)).verdict.alerts
    stale = ["weather was last written as of 2013-07-01", "flights was last written as of 2013-07-01"]
    newest = [f"the newest row of {name} was of 2013-12-31 00:00" for name in ("weather", "schedule")]
    evidence = {
        "stale": [*stale, stale[1], "aircraft is not there", *newest, newest[0].replace("31", "30")],
        "upstream": ["weather version 3: optimize"],
    }
    assert diagnosis(alert, evidence) == [
        "The column comes from depot_load.",
        "Upstream: weather version 3: optimize.",
        "Stale: flights, weather were last written as of 2013-07-01.",
        "Stale: aircraft is not there.",
        "Stale: the newest rows of schedule, weather were of 2013-12-31 00:00.",
        "Stale: the newest row of weather was of 2013-12-30 00:00.",
    ]
