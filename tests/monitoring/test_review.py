"""``review-alerts`` and ``check-drift`` as they are typed."""

import json
import re
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from feature_store.tables.commit import Commit
from monitoring import check, review
from monitoring.alerts.checking import check as run_check
from monitoring.alerts.events import append_events, read_events
from monitoring.alerts.judge import judge
from monitoring.alerts.state import current
from monitoring.drift.metrics import WindowParts
from monitoring.telling.printing import sparkline
from monitoring.telling.summary import summarise
from monitoring.telling.trend import reading, trend
from monitoring.windows.metrics import WindowMetrics

ROOT = Path(__file__).parents[2]
CALM, HEAVY = [1.0, 2.0, 3.0, 4.0] * 25, [31.0, 32.0, 33.0, 34.0] * 25


def typed(parcels, *arguments, command=review.main):
    """The exit code, output and error output of a command in the parcels' workspace."""
    store = parcels.store
    place = ["--catalog", store.catalog, "--schema", store.schema, "--workspace", str(store.workspace)]
    result = CliRunner().invoke(command, [*arguments, *place], env={"COLUMNS": "100"})
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def alert(parcels):
    """The open alert of one heavy week."""
    metrics = {
        parcels.window(number): WindowParts(
            {":table": WindowMetrics(rows=100), "load": WindowMetrics(rows=100, psi=value)}
        )
        for number, value in enumerate([0.0, 2.5])
    }
    verdict = judge(parcels.monitor(), metrics, [], as_of=parcels.week(2))
    append_events(parcels.store, verdict.events, Commit(verb="check-drift", as_of=parcels.week(2)))
    [found] = verdict.alerts
    return found


def test_no_alerts_is_said(parcels):
    assert typed(parcels, "list")[:2] == (0, "No open alerts.\n")
    assert json.loads(typed(parcels, "list", "--json")[1]) == []


def test_an_alert_is_listed_shown_acknowledged_and_resolved(parcels, alert):
    code, listed, _ = typed(parcels, "list")
    assert code == 0
    assert f"{alert.alert_id}  load psi" in listed
    assert typed(parcels, "ack", alert.alert_id[:4], "--user", "ann")[:2] == (
        0,
        f"Alert {alert.alert_id} (load psi) is acknowledged by ann.\n",
    )
    assert typed(parcels, "resolve", alert.alert_id, "--user", "bob", "--comment", "a new depot")[0] == 0
    code, shown, _ = typed(parcels, "show", alert.alert_id, "--json")
    found = json.loads(shown)
    assert (found["status"], found["handled_by"], found["comment"]) == ("resolved", "bob", "a new depot")
    assert [event["kind"] for event in found["events"]] == ["opened", "acknowledged", "resolved"]
    assert found["evidence"]["windows"] == [
        {"start": "2024-01-08T00:00:00+00:00", "end": "2024-01-15T00:00:00+00:00", "value": 2.5, "violated": True}
    ]
    assert typed(parcels, "list")[1].startswith("No open alerts.\n1 more recovered or resolved")


def test_the_evidence_is_readable(parcels, alert):
    shown = typed(parcels, "show", alert.alert_id)[1]
    for text in [
        "load psi: 2.5",
        "the limit is 0.25",
        "2024-01-08 to 2024-01-15",
        "beyond",
        "check-drift",
        "Most drifted",
    ]:
        assert text in shown


def test_wrong_actions_are_one_sentence_and_change_nothing(parcels, alert):
    assert typed(parcels, "resolve", alert.alert_id, "--comment", "done", "--user", "ann")[0] == 0
    before = read_events(parcels.store)
    for arguments, text in [
        (
            ["resolve", alert.alert_id, "--comment", "again"],
            f"Error: Alert {alert.alert_id} is resolved already, by ann: 'done'.",
        ),
        (
            ["ack", alert.alert_id],
            f"Error: Alert {alert.alert_id} cannot be acknowledged: it is resolved by ann already.",
        ),
        (["show", "zzzz"], f"Error: There is no alert 'zzzz'. There is: {alert.alert_id}."),
        (["summary", "flight_dely"], "Error: There is no monitor 'flight_dely'. Did you mean flight_delay?"),
    ]:
        code, _, error = typed(parcels, *arguments)
        assert code == 1
        assert error.startswith(text)
    assert typed(parcels, "resolve", alert.alert_id)[0] == 2
    assert read_events(parcels.store) == before


def test_an_alert_is_not_resolved_without_a_reason_or_before_it_was_opened(parcels, alert):
    assert "Say with --comment why" in typed(parcels, "resolve", alert.alert_id, "--comment", " ")[2]
    code, _, error = typed(parcels, "ack", alert.alert_id, "--as-of", "2024-01-10")
    assert (code, error) == (
        1,
        f"Error: There is no alert '{alert.alert_id}'. There are no alerts at all; check-drift opens them.\n",
    )


def test_the_past_does_not_know_what_people_did_later(parcels, alert):
    typed(parcels, "resolve", alert.alert_id, "--comment", "done", "--as-of", "2024-02-01")
    [then] = current(read_events(parcels.store, as_of=parcels.week(2)))
    [now] = current(read_events(parcels.store))
    assert (then.status, now.status) == ("open", "resolved")


def test_the_summary_tells_the_months(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM, HEAVY)
    parcels.arrive(0, [True, False, True, None], arrived_at=parcels.week(1))
    [alert] = run_check(parcels.store, parcels.monitor(), as_of=parcels.week(2)).verdict.alerts
    found = summarise(parcels.store, parcels.monitor(), as_of=parcels.week(3))
    [month] = found.months
    assert (month.name, month.rows, month.versions, month.opened, month.open_at_end) == ("2024-01", 200, "1", 1, 1)
    assert (month.quality, month.label_rate, month.mean_prediction) == (1.0, pytest.approx(2 / 3), pytest.approx(0.55))
    assert month.drifted == ("load", alert.value)


