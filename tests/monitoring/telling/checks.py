"""Checks made by hand, without Spark: metrics of some weeks, judged as a check judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitoring.alerts.checking import Check
from monitoring.alerts.judge import judge
from monitoring.alerts.watches import honesty, no_baseline
from monitoring.drift.baseline import Slice
from monitoring.drift.metrics import ByColumn, WindowParts
from monitoring.limits import Psi, Severity
from monitoring.spec import Monitor
from monitoring.windows.metrics import TABLE, WindowMetrics
from tests.monitoring.conftest import Example

EXAMPLE = Example()


def by_hand(
    monitor: Monitor,
    weeks: Sequence[ByColumn],
    *,
    recorded: Sequence[object] = (),
    slices: Mapping[Slice, ByColumn] | None = None,
    notes: Sequence[str] = (),
) -> Check:
    """The check at the end of the last of these weeks; each has 100 rows, unless it says itself what its table had."""
    metrics = {
        EXAMPLE.window(number): WindowParts({TABLE: WindowMetrics(rows=100, model_version="1")} | week, slices or {})
        for number, week in enumerate(weeks)
    }
    as_of = EXAMPLE.week(len(weeks))
    verdict = judge(monitor, metrics, list(recorded), as_of=as_of)
    known = {event.event_id for event in recorded}
    verdict = replace(verdict, events=[event for event in verdict.events if event.event_id not in known])
    return Check(monitor, as_of, [], metrics, verdict, list(notes), honesty(monitor, metrics, no_baseline, "1"))


def drifting(*indices: float | None, rows: int = 100, **others: object) -> list[ByColumn]:
    """Weeks in which ``load`` had these indices."""
    shape = (("up to 1", 50, 20), ("above 1", 50, 80), ("missing", 0, 0))
    return [{"load": WindowMetrics(rows, "1", psi=psi, histogram=shape, **others)} for psi in indices]  # type: ignore[arg-type]


def with_one_cause(columns: int) -> Check:
    """One week in which the prediction (critical) and so many columns drifted; ``column_00`` by itself, all others may follow
    from an alert of another monitor, ``schedule``."""
    names = [f"column_{number:02}" for number in range(columns)]
    limits = {column: Psi(0.25) for column in names} | {"load": Psi(0.25, severity=Severity.CRITICAL)}
    found = by_hand(
        EXAMPLE.monitor(limits), [{column: WindowMetrics(100, "1", psi=0.5) for column in [*names, "load"]}]
    )
    alerts = found.verdict.alerts
    key = replace(alerts[0], alert_id="0aec70a8", monitor="schedule", column_name=TABLE, metric="unknown_origins")
    following = [one if one.column_name == names[0] else replace(one, follows=key.alert_id) for one in alerts]
    return replace(
        found,
        verdict=replace(found.verdict, alerts=following),
        causes={key.alert_id: replace(key, followed_by=len(alerts) - 1, severity="warning", value=0.9, limit=0.0)},
    )
