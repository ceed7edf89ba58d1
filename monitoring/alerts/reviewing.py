"""Acting on alerts: read what there is, decide on the newest state, record, and see whether somebody else was first."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from feature_store.errors import Misuse, PipelineError
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts.events import Event, append_events, read_events
from monitoring.alerts.state import Alert, pick_all, replay

Action = Callable[[Alert], Event]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which alerts somebody wants to see; what is left open does not choose. ``column`` and ``source`` may have ``*``."""

    monitor: str | None = None
    severity: str | None = None
    status: str | None = None
    column: str | None = None
    source: str | None = None
    assignee: str | None = None
    since: datetime | None = None
    follows: str | None = None
    everything: bool = False
    snoozed: bool = False

    def wants(self, alert: Alert, as_of: datetime) -> bool:
        """Whether the alert is one of them; without ``everything`` or a status, those open and not snoozed."""
        chosen = [
            self.monitor in (None, alert.monitor),
            self.severity in (None, alert.severity),
            self.status in (None, alert.status),
            self.column is None or fnmatchcase(alert.column_name, self.column),
            self.source is None or fnmatchcase(alert.source, self.source),
            self.assignee in (None, alert.assignee),
            self.since is None or alert.until > self.since,
            self.follows in (None, alert.follows),
            self.everything or self.status is not None or alert.is_open,
            self.everything or self.snoozed == alert.is_snoozed(as_of),
        ]
        return all(chosen)


def act(
    store: FeatureStore, alert_id: str, action: Action, *, as_of: datetime, with_following: bool = False
) -> list[Event]:
    """Record what a person does to an alert or, of a group, to all its members that it makes sense for; the events.

    ``with_following`` does the same to each open alert that may follow from it; the comment then names the cause.

    Raises
    ------
    NotFound
        If there is no such alert.
    Misuse
        If it makes no sense, or somebody else was faster; who and why is told.
    """
    everything = replay(read_events(store, as_of=as_of)).alerts
    alerts = pick_all(everything, alert_id)
    causes = {alert.alert_id: alert for alert in alerts} if with_following else {}
    alerts += following(everything, alerts) if with_following else []
    events: list[Event] = []
    refused: list[PipelineError] = []
    for alert in alerts:
        try:
            event, cause = action(alert), causes.get(alert.follows)
            events.append(replace(event, comment=_because_of(cause, event.comment)) if cause else event)
        except PipelineError as error:
            refused.append(error)
    if not events:
        raise refused[0]
    names = ", ".join(event.alert_id for event in events)
    append_events(store, events, Commit(verb="review-alerts", as_of=as_of, details={"alert": names}))
    after = replay(read_events(store, as_of=as_of))
    late = [event for event in events if event.event_id in after.without_effect]
    if late and len(late) == len(events):
        now = next(alert for alert in after.alerts if alert.alert_id == late[0].alert_id)
        raise Misuse(
            f"Alert {now.alert_id} was {now.status} by {now.handled_by} in the same moment: {now.comment!r}. What you said "
            "is kept in its history, and changed nothing."
        )
    return [event for event in events if event not in late]


def following(alerts: Sequence[Alert], causes: Sequence[Alert]) -> list[Alert]:
    """The open alerts that may follow from any of these, and are none of them."""
    ids = {alert.alert_id for alert in causes}
    return [alert for alert in alerts if alert.is_open and alert.follows in ids and alert.alert_id not in ids]


def _because_of(cause: Alert, comment: str) -> str:
    said = f"may follow from {cause.named}"
    return f"{comment} ({said})" if comment.strip() else said


def plain(noun: Alert | Event) -> dict[str, object]:
    """Plain JSON data: moments in ISO 8601, the evidence as data."""
    data = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(noun).items()}
    return data | {"evidence": json.loads(noun.evidence)}


def history_of(events: Sequence[Event], alert: Alert) -> list[Event]:
    """What happened to the alert, in order."""
    return sorted((event for event in events if event.alert_id == alert.alert_id), key=Event.order)
