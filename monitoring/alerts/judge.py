"""From measured windows and recorded events to new events, alerts and the decision to retrain; pure functions."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from monitoring.alerts.events import CHECK, Cause, Event
from monitoring.alerts.rules import Judgement, Occurrence, occurrences
from monitoring.alerts.state import Alert, current
from monitoring.drift.metrics import ByColumn
from monitoring.drift.windows import Window
from monitoring.limits import TABLE, Limit, WindowMetrics
from monitoring.spec import DriftMonitor

_VIOLATING = ("opened", "still_violating", "reopened")
MOST_DRIFTED = 5


@dataclass(frozen=True)
class Verdict:
    """What a check found as of its moment.

    ``events`` are those not recorded yet, ``alerts`` all of the monitor's, with these events; ``news`` maps alerts to
    the kinds of events that happened to them as of this very moment, recorded or not; ``retrain`` asks for a new model.
    """

    events: list[Event]
    alerts: list[Alert]
    news: dict[str, list[str]]
    retrain: bool


def judge(
    monitor: DriftMonitor, metrics: Mapping[Window, ByColumn], recorded: Sequence[Event], *, as_of: datetime
) -> Verdict:
    """Apply the monitor's limits to the complete windows' ``metrics``, given all ``recorded`` events of the monitor.

    Only events up to ``as_of`` are taken into account, so that a check of a past moment answers as it did then. Where
    the record says otherwise than the metrics do now (labels arrived, scores or limits were changed), the newest
    check sets it right by further events.
    """
    known = [event for event in recorded if event.as_of <= as_of]
    happened = list(_occurred(monitor, metrics, known, as_of))
    ids = {event.event_id for event in known}
    merged = known + [event for event in happened if event.event_id not in ids]
    if all(event.as_of <= as_of for event in recorded if event.actor == CHECK):
        merged += _corrections(current(merged), happened, metrics, as_of)
    asking = _asking(monitor, merged, as_of)
    merged += [event for event in asking if event.event_id not in ids]
    news: dict[str, list[str]] = {}
    for event in sorted(merged, key=Event.order):
        if event.as_of == as_of and event.actor == CHECK:
            news.setdefault(event.alert_id, []).append(event.kind)
    return Verdict([event for event in merged if event.event_id not in ids], current(merged), news, bool(asking))


def judgements(metrics: Mapping[Window, ByColumn], column: str, limit: Limit, *, minimum_rows: int) -> list[Judgement]:
    """The windows in which ``limit`` can be judged: enough rows, and the measure is there. In order of time."""
    found = []
    for window, columns in sorted(metrics.items()):
        measured = columns.get(column)
        value = limit.value(measured) if measured and measured.rows >= minimum_rows else None
        if value is not None:
            found.append(Judgement(window, value, limit.violated(value)))
    return found


def most_drifted(
    columns: ByColumn, most: int = MOST_DRIFTED, *, among: Collection[str] = ()
) -> list[tuple[str, float]]:
    """The columns with the largest population stability index in a window, largest first; ``among`` some, if given."""
    drifted = [
        (name, metrics.psi)
        for name, metrics in columns.items()
        if metrics.psi is not None and (not among or name in among)
    ]
    return sorted(drifted, key=lambda pair: (-pair[1], pair[0]))[:most]


def _occurred(
    monitor: DriftMonitor, metrics: Mapping[Window, ByColumn], known: Iterable[Event], as_of: datetime
) -> Iterable[Event]:
    resolutions = _resolutions(known)
    for column in monitor.limits:
        for limit in monitor.limits_of(column):
            cause = Cause(
                monitor=monitor.name, table_name=monitor.scoring.output, column_name=column, metric=limit.metric
            )
            judged = judgements(metrics, column, limit, minimum_rows=monitor.minimum_rows)
            for occurrence in occurrences(judged, monitor.alert_after, resolutions.get(cause, {})):
                yield _event(monitor, cause, limit, occurrence, metrics[occurrence.judgement.window], as_of)


def _resolutions(events: Iterable[Event]) -> dict[Cause, dict[datetime, list[datetime]]]:
    """When people resolved alerts, by cause and by the start of the window that opened the alert."""
    events = list(events)
    opened = {event.alert_id: event.window_start for event in events if event.kind == "opened"}
    found: dict[Cause, dict[datetime, list[datetime]]] = {}
    for event in events:
        start = opened.get(event.alert_id)
        if event.kind == "resolved" and start is not None:
            found.setdefault(event.cause, {}).setdefault(start, []).append(event.as_of)
    return found


def _event(
    monitor: DriftMonitor, cause: Cause, limit: Limit, occurrence: Occurrence, columns: ByColumn, as_of: datetime
) -> Event:
    judgement = occurrence.judgement
    measured = columns[cause.column_name]
    evidence = {
        "limit": str(limit),
        "rule": f"{monitor.alert_after.violations} of the last {monitor.alert_after.windows} windows, and the latest",
        "windows": [
            {name: moment.isoformat() for name, moment in one.window.as_struct().items()}
            | {"value": one.value, "violated": one.violated}
            for one in occurrence.last_windows
        ],
        "metrics": _given(measured),
        "quality": _given(columns[TABLE]).get("quality", {}) if TABLE in columns else {},
        "most_drifted": [{"column": name, "psi": psi} for name, psi in most_drifted(columns)],
    }  # fmt: skip
    return Event(
        **asdict(cause),
        alert_id=cause.alert_id(occurrence.opened),
        kind=occurrence.kind,
        as_of=as_of,
        window_start=judgement.window.start,
        window_end=judgement.window.end,
        value=judgement.value,
        limit=float(limit.limit),
        severity=str(limit.severity),
        evidence=json.dumps(evidence, sort_keys=True),
    )


def _given(measured: WindowMetrics) -> dict[str, object]:
    given = {name: value for name, value in asdict(measured).items() if value is not None}
    if measured.quality is not None:
        given["quality"] = {name: value for name, value in measured.quality.items() if value is not None}
    return given


def _corrections(
    alerts: Iterable[Alert], happened: Sequence[Event], metrics: Mapping[Window, ByColumn], as_of: datetime
) -> list[Event]:
    """Events that close alerts which the metrics no longer show, and reopen those which they show again."""
    last: dict[str, Event] = {event.alert_id: event for event in happened}
    corrected = []
    for alert in alerts:
        now = last.get(alert.alert_id)
        violating = now is not None and now.kind in _VIOLATING
        if alert.is_open == violating or alert.status == "resolved" or (now is None and not alert.is_open):
            continue
        newest = max(metrics)
        corrected.append(
            Event(
                alert_id=alert.alert_id,
                monitor=alert.monitor,
                table_name=alert.table_name,
                column_name=alert.column_name,
                metric=alert.metric,
                kind="reopened" if violating else "recovered",
                as_of=as_of,
                window_start=now.window_start if now else newest.start,
                window_end=now.window_end if now else newest.end,
                value=now.value if now else None,
                limit=now.limit if now else None,
                severity=now.severity if now else alert.severity,
                evidence=now.evidence if now else "{}",
                comment="labels, scores or limits have changed since",
                again=True,
            )
        )
    return corrected


def _asking(monitor: DriftMonitor, events: Sequence[Event], as_of: datetime) -> list[Event]:
    """One event for each alert that asks for a new model now; none while the monitor waits after the last time."""
    if monitor.retraining is None:
        return []
    wait = monitor.retraining.at_most_every
    if any(event.kind == "retraining_started" and as_of - wait < event.as_of < as_of for event in events):
        return []
    latest = sorted((event for event in events if event.as_of == as_of and event.kind in _VIOLATING), key=Event.order)
    news = {event.alert_id: event for event in latest}
    return [
        Event(
            **asdict(news[alert.alert_id].cause),
            alert_id=alert.alert_id,
            kind="retraining_started",
            as_of=as_of,
            window_start=news[alert.alert_id].window_start,
            window_end=news[alert.alert_id].window_end,
            value=alert.value,
            limit=alert.limit,
            severity=alert.severity,
        )
        for alert in current(events)
        if alert.is_open and alert.severity == monitor.retraining.on and alert.alert_id in news
    ]
