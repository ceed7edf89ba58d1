"""What people do with alerts: each action is an event, refused where it makes no sense."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from feature_store.errors import Misuse
from monitoring.alerts.events import Event
from monitoring.alerts.state import Alert

MOST_COMMENT = 4000
"""Characters of a comment."""
LONGEST_SNOOZE = timedelta(days=366)


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


def assigned(alert: Alert, *, assignee: str, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that ``actor`` gives an alert that is not over to ``assignee``.

    Raises
    ------
    Misuse
        If the alert is over, nobody is named, or it is theirs already.
    """
    _check_open(alert, "assigned")
    name = assignee.strip()
    if not name:
        raise Misuse(f"Say to whom alert {alert.alert_id} is assigned.")
    if name == alert.assignee:
        raise Misuse(f"Alert {alert.alert_id} is assigned to {name} already.")
    return _by_person(alert, "assigned", actor, comment, as_of, assignee=name)


def snoozed(alert: Alert, *, until: datetime, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that nobody wants to hear of an alert before ``until``; it neither notifies nor asks for a new model.

    Raises
    ------
    Misuse
        If the alert is over, or ``until`` is not within a year from ``as_of``.
    """
    _check_open(alert, "snoozed")
    if not as_of < until <= as_of + LONGEST_SNOOZE:
        raise Misuse(
            f"Alert {alert.alert_id} cannot be snoozed until {until:%Y-%m-%d %H:%M}: name a moment after "
            f"{as_of:%Y-%m-%d %H:%M}, at most a year later."
        )
    return _by_person(alert, "snoozed", actor, comment, as_of, until=until)


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


def reopened(alert: Alert, *, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that ``actor`` opens an alert again that is over; it then stays open until a person resolves it.

    Raises
    ------
    Misuse
        If the alert is not over, or the comment is empty.
    """
    if alert.is_open:
        raise Misuse(f"Alert {alert.alert_id} cannot be reopened: it is {alert.status}.")
    if not comment.strip():
        raise Misuse(f"Say with --comment why alert {alert.alert_id} is opened again.")
    return _by_person(alert, "reopened", actor, comment, as_of)


def retraining_asked(alert: Alert, *, actor: str, comment: str, as_of: datetime) -> Event:
    """The event that ``actor`` asks for a new model because of an alert that is not over.

    Raises
    ------
    Misuse
        If the alert is over.
    """
    _check_open(alert, "the reason to train again")
    return _by_person(alert, "retraining_started", actor, comment, as_of)


def retraining_ended(alert: Alert, *, outcome: str, evidence: str, as_of: datetime, actor: str) -> Event:
    """The event that says what came of the training that an alert asked for."""
    return _by_person(alert, "retraining_finished", actor, outcome, as_of, evidence=evidence)


def _check_open(alert: Alert, what: str) -> None:
    if not alert.is_open:
        by = f" by {alert.handled_by}" if alert.handled_by else ""
        raise Misuse(f"Alert {alert.alert_id} cannot be {what}: it is {alert.status}{by}.")


def _by_person(
    alert: Alert,
    kind: str,
    actor: str,
    comment: str,
    as_of: datetime,
    *,
    assignee: str = "",
    until: datetime | None = None,
    evidence: str = "{}",
) -> Event:
    if as_of < alert.opened_as_of:
        raise Misuse(
            f"Alert {alert.alert_id} was opened as of {alert.opened_as_of:%Y-%m-%d}; nobody can act on it before."
        )
    if not actor.strip():
        raise Misuse("Say who acts: a name, or an address.")
    if len(comment) > MOST_COMMENT:
        raise Misuse(f"A comment has at most {MOST_COMMENT} characters; this one has {len(comment)}.")
    return Event(
        **asdict(alert.cause),
        alert_id=alert.alert_id,
        kind=kind,
        as_of=as_of,
        severity=alert.severity,
        source=alert.source,
        actor=actor.strip(),
        comment=comment.strip(),
        assignee=assignee,
        until=until.astimezone(UTC) if until else None,
        evidence=evidence,
    )
