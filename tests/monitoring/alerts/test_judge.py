"""From metrics and events to alerts and the decision to retrain, without any table."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.alerts.actions import acknowledged, resolved
from monitoring.alerts.judge import judge
from monitoring.alerts.state import current
from monitoring.drift.metrics import WindowParts
from monitoring.limits import Patience, Psi, Severity
from monitoring.spec import Retraining
from monitoring.table_limits import Quality
from monitoring.windows.metrics import TABLE, WindowMetrics

CRITICAL = {"load": Psi(0.25, severity=Severity.CRITICAL)}


def weekly(example, *values, rows=100):
    """The metrics of consecutive weeks with these indices of ``load``; None: not measured."""
    return {
        example.window(number): WindowParts(
            {"load": WindowMetrics(rows=rows, model_version="1", psi=value), TABLE: WindowMetrics(rows=rows)}
        )
        for number, value in enumerate(values)
    }


def kinds(verdict):
    return [event.kind for event in verdict.events]


def test_one_alert_goes_through_its_life(example):
    monitor = example.monitor(patience=Patience(violations=2, windows=3))
    verdict = judge(monitor, weekly(example, 0.1, 0.4, 0.5, 0.6, 0.1), [], as_of=example.week(5))
    assert kinds(verdict) == ["opened", "still_violating", "recovered"]
    [alert] = verdict.alerts
    assert (alert.status, alert.windows, alert.value, alert.limit) == ("recovered", 2, 0.6, 0.25)
    assert (alert.since, alert.until) == (example.week(2), example.week(4))


def test_weekly_checks_and_one_late_check_find_the_same(example):
    monitor, values = example.monitor(patience=Patience(violations=2, windows=3)), [0.4, 0.5, 0.1, 0.6, 0.7, 0.1]
    recorded = []
    for end in range(1, 7):
        recorded += judge(monitor, weekly(example, *values[:end]), recorded, as_of=example.week(end)).events
    late = judge(monitor, weekly(example, *values), [], as_of=example.week(6)).events
    assert [replace(event, as_of=example.week(6)) for event in recorded] == late


def test_judging_twice_says_nothing_new_and_the_same_news(example):
    monitor, metrics = example.monitor(CRITICAL, retraining=Retraining()), weekly(example, 0.4, 0.5, 0.6)
    first = judge(monitor, metrics, [], as_of=example.week(3))
    assert kinds(first) == ["opened", "still_violating", "still_violating", "retraining_started"]
    second = judge(monitor, metrics, first.events[::-1], as_of=example.week(3))
    assert second.events == []
    assert (second.alerts, second.news) == (first.alerts, first.news)


def test_a_past_moment_is_judged_as_it_was_then(example):
    monitor, recorded = example.monitor(CRITICAL, retraining=Retraining(at_most_every=timedelta(days=10))), []
    answers = []
    for end in range(1, 5):
        verdict = judge(monitor, weekly(example, *[0.4, 0.1, 0.5, 0.6][:end]), recorded, as_of=example.week(end))
        recorded += verdict.events
        answers.append((verdict.alerts, verdict.news, verdict.retrain))
    for end in range(1, 5):
        verdict = judge(monitor, weekly(example, *[0.4, 0.1, 0.5, 0.6][:end]), recorded, as_of=example.week(end))
        assert (verdict.alerts, verdict.news, verdict.retrain) == answers[end - 1]
        assert verdict.events == []


def test_small_windows_and_windows_without_the_measure_are_not_judged(example):
    monitor = example.monitor(minimum_rows=50)
    assert judge(monitor, weekly(example, 0.9, rows=49), [], as_of=example.week(1)).alerts == []
    metrics = weekly(example, 0.9, None, 0.8)
    assert kinds(judge(monitor, metrics, [], as_of=example.week(3))) == ["opened", "still_violating"]


def test_the_evidence_names_windows_numbers_and_companions(example):
    metrics = weekly(example, 0.1, 0.4)
    metrics[example.window(1)].whole["depot"] = WindowMetrics(rows=100, psi=0.9)
    [event] = judge(example.monitor(), metrics, [], as_of=example.week(2)).events
    evidence = json.loads(event.evidence)
    assert evidence["limit"] == "psi at most 0.25"
    assert [(one["value"], one["violated"]) for one in evidence["windows"]] == [(0.4, True)]
    assert evidence["most_drifted"] == [{"column": "depot", "psi": 0.9}, {"column": "load", "psi": 0.4}]
    assert evidence["metrics"] == {"labelled": 0, "model_version": "1", "psi": 0.4, "rows": 100}


def test_labels_that_arrive_later_open_an_alert_in_the_past(example):
    monitor = example.monitor({TABLE: Quality("roc_auc", at_least=0.7, minimum_labels=10)})

    def with_labels(labelled):
        table = WindowMetrics(rows=100, labelled=labelled, quality={"roc_auc": 0.6})
        return {example.window(0): WindowParts({TABLE: table})}

    assert judge(monitor, with_labels(9), [], as_of=example.week(1)).events == []
    [event] = judge(monitor, with_labels(10), [], as_of=example.week(2)).events
    assert (event.kind, event.window_start, event.as_of) == ("opened", example.week(0), example.week(2))


def test_metrics_that_change_close_the_alert_and_open_it_again(example):
    monitor = example.monitor()
    recorded = judge(monitor, weekly(example, 0.4), [], as_of=example.week(1)).events
    after = judge(monitor, weekly(example, 0.1), recorded, as_of=example.week(2))
    assert [(event.kind, event.comment) for event in after.events] == [
        ("recovered", "labels, scores or limits have changed since")
    ]
    assert judge(monitor, weekly(example, 0.1), recorded + after.events, as_of=example.week(2)).events == []
    again = judge(monitor, weekly(example, 0.4), recorded + after.events, as_of=example.week(3))
    assert kinds(again) == ["reopened"]
    assert [alert.status for alert in again.alerts] == ["open"]


def test_a_critical_alert_asks_for_a_new_model_and_then_waits(example):
    monitor, recorded, asked = (
        example.monitor(CRITICAL, retraining=Retraining(at_most_every=timedelta(days=15))),
        [],
        [],
    )
    for end in range(1, 5):
        verdict = judge(monitor, weekly(example, *[0.4] * end), recorded, as_of=example.week(end))
        recorded += verdict.events
        asked.append(verdict.retrain)
    assert asked == [True, False, False, True]
    [alert] = verdict.alerts
    assert alert.retraining_as_of == example.week(4)


@pytest.mark.parametrize(("limits", "retraining"), [({"load": Psi(0.25)}, Retraining()), (CRITICAL, None)])
def test_a_warning_or_a_monitor_that_never_retrains_does_not_ask(example, limits, retraining):
    verdict = judge(example.monitor(limits, retraining=retraining), weekly(example, 0.4), [], as_of=example.week(1))
    assert verdict.retrain is False


def test_an_old_alert_without_a_new_window_does_not_ask_again(example):
    monitor = example.monitor(CRITICAL, retraining=Retraining(at_most_every=timedelta(0)))
    first = judge(monitor, weekly(example, 0.4), [], as_of=example.week(1))
    assert (
        judge(monitor, weekly(example, 0.4), first.events, as_of=example.week(1) + timedelta(days=1)).retrain is False
    )


def test_a_resolved_alert_is_reopened_by_a_later_window(example):
    recorded = judge(example.monitor(), weekly(example, 0.4), [], as_of=example.week(1)).events
    [alert] = current(recorded)
    recorded.append(
        resolved(alert, actor="ann", comment="a sensor was replaced", as_of=example.week(1) + timedelta(days=1))
    )
    assert judge(example.monitor(), weekly(example, 0.4), recorded, as_of=example.week(1)).events == []
    later = judge(example.monitor(), weekly(example, 0.4, 0.5), recorded, as_of=example.week(2))
    assert kinds(later) == ["reopened"]
    assert [alert.status for alert in later.alerts] == ["open"]


def test_an_acknowledged_alert_stays_acknowledged_while_it_goes_on(example):
    recorded = judge(example.monitor(), weekly(example, 0.4), [], as_of=example.week(1)).events
    [alert] = current(recorded)
    recorded.append(acknowledged(alert, actor="ann", comment="", as_of=example.week(1)))
    [alert] = judge(example.monitor(), weekly(example, 0.4, 0.5), recorded, as_of=example.week(2)).alerts
    assert (alert.status, alert.windows, alert.handled_by) == ("acknowledged", 2, "ann")