def test_check_drift_says_when_there_is_nothing_to_check_and_names_unknown_monitors(parcels):
    code, said, _ = typed(parcels, "flight_delay", command=check.main)
    assert code == 0
    assert "There is no score table flight_delay_scores yet; score-batch writes it.\nNothing to check." in said
    code, _, error = typed(parcels, "flight", command=check.main)
    assert code == 1
    assert error.startswith("Error: There is no monitor 'flight'. Did you mean flights or flight_delay?")


def test_check_drift_refuses_a_wrong_moment(parcels):
    code, _, error = typed(parcels, "flight_delay", "--as-of", "July", command=check.main)
    assert code == 2
    assert "'July' is not a moment" in error


def test_an_alert_is_assigned_snoozed_and_opened_again_as_it_is_typed(parcels, alert):
    one = alert.alert_id
    now = ["--user", "ann", "--as-of", "2024-02-01"]
    assert typed(parcels, "assign", one, "bob", *now)[1] == f"Alert {one} (load psi) is assigned to bob by ann.\n"
    assert f"{one}  load psi" in typed(parcels, "list", "--assignee", "bob", "--as-of", "2024-02-01")[1]
    assert typed(parcels, "snooze", one, "--until", "2024-03-01", "--comment", "known", *now)[0] == 0
    asleep = typed(parcels, "list", "--as-of", "2024-02-02")[1]
    assert asleep == "No open alerts.\n1 snoozed: review-alerts list --snoozed\n"
    assert f"{one}  load psi" in typed(parcels, "list", "--as-of", "2024-03-01")[1]
    later = ["--user", "cem", "--as-of", "2024-03-02"]
    assert typed(parcels, "resolve", one, "--comment", "done", *later)[0] == 0
    assert typed(parcels, "reopen", one, "--comment", "it is back", *later)[0] == 0
    shown = typed(parcels, "show", one, "--as-of", "2024-03-03")[1]
    for text in ["assigned to bob", "snoozed until 2024-03-01", "reopened", "it is back", "open by cem, for bob"]:
        assert text in shown


def test_a_filter_that_finds_nothing_says_so(parcels, alert):
    assert typed(parcels, "list", "--severity", "critical")[1].startswith("No such alerts.")
    assert typed(parcels, "list", "--column", "lo*")[1].startswith("alert ")
    assert typed(parcels, "list", "--status", "opened")[0] == 2


def test_the_picture_of_a_measure_marks_what_is_beyond_its_limit():
    assert sparkline([0.1, None, 0.2, 0.8], 0.4) == "▁ ▃[bad]█[/]".replace("▁", "▂")
    assert sparkline([0.9, 0.5], 0.7) == "█[bad]▅[/]"
    assert sparkline([], 0.7) == ""


def test_the_measure_over_all_windows_is_shown_with_the_alert(parcels):
    parcels.learn(CALM)
    parcels.score(0, CALM, HEAVY)
    [alert] = run_check(parcels.store, parcels.monitor(), as_of=parcels.week(2)).verdict.alerts
    points = trend(reading(parcels.store), alert, as_of=parcels.week(2))
    assert [(point.window, point.rows, point.model_version) for point in points] == [
        (parcels.window(0), 100, "1"), (parcels.window(1), 100, "1")
    ]  # fmt: skip
    assert [point.value for point in points] == [0.0, alert.value]
    assert "2 windows, red: beyond the limit" in typed(parcels, "show", alert.alert_id)[1]
    assert trend(reading(parcels.store), alert, as_of=parcels.week(1)) == points[:1]


def test_the_reviewers_notebook_shows_the_worst_alert_and_records_what_is_said_of_it(
    parcels, alert, monkeypatch, capsys
):
    store = parcels.store
    given = {
        "CATALOG": store.catalog,
        "SCHEMA": store.schema,
        "AS_OF": f"{parcels.week(2):%Y-%m-%d}",
        "COMMENT": "seen",
    }
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(store.workspace))
    for name, value in given.items():
        monkeypatch.setenv(f"NOTEBOOK_{name}", value)
    runpy.run_path(str(ROOT / "examples" / "notebooks" / "alert_reviewer.py"))
    printed = capsys.readouterr().out
    assert "load psi: 2.5, the limit is" in printed
    assert f"Alert {alert.alert_id} is acknowledged." in printed
    assert [(event.kind, event.comment) for event in read_events(store) if event.kind == "acknowledged"] == [
        ("acknowledged", "seen")
    ]


def test_the_platforms_alert_counts_the_open_alerts_that_nobody_looks_after(parcels, alert):
    def counted():
        parcels.store.tables.read("drift_alert_events").createOrReplaceTempView("drift_alert_events")
        try:
            return parcels.store.spark.sql(re.sub(r"\$\{\S+\}\.\$\{\S+\}\.", "", query)).collect()
        finally:
            parcels.store.spark.catalog.dropTempView("drift_alert_events")

    bundle = YAML(typ="safe").load((ROOT / "resources" / "drift.alert.yml").read_text())
    query = bundle["resources"]["alerts"]["open_drift_alerts"]["query_text"]
    assert [tuple(row) for row in counted()] == [(1,)]
    assert typed(parcels, "assign", alert.alert_id, "bob@example.com", "--user", "ann")[0] == 0
    assert [tuple(row) for row in counted()] == [(1,)]
    assert typed(parcels, "ack", alert.alert_id, "--user", "ann")[0] == 0
    assert [tuple(row) for row in counted()] == [(0,)]
