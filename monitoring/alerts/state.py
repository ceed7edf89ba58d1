"""Alerts: the state of each follows from its events, for any moment that is asked about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from feature_store.errors import Misuse, NotFound, suggestion
from monitoring.alerts.events import Event


@dataclass(frozen=True, kw_only=True)
class Alert:
    """The state of one alert: open, acknowledged, recovered or resolved.

    ``since`` is the start of the window that opened it, ``until`` the end of the last one that violated, ``windows``
    the number of those; ``value``, ``worst`` and ``evidence`` are of violating windows.
    """

    alert_id: str
    monitor: str
    table_name: str
    column_name: str
    metric: str
    status: str
    severity: str
    since: datetime
    until: datetime
    windows: int
    value: float
    limit: float
    evidence: str
    opened_as_of: datetime
    changed_as_of: datetime
    retraining_as_of: datetime | None = None
    handled_by: str = ""
    comment: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the measure is still beyond its limit, as far as anybody knows."""
        return self.status in ("open", "acknowledged")


def current(events: Iterable[Event]) -> list[Alert]:
    """The alerts that follow from ``events``, in order of opening; an event before its alert's opening is ignored."""
    alerts: dict[str, Alert] = {}
    for event in sorted(events, key=Event.order):
        known = alerts.get(event.alert_id)
        if known is None and event.kind == "opened":
            alerts[event.alert_id] = _opened(event)
        elif known is not None:
            alerts[event.alert_id] = _after(known, event)
    return sorted(alerts.values(), key=lambda alert: (alert.since, alert.column_name, alert.metric))


def _opened(event: Event) -> Alert:
    return Alert(
        alert_id=event.alert_id,
        monitor=event.monitor,
        table_name=event.table_name,
        column_name=event.column_name,
        metric=event.metric,
        status="open",
        severity=event.severity,
        since=cast(datetime, event.window_start),
        until=cast(datetime, event.window_end),
        windows=1,
        value=cast(float, event.value),
        limit=cast(float, event.limit),
        evidence=event.evidence,
        opened_as_of=event.as_of,
        changed_as_of=event.as_of,
    )


def _after(alert: Alert, event: Event) -> Alert:
    alert = replace(alert, changed_as_of=event.as_of)
    match event.kind:
        case "still_violating" | "reopened":
            until = max(alert.until, cast(datetime, event.window_end))
            status = "open" if event.kind == "reopened" else alert.status
            return replace(
                alert,
                status=status,
                until=until,
                windows=alert.windows + 1,
                value=cast(float, event.value),
                limit=cast(float, event.limit),
                severity=event.severity,
                evidence=event.evidence,
            )
        case "recovered":
            return replace(alert, status="recovered" if alert.is_open else alert.status)
        case "acknowledged":
            status = "acknowledged" if alert.is_open else alert.status
            return replace(alert, status=status, handled_by=event.actor, comment=event.comment or alert.comment)
        case "resolved":
            return replace(alert, status="resolved", handled_by=event.actor, comment=event.comment)
        case "retraining_started":
            return replace(alert, retraining_as_of=event.as_of)
        case _:
            return alert


# ---- what people do


def acknowledged(alert: Alert, *, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that ``actor`` has seen an open alert.

    Raises
    ------
    Misuse
        If the alert is over, or was acknowledged before.
    """
    if alert.status != "open":
        by = f" by {alert.handled_by}" if alert.handled_by else ""
        raise Misuse(f"Alert {alert.alert_id} cannot be acknowledged: it is {alert.status}{by} already.")
    return _by_person(alert, "acknowledged", actor, comment, as_of)


def resolved(alert: Alert, *, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that ``actor`` closes an alert, recovered or not; a later violation opens it again.

    Raises
    ------
    Misuse
        If the alert is resolved already, or the comment is empty.
    """
    if alert.status == "resolved":
        raise Misuse(f"Alert {alert.alert_id} is resolved already, by {alert.handled_by}: {alert.comment!r}.")
    if not comment.strip():
        raise Misuse(f"Say with --comment why alert {alert.alert_id} is resolved: the next reviewer will want to know.")
    return _by_person(alert, "resolved", actor, comment, as_of)


def _by_person(alert: Alert, kind: str, actor: str, comment: str, as_of: datetime) -> Event:
    if as_of < alert.opened_as_of:
        raise Misuse(
            f"Alert {alert.alert_id} was opened as of {alert.opened_as_of:%Y-%m-%d}; nobody can act on it before."
        )
    return Event(
        monitor=alert.monitor,
        table_name=alert.table_name,
        column_name=alert.column_name,
        metric=alert.metric,
        alert_id=alert.alert_id,
        kind=kind,
        as_of=as_of,
        severity=alert.severity,
        actor=actor,
        comment=comment,
    )


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
