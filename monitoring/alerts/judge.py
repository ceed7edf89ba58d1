"""From measured windows and recorded events to new events, alerts and the decision to retrain; pure functions."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from monitoring.alerts.causes import concentrated, explained, most_drifted, source_of
from monitoring.alerts.events import CHECK, Cause, Event
from monitoring.alerts.rules import Occurrence, occurrences
from monitoring.alerts.state import Alert, current
from monitoring.alerts.watches import Baselines, Watch, judgements, no_baseline, watches
from monitoring.drift.metrics import WindowParts, Windows
from monitoring.spec import Monitor
from monitoring.table_limits import SchemaChange
from monitoring.windows.metrics import TABLE, WindowMetrics

_VIOLATING = ("opened", "still_violating", "reopened")


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
    monitor: Monitor,
    metrics: Windows,
    recorded: Sequence[Event],
    *,
    as_of: datetime,
    baselines: Baselines = no_baseline,
) -> Verdict:
    """Apply the monitor's limits to the complete windows' ``metrics``, given all ``recorded`` events of the monitor.

    Only events up to ``as_of`` are taken into account, so that a check of a past moment answers as it did then. Where
    the record says otherwise than the metrics do now (labels arrived, scores or limits were changed), the newest
    check sets it right by further events.
    """
    known = [event for event in recorded if event.as_of <= as_of]
    happened = list(_occurred(monitor, metrics, known, as_of, baselines))
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


def _occurred(
    monitor: Monitor, metrics: Windows, known: Iterable[Event], as_of: datetime, baselines: Baselines
) -> Iterable[Event]:
    resolutions = _resolutions(known)
    for watch in watches(monitor, metrics):
        happened = occurrences(
            judgements(watch, metrics, baselines),
            watch.patience,
            resolutions.get(watch.cause, {}),
            closed_by_recovery=monitor.closed_by_recovery,
        )
        for occurrence in happened:
            yield _event(monitor, watch, occurrence, metrics[occurrence.judgement.window], as_of)


def _resolutions(events: Iterable[Event]) -> dict[Cause, dict[datetime, list[datetime]]]:
    """When people resolved alerts, by cause and by the start of the window that opened the alert."""
    events = sorted(events, key=Event.order)
    opened = {event.alert_id: event.window_start for event in events if event.kind == "opened"}
    found: dict[Cause, dict[datetime, list[datetime]]] = {}
    for event in events:
        start = opened.get(event.alert_id)
        if start is None or event.actor == CHECK:
            continue
        moments = found.setdefault(event.cause, {}).setdefault(start, [])
        if event.kind == "resolved":
            moments.append(event.as_of)
        elif event.kind == "reopened" and moments:
            moments.pop()
    return found


def _event(monitor: Monitor, watch: Watch, occurrence: Occurrence, parts: WindowParts, as_of: datetime) -> Event:
    judgement, cause = occurrence.judgement, watch.cause
    columns = parts.part(watch.of)
    measured = columns[cause.column_name]
    whole = parts.whole.get(TABLE)
    evidence = {
        "limit": str(watch.limit),
        "rule": str(watch.patience),
        "windows": [
            {name: moment.isoformat() for name, moment in one.window.as_struct().items()}
            | {"value": one.value, "violated": one.violated}
            for one in occurrence.last_windows
        ],
        "metrics": _given(measured),
        "quality": _given(whole).get("quality", {}) if whole else {},
        "most_drifted": [{"column": name, "psi": psi} for name, psi in most_drifted(columns)],
        "histogram": [list(cell) for cell in measured.histogram],
        "explained": [{"column": name, "part": part} for name, part in explained(parts.whole)],
        "concentrated": concentrated(watch, parts),
        "schema_changed": watch.limit.changed(measured) if isinstance(watch.limit, SchemaChange) else [],
    }
    return Event(
        **asdict(cause),
        alert_id=cause.alert_id(occurrence.opened),
        kind=occurrence.kind,
        as_of=as_of,
        window_start=judgement.window.start,
        window_end=judgement.window.end,
        value=judgement.value,
        limit=judgement.limit,
        severity=str(watch.limit.severity),
        source=source_of(monitor, cause.column_name),
        evidence=json.dumps(evidence, sort_keys=True),
    )


def _given(measured: WindowMetrics) -> dict[str, object]:
    """The numbers that there are; bins and words are told apart."""
    given = {name: value for name, value in asdict(measured).items() if value not in (None, (), {})}
    if measured.quality is not None:
        quality = {name: value for name, value in measured.quality.items() if value is not None}
        given |= {"quality": quality} if quality else {}
    if not given.get("quality"):
        given.pop("quality", None)
    return {name: value for name, value in given.items() if name not in ("histogram", "changed", "data_type")}


def _corrections(alerts: Iterable[Alert], happened: Sequence[Event], metrics: Windows, as_of: datetime) -> list[Event]:
    """Events that close alerts which the metrics no longer show, and reopen those which they show again."""
    last: dict[str, Event] = {event.alert_id: event for event in happened}
    corrected = []
    for alert in alerts:
        now = last.get(alert.alert_id)
        violating = now is not None and now.kind in _VIOLATING
        waits = alert.is_held or (now is not None and now.kind == "subsided")
        if alert.is_open == violating or alert.status == "resolved" or waits or (now is None and not alert.is_open):
            continue
        newest = max(metrics)
        corrected.append(
            Event(
                **asdict(alert.cause),
                alert_id=alert.alert_id,
                source=alert.source,
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


def _asking(monitor: Monitor, events: Sequence[Event], as_of: datetime) -> list[Event]:
    """One event for each alert that asks for a new model now; none while the monitor waits after the last time."""
    retraining = monitor.asks_for_retraining
    if retraining is None:
        return []
    wait = retraining.at_most_every
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
            source=alert.source,
        )
        for alert in current(events)
        if alert.is_open and alert.severity == retraining.on and alert.alert_id in news and not alert.is_snoozed(as_of)
    ]
