"""Alert events: an append-only table, in which each event is recorded once however often a check is run.

An event's id is a hash of what makes it that event. Nothing is ever changed or deleted.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit

KINDS = (
    "opened", "still_violating", "recovered", "reopened", "retraining_started", "acknowledged", "assigned", "snoozed",
    "resolved",
)  # fmt: skip
"""All kinds of events, in the order in which they happen as of one moment."""
CHECK = "check-drift"
EVENTS_TABLE = "drift_alert_events"
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What an alert is about: a measure of one column, by one monitor."""

    monitor: str
    table_name: str
    column_name: str
    metric: str

    def alert_id(self, opened: datetime) -> str:
        """The id of the alert that was opened by the window starting at ``opened``."""
        return _hash(self.monitor, self.column_name, self.metric, opened.isoformat())[:8]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of the events' table; the comments of its columns say what they mean.

    ``event_id`` is the hash of alert, kind, actor and window; or of the moment instead, where a person acted, a new
    model was asked for, or a check says something ``again`` of a window, since labels, scores or limits changed.
    """

    alert_id: str
    monitor: str
    table_name: str
    column_name: str
    metric: str
    kind: str
    as_of: datetime
    window_start: datetime | None = None
    window_end: datetime | None = None
    value: float | None = None
    limit: float | None = None
    severity: str = "warning"
    evidence: str = "{}"
    actor: str = CHECK
    comment: str = ""
    event_id: str = ""
    again: InitVar[bool] = False

    def __post_init__(self, again: bool) -> None:
        if not self.event_id:
            dated = again or self.window_end is None or self.kind == "retraining_started"
            when = self.as_of if dated else self.window_end
            event_id = _hash(self.alert_id, self.kind, self.actor, str(when))[:16]
            object.__setattr__(self, "event_id", event_id)

    @property
    def cause(self) -> Cause:
        """What the alert is about."""
        return Cause(monitor=self.monitor, table_name=self.table_name, column_name=self.column_name, metric=self.metric)

    def order(self) -> tuple[datetime, datetime, int]:
        """In this order events are read: by moment, then window, then kind; what people do comes last."""
        return self.as_of, self.window_end or _LATEST, KINDS.index(self.kind)


def read_events(store: FeatureStore, *, monitor: str | None = None, as_of: datetime | None = None) -> list[Event]:
    """The recorded events, of one monitor and up to a moment where given."""
    if not store.tables.exists(EVENTS_TABLE):
        return []
    names = [column.name for column in fields(Event)]
    rows: list[dict[str, Any]] = store.tables.collect(EVENTS_TABLE, names).to_pylist()
    events = [Event(**{name: _utc(value) for name, value in row.items()}) for row in rows]
    return [
        event
        for event in events
        if (monitor is None or event.monitor == monitor) and (as_of is None or event.as_of <= as_of)
    ]


def append_events(store: FeatureStore, events: Sequence[Event], commit: Commit) -> int:
    """Record ``events``, none of which is recorded yet, in one commit; their number."""
    if not events:
        return 0
    from monitoring.drift.schemas import EVENTS, arrow_table, ensure

    ensure(store.tables, EVENTS_TABLE, "events")
    rows = [{column: getattr(event, column) for column in EVENTS.names} for event in sorted(events, key=Event.order)]
    return store.tables.append(EVENTS_TABLE, arrow_table(rows, EVENTS), commit=commit)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
