"""Alerts: the state of each follows from its events, for any moment that is asked about."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import cast

from feature_store.errors import NotFound, suggestion
from monitoring.alerts.events import CHECK, Cause, Event
from monitoring.alerts.following import first_causes
from monitoring.windows.metrics import TABLE

GROUP_FROM = 3
"""So many features of one table whose alerts opened in the same window are one group."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """The state of one alert: open, acknowledged, subsided, recovered or resolved.

    ``since`` is the start of the window that opened it, ``until`` the end of the last one that violated, ``windows``
    the number of those; ``value`` and ``evidence`` are of the last violating window. ``is_held`` one was opened again by a
    person, and ends only by a person. ``follows`` is the open alert that it may follow from, ``followed_by`` the number of open
    ones that may follow from it.
    """

    alert_id: str
    monitor: str
    table_name: str
    column_name: str
    metric: str
    slice_key: str = ""
    slice_value: str = ""
    status: str
    severity: str
    since: datetime
    until: datetime
    windows: int
    value: float
    limit: float
    source: str = ""
    group: str = ""
    evidence: str = field(repr=False)
    opened_as_of: datetime
    changed_as_of: datetime
    retraining_as_of: datetime | None = None
    retraining: str = ""
    handled_by: str = ""
    comment: str = ""
    assignee: str = ""
    snoozed_until: datetime | None = None
    is_held: bool = False
    follows: str = ""
    followed_by: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it: it is beyond its limit, as far as anybody knows, or waits for a person."""
        return self.status in ("open", "acknowledged", "subsided")

    @property
    def what(self) -> str:
        """What it is about, in words: column, metric, and the slice if it is of one."""
        return self.cause.what

    @property
    def named(self) -> str:
        """Which one it is, for another alert's reader: ``schedule unknown_origins (0aec70a8)``."""
        return f"{self.monitor} {self.what.removeprefix(TABLE + ' ')} ({self.alert_id})"

    @property
    def cause(self) -> Cause:
        """What it is about."""
        return Cause(**{column.name: getattr(self, column.name) for column in fields(Cause)})

    def is_snoozed(self, as_of: datetime) -> bool:
        """Whether nobody wants to hear of it as of this moment."""
        return self.snoozed_until is not None and as_of < self.snoozed_until


@dataclass(frozen=True)
class Replay:
    """The alerts that follow from events; and the ids of those that came too late to change anything."""

    alerts: list[Alert]
    without_effect: frozenset[str]


def current(events: Iterable[Event]) -> list[Alert]:
    """The alerts that follow from ``events``, in order of opening; an event before its alert's opening is ignored."""
    return replay(events).alerts


def replay(events: Iterable[Event]) -> Replay:
    """The same, with the events that had no effect: of two people who resolve an alert at once, one comes second."""
    alerts: dict[str, Alert] = {}
    named: dict[str, list[str]] = {}
    late: set[str] = set()
    for event in sorted(events, key=Event.order):
        known = alerts.get(event.alert_id)
        if known is None:
            if event.kind == "opened":
                alerts[event.alert_id] = _opened(event)
                named[event.alert_id] = _named(event)
            continue
        after = _after(known, event)
        if event.kind == "reopened" and event.actor == CHECK:
            named[event.alert_id] = _named(event)
        if after is None:
            late.add(event.event_id)
        else:
            alerts[event.alert_id] = replace(after, changed_as_of=event.as_of)
    ordered = sorted(alerts.values(), key=lambda alert: (alert.since, alert.column_name, alert.metric, alert.alert_id))
    return Replay(_following(_grouped(ordered), named), frozenset(late))


def _opened(event: Event) -> Alert:
    return Alert(
        **asdict(event.cause),
        alert_id=event.alert_id,
        status="open",
        severity=event.severity,
        since=cast(datetime, event.window_start),
        until=cast(datetime, event.window_end),
        windows=1,
        value=cast(float, event.value),
        limit=cast(float, event.limit),
        source=event.source,
        evidence=event.evidence,
        opened_as_of=event.as_of,
        changed_as_of=event.as_of,
    )


