"""Alert events: an append-only table, in which each event is recorded once however often a check is run.

An event's id is a hash of what makes it that event. Nothing is ever changed or deleted. A row that makes no sense is
told and left out; the others still say what they say.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from feature_store.errors import Misuse
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit

KINDS = (
    "opened", "still_violating", "subsided", "recovered", "reopened", "retraining_started", "retraining_finished",
    "acknowledged", "assigned", "snoozed", "resolved",
)  # fmt: skip
"""All kinds of events, in the order in which they happen as of one moment."""
CHECK = "check-drift"
EVENTS_TABLE = "drift_alert_events"
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What an alert is about: a measure of one column (of one slice of it), by one monitor."""

    monitor: str
    table_name: str
    column_name: str
    metric: str
    slice_key: str = ""
    slice_value: str = ""

    @property
    def what(self) -> str:
        """What it is about, in words: column, metric, and the slice if it is of one."""
        of = f" where {self.slice_key} = {self.slice_value}" if self.slice_key else ""
        return f"{self.column_name} {self.metric.removeprefix('scaled_')}{of}"

    def alert_id(self, opened: datetime) -> str:
        """The id of the alert that was opened by the window starting at ``opened``."""
        of_slice = [self.slice_key, self.slice_value] if self.slice_key else []
        return _hash(self.monitor, self.column_name, self.metric, *of_slice, opened.isoformat())[:8]


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
    slice_key: str = ""
    slice_value: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    value: float | None = None
    limit: float | None = None
    severity: str = "warning"
    source: str = ""
    evidence: str = "{}"
    actor: str = CHECK
    comment: str = ""
    assignee: str = ""
    until: datetime | None = None
    recorded_at: datetime | None = None
    event_id: str = ""
    again: InitVar[bool] = False

    def __post_init__(self, again: bool) -> None:
        if not self.event_id:
            dated = again or self.window_end is None or self.kind.startswith("retraining")
            when = self.as_of if dated else self.window_end
            said = [self.assignee, str(self.until)] if self.assignee or self.until else []
            event_id = _hash(self.alert_id, self.kind, self.actor, str(when), *said)[:16]
            object.__setattr__(self, "event_id", event_id)

    @property
    def cause(self) -> Cause:
        """What the alert is about."""
        return Cause(**{column.name: getattr(self, column.name) for column in fields(Cause)})

    def order(self) -> tuple[datetime, datetime, datetime, int, str]:
        """In this order events are read: by moment, window and kind; what people do comes last, as they did it."""
        recorded = (self.recorded_at or _LATEST) if self.window_end is None else _EARLIEST
        return self.as_of, self.window_end or _LATEST, recorded, KINDS.index(self.kind), self.event_id


def read_events(store: FeatureStore, *, monitor: str | None = None, as_of: datetime | None = None) -> list[Event]:
    """All recorded events, in any order; of one monitor, and up to a moment where given."""
    from feature_store.tables.without_pandas import dicts_of

    if not store.tables.exists(EVENTS_TABLE):
        return []
    there = store.tables.columns(EVENTS_TABLE).names
    names = [column.name for column in fields(Event) if column.name in there]
    events = {}
    for row in dicts_of(store.tables.collect(EVENTS_TABLE, names)):
        try:
            event = _event(row)
        except Misuse as error:
            logging.getLogger(__name__).warning("%s: an event makes no sense and is left out: %s", EVENTS_TABLE, error)
            continue
        events[event.event_id] = event
    return [
        event
        for event in events.values()
        if (monitor is None or event.monitor == monitor) and (as_of is None or event.as_of <= as_of)
    ]


def append_events(store: FeatureStore, events: Sequence[Event], commit: Commit) -> int:
    """Record ``events``, none of which is recorded yet, in one commit; their number."""
    if not events:
        return 0
    from monitoring.drift.schemas import EVENTS, arrow_table, ensure

    ensure(store.tables, EVENTS_TABLE, "events")
    now = datetime.now(UTC)
    ordered = sorted(events, key=Event.order)
    rows = [{column: getattr(event, column) for column in EVENTS.names} | {"recorded_at": now} for event in ordered]
    count = store.tables.append(EVENTS_TABLE, arrow_table(rows, EVENTS), commit=commit)
    store.tables.compact(EVENTS_TABLE, commit=commit)
    return count


def _event(row: Mapping[str, Any]) -> Event:
    """The event of a row; Misuse says what is wrong with it."""
    values = {name: _utc(value) for name, value in row.items() if value is not None}
    where = f"event {row.get('event_id')!r} of alert {row.get('alert_id')!r}"
    missing = [name for name in ("event_id", "alert_id", "monitor", "kind", "as_of") if not values.get(name)]
    if values.get("kind") == "opened":
        missing += [name for name in ("window_start", "window_end", "value", "limit") if name not in values]
    if missing:
        raise Misuse(f"{where} lacks {', '.join(missing)}")
    if values["kind"] not in KINDS:
        raise Misuse(f"{where} is of the unknown kind {values['kind']!r}")
    try:
        evidence = json.loads(values.get("evidence", "{}"))
    except ValueError:
        evidence = None
    if not isinstance(evidence, dict):
        raise Misuse(f"{where} has evidence that is no JSON object")
    blank = {"table_name": "", "column_name": "", "metric": ""}
    return Event(**(blank | values))


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
