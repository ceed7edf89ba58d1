"""What the report tells of an alert: its measure over all windows, the distribution now, and the diagnosis in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring.alerts.checking import Check
from monitoring.alerts.events import CHECK, Event
from monitoring.alerts.state import Alert
from monitoring.alerts.watches import Honesty
from monitoring.drift.baseline import Slice
from monitoring.limits import Severity
from monitoring.telling.listing import MOST_FOLLOWING, arranged, counted, with_causes
from monitoring.telling.page.drawing import Picture, distribution, over_windows
from monitoring.telling.page.rows import MOST_POINTS, recent
from monitoring.telling.printing import diagnosis, evidence_of
from monitoring.telling.standing import Point, points
from monitoring.windows.bounds import Bounds
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import TABLE, WindowMetrics

MOST_DRAWN = 12
"""So many alerts are told with pictures: the rest are in the table."""


@dataclass(frozen=True)
class Told:
    """An alert, the events that made it what it is, and all that is drawn and said of it."""

    alert: Alert
    happened: Sequence[str]
    people: Sequence[Event]
    lines: Sequence[str]
    judged: Sequence[Mapping[str, object]]
    limit: str
    rule: str
    pictures: Sequence[Picture]
    is_snoozed: bool

    @property
    def is_new(self) -> bool:
        """Whether it was opened, for the first time or again, as of the moment of the check."""
        return not {"opened", "reopened"}.isdisjoint(self.happened)


@dataclass(frozen=True)
class Entry:
    """An open alert, and those ``beneath`` it that may follow from it; ``told`` is None of one of another monitor."""

    alert: Alert
    told: Told | None
    beneath: Sequence[Told]

    @property
    def beneath_in_words(self) -> str:
        """How many are beneath it, and how many of them are critical."""
        return counted([one.alert for one in self.beneath])

    @property
    def is_unfolded(self) -> bool:
        """Whether those beneath it are few enough to be seen at once."""
        return len(self.beneath) <= MOST_FOLLOWING


def entries_of(check: Check, history: Sequence[Event]) -> list[Entry]:
    """The open alerts arranged as a list of alerts is, none left out; pictures are drawn of those with lines of their own first."""
    is_open = sorted(
        (alert for alert in check.verdict.alerts if alert.is_open), key=lambda one: _worst_first(check, one)
    )
    own = {alert.alert_id for alert in is_open}
    beneath: dict[str, list[Alert]] = {}
    first = list[Alert]()
    for line in arranged([[alert] for alert in with_causes(is_open, check.causes)]):
        (beneath.setdefault(line.follows.alert_id, []) if line.follows else first).extend(line.members)
    ordered = [
        *(alert for alert in first if alert.alert_id in own),
        *(one for some in beneath.values() for one in some),
    ]
    told = {
        alert.alert_id: told_of(check, alert, history, drawn=place < MOST_DRAWN) for place, alert in enumerate(ordered)
    }
    return [
        Entry(alert, told.get(alert.alert_id), [told[one.alert_id] for one in beneath.get(alert.alert_id, ())])
        for alert in first
    ]


def _worst_first(check: Check, alert: Alert) -> tuple[bool, bool, bool, float, str]:
    """Critical ones, new ones, then those that have been on for longest; snoozed ones come last."""
    is_new = not {"opened", "reopened"}.isdisjoint(check.verdict.news.get(alert.alert_id, ()))
    critical = alert.severity == Severity.CRITICAL
    return alert.is_snoozed(check.as_of), not critical, not is_new, alert.since.timestamp(), alert.what


def told_of(check: Check, alert: Alert, history: Sequence[Event], *, drawn: bool) -> Told:
    """All that the report tells of the alert; pictures only if they are to be ``drawn``."""
    own = [event for event in history if event.alert_id == alert.alert_id]
    evidence = evidence_of(alert, own)
    judged = [one for one in evidence.get("windows", ()) if isinstance(one, Mapping)]
    return Told(
        alert=alert,
        happened=check.verdict.news.get(alert.alert_id, ()),
        people=[event for event in own if event.actor != CHECK],
        lines=[*_related(check, alert), *diagnosis(alert, evidence)],
        judged=judged,
        limit=str(evidence.get("limit", "")),
        rule=str(evidence.get("rule", "")),
        pictures=[picture for picture in (_trend(check, alert), _shape(check, alert)) if picture] if drawn else [],
        is_snoozed=alert.is_snoozed(check.as_of),
    )


def _related(check: Check, alert: Alert) -> list[str]:
    """What it may follow from, and how many may follow from it, of this monitor or another one."""
    cause = check.causes.get(alert.follows)
    said = [f"May follow from {cause.named}."] if cause else []
    if alert.followed_by:
        many = f"{alert.followed_by} open alert{'s' * (alert.followed_by > 1)}"
        said.append(f"{many} may follow from it: review-alerts list --follows {alert.alert_id}")
    return said


def _trend(check: Check, alert: Alert) -> Picture | None:
    """The measure over all windows; None if the monitor has such a limit no longer."""
    honest = honesty_of(check, alert)
    if honest is None:
        return None
    found = points(check, honest)[-MOST_POINTS:]
    if not any(point.value is not None for point in found):
        return None
    same = [one for one in check.verdict.alerts if one.what == alert.what and one.table_name == alert.table_name]
    bounds = honest.bounds or _bounds_of(alert)
    return over_windows(
        [point.window for point in found],
        {alert.metric: [point.value for point in found]},
        title=f"{alert.what} over the windows",
        y=alert.metric.removeprefix("scaled_"),
        caption=_caption(found, honest, bounds),
        bounds=bounds,
        spans=[(one.since, one.until) for one in same],
        versions=versions(check),
    )


def _caption(found: Sequence[Point], honest: Honesty, bounds: Bounds) -> str:
    told = [point for point in found if point.value is not None]
    learned = ", learned from the baseline of the newest model" if honest.watch.limit.is_automatic else ""
    dashed = " and ".join(f"{bound:.4g}" for bound in (bounds.low, bounds.high) if bound is not None)
    return f"{len(told)} windows. Dashed: the limit of {dashed}{learned}. Tinted: while an alert was on."


def _bounds_of(alert: Alert) -> Bounds:
    return Bounds(low=alert.limit) if alert.value < alert.limit else Bounds(high=alert.limit)


def honesty_of(check: Check, alert: Alert) -> Honesty | None:
    """The limit that the alert is about."""
    about = (alert.column_name, alert.metric, alert.slice_key, alert.slice_value)
    for honest in check.honesty:
        cause = honest.watch.cause
        if (cause.column_name, cause.metric, cause.slice_key, cause.slice_value) == about:
            return honest
    return None


def versions(check: Check) -> list[str]:
    """The version of the model in each of the recent windows, oldest first."""
    found = []
    for window in recent(check):
        table = check.metrics[window].whole.get(TABLE)
        found.append(table.model_version if table else "")
    return found


def _shape(check: Check, alert: Alert) -> Picture | None:
    """The distribution in the alert's last window; None of a table as a whole."""
    of = (alert.slice_key, alert.slice_value) if alert.slice_key else None
    found = _last_violating(check, alert, of)
    if found is None:
        return None
    window, measured = found
    where = f" where {alert.slice_key} = {alert.slice_value}" if of else ""
    return distribution(
        measured.histogram,
        title=f"Distribution of {alert.column_name}{where} for {alert.what}",
        caption=f"{alert.column_name}{where}: {measured.rows:,} rows of {window}, and the baseline's, by bins of the baseline.",
    )


def _last_violating(check: Check, alert: Alert, of: Slice | None) -> tuple[Window, WindowMetrics] | None:
    for window, parts in check.metrics.items():
        measured = parts.part(of).get(alert.column_name)
        if window.end == alert.until and measured is not None:
            return window, measured
    return None