def _after(alert: Alert, event: Event) -> Alert | None:
    """The alert after the event; None if it changed nothing, since somebody else was first."""
    if event.kind == "reopened" and event.actor != CHECK:
        reopened = replace(alert, status="open", handled_by=event.actor, comment=event.comment, is_held=True)
        return None if alert.is_open else reopened
    match event.kind:
        case "still_violating" | "reopened":
            status = "open" if event.kind == "reopened" or alert.status == "subsided" else alert.status
            return replace(
                alert,
                status=status,
                until=max(alert.until, event.window_end or alert.until),
                windows=alert.windows + 1,
                value=alert.value if event.value is None else event.value,
                limit=alert.limit if event.limit is None else event.limit,
                severity=event.severity,
                source=event.source or alert.source,
                evidence=event.evidence,
            )
        case "recovered":
            return replace(alert, status="recovered" if alert.is_open and not alert.is_held else alert.status)
        case "subsided":
            return replace(alert, status="subsided" if alert.is_open else alert.status)
        case "acknowledged":
            known = replace(
                alert, status="acknowledged", handled_by=event.actor, comment=event.comment or alert.comment
            )
            return known if alert.status == "open" else None
        case "assigned":
            return replace(alert, assignee=event.assignee)
        case "snoozed":
            return replace(
                alert, snoozed_until=event.until, handled_by=event.actor, comment=event.comment or alert.comment
            )
        case "resolved":
            done = replace(alert, status="resolved", handled_by=event.actor, comment=event.comment, is_held=False)
            return None if alert.status == "resolved" else replace(done, snoozed_until=None)
        case "retraining_started":
            return replace(alert, retraining_as_of=event.as_of, retraining="")
        case "retraining_finished":
            return replace(alert, retraining=event.comment)
        case _:
            return None


def _grouped(alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts with the group that each belongs to: features of one table whose alerts opened in the same window."""
    columns: dict[tuple[str, str, datetime], set[str]] = {}
    for alert in alerts:
        if _may_be_grouped(alert):
            columns.setdefault((alert.monitor, alert.source, alert.since), set()).add(alert.column_name)
    groups = {key for key, names in columns.items() if len(names) >= GROUP_FROM}
    return [
        replace(alert, group=_group_id(alert))
        if _may_be_grouped(alert) and (alert.monitor, alert.source, alert.since) in groups
        else alert
        for alert in alerts
    ]


def _named(event: Event) -> list[str]:
    """The alerts that the diagnosis of an opening named as those it may follow from; none in events of before it did."""
    found = json.loads(event.evidence).get("follows") if '"follows"' in event.evidence else None
    return [str(one) for one in found] if isinstance(found, list) else []


def _following(alerts: Sequence[Alert], named: Mapping[str, Sequence[str]]) -> list[Alert]:
    """The alerts with what each may follow from, and how many open ones may follow from it."""
    began = {one.alert_id: (one.since, one.opened_as_of, one.alert_id) for one in alerts if one.is_open}
    first = first_causes(named, began)
    counted = Counter(first[alert_id] for alert_id in first if alert_id in began)
    return [replace(one, follows=first.get(one.alert_id, ""), followed_by=counted[one.alert_id]) for one in alerts]


def _may_be_grouped(alert: Alert) -> bool:
    return bool(alert.source) and alert.column_name != TABLE


def _group_id(alert: Alert) -> str:
    text = "\n".join((alert.monitor, alert.source, alert.since.isoformat()))
    return "g" + hashlib.sha256(text.encode()).hexdigest()[:7]


def pick(alerts: Sequence[Alert], alert_id: str) -> Alert:
    """The alert with this id, or with an id that begins so.

    Raises
    ------
    NotFound
        If there is none, or more than one; the closest ids are suggested.
    """
    found = [alert for alert in alerts if alert.alert_id.startswith(alert_id)] if alert_id else []
    if len(found) != 1:
        what = f"Alert id {alert_id!r} is not unique." if found else f"There is no alert {alert_id!r}."
        if not alerts:
            raise NotFound(f"{what} There are no alerts at all; check-drift opens them.")
        raise NotFound(f"{what} {suggestion(alert_id, [alert.alert_id for alert in alerts])}")
    return found[0]


def pick_all(alerts: Sequence[Alert], alert_id: str) -> list[Alert]:
    """The alert with this id, or those of the group with this id.

    Raises
    ------
    NotFound
        As :func:`pick` does.
    """
    members = [alert for alert in alerts if alert.group and alert.group == alert_id]
    return members or [pick(alerts, alert_id)]
