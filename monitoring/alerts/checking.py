"""Measure the windows that are due, apply the limits, open and close alerts, and say if to retrain."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts.diagnosis import diagnosed
from monitoring.alerts.events import EVENTS_TABLE, append_events, read_events
from monitoring.alerts.judge import Verdict, judge
from monitoring.alerts.state import Alert, current
from monitoring.alerts.watches import Baselines, Honesty, honesty, no_baseline, not_judged
from monitoring.drift import kept
from monitoring.drift.baseline import Baseline
from monitoring.drift.learning import Asked
from monitoring.drift.measure import Measurement, Pass
from monitoring.drift.metrics import Stored, Windows, save
from monitoring.drift.observed import (
    definition_of,
    limits_in_vain,
    measured_columns,
    model_kind,
    observed,
    windows_of,
)
from monitoring.drift.schemas import ensure
from monitoring.drift.scored import ScoredWindow, StoredWindow, to_measure
from monitoring.spec import DriftMonitor, Monitor
from monitoring.windows.calendar import Window, window_of


@dataclass(frozen=True)
class Check:
    """What a check did: the windows ``measured`` in it, all windows' ``metrics``, its verdict, and what to mention.

    ``honesty`` has the false alarms to expect of each limit, ``causes`` the alerts of other monitors that those of this one
    may follow from, by id.
    """

    monitor: Monitor
    as_of: datetime
    measured: list[ScoredWindow] = field(default_factory=list)
    metrics: Windows = field(default_factory=dict)
    verdict: Verdict = field(default_factory=lambda: Verdict([], [], {}, False))
    notes: list[str] = field(default_factory=list)
    honesty: list[Honesty] = field(default_factory=list)
    causes: dict[str, Alert] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What is known of the windows of a monitor's table, and not judged yet: see :class:`Check`.

    ``version`` is the table's. There are no ``metrics`` where nothing can be judged.
    """

    monitor: Monitor
    as_of: datetime
    version: int = 0
    due: list[ScoredWindow] = field(default_factory=list)
    metrics: Windows = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    baselines: Baselines = no_baseline


def check(
    store: FeatureStore, monitor: Monitor, *, as_of: datetime, step: Callable[[str], None] = lambda name: None
) -> Check:
    """Measure what is due as of ``as_of``, and record metrics and events; twice the same changes nothing.

    Limits that cannot be judged are told, and the others are judged.

    Raises
    ------
    Misuse
        If a slice or a measure of the monitor cannot be computed; nothing is written then.
    """
    return judged(store, measured(store, monitor, as_of=as_of, step=step))


def measured(
    store: FeatureStore, monitor: Monitor, *, as_of: datetime, step: Callable[[str], None] = lambda name: None
) -> Measured:
    """The first half of :func:`check`: measure what is due, and record it. Monitors can be measured side by side.

    Raises
    ------
    Misuse
        As :func:`check`.
    """
    step(f"{monitor.name}: looking for rows")
    output = monitor.output
    if not store.tables.exists(output):
        writer = "score-batch" if isinstance(monitor, DriftMonitor) else "publish-features"
        what = "score table" if isinstance(monitor, DriftMonitor) else "table"
        return Measured(monitor, as_of, notes=[f"There is no {what} {output} yet; {writer} writes it."])
    version = store.tables.version(output)
    types = measured_columns(store, monitor)
    kind = model_kind(store, monitor, types)
    baselines = _baselines(store, monitor, kept.asked_of(monitor, list(types), kind))
    stored = Stored.read(store.tables, monitor)
    due, metrics, notes = list[ScoredWindow](), Windows(), list[str]()
    if stored.platforms:
        notes.append(f"The platform measures {output} by itself: what is judged is in {stored.platforms}.")
        if monitor.expects_rows:
            notes.append("It tells neither the newest row nor windows without any: that rows stay away is not noticed.")
        metrics = stored.metrics(Measurement(), as_of=as_of)
    else:
        frame, notes = observed(store, monitor, version=version, kind=kind, as_of=as_of)
        if scored := windows_of(monitor, frame, as_of):
            known, definition = stored.windows(), definition_of(monitor)
            history = store.tables.history(output)
            due = to_measure(scored, known, history, calendar=monitor.calendar, definition=definition)
            step(f"{monitor.name}: measuring {len(due)} windows")
            passing = Pass(
                frame, types, baselines, monitor.calendar, version, as_of, kind, monitor.slices, monitor.measures, definition
            )  # fmt: skip
            found = passing.measure(due, scored) if due else Measurement()
            notes += _without_baseline(monitor, due, baselines)
            step(f"{monitor.name}: recording")
            _record_metrics(store, monitor, found, due, known, as_of, version)
            metrics = stored.metrics(found, as_of=as_of)
    notes += limits_in_vain(monitor, types)
    if not metrics:
        what = "scores" if isinstance(monitor, DriftMonitor) else "rows"
        notes.append(f"{output} has no {what} in a window that is complete by {as_of:%Y-%m-%d %H:%M}.")
    return Measured(monitor, as_of, version, due, metrics, notes, baselines)


def judged(store: FeatureStore, known: Measured) -> Check:
    """The second half of :func:`check`: apply the limits, and record what follows, as a cause of what other monitors find later."""
    monitor, as_of, metrics, baselines = known.monitor, known.as_of, known.metrics, known.baselines
    if not metrics:
        return Check(monitor, as_of, notes=known.notes)
    notes = [*known.notes, *not_judged(monitor, metrics, baselines)]
    everything = read_events(store)
    recorded = [event for event in everything if event.monitor == monitor.name]
    others = [event for event in everything if event.monitor != monitor.name and event.as_of <= as_of]
    verdict = judge(monitor, metrics, recorded, as_of=as_of, baselines=baselines)
    ids = {event.event_id for event in recorded}
    news = [event for event in verdict.events if event.event_id not in ids]
    news = diagnosed(store, monitor, news, others=current(others))
    alerts = current([*others, *(event for event in recorded if event.as_of <= as_of), *news])
    own = [alert for alert in alerts if alert.monitor == monitor.name]
    causes = {alert.alert_id: alert for alert in alerts if alert.alert_id in {one.follows for one in own}}
    verdict = replace(verdict, events=news, alerts=own)
    ensure(store.tables, EVENTS_TABLE, "events")  # a dashboard asks for it before there is any
    append_events(store, news, _commit(store, monitor, as_of, known.version, {found.window for found in known.due}))
    version_now = max(metrics.items(), key=lambda item: item[0])[1].whole
    honest = honesty(monitor, metrics, baselines, next(iter(version_now.values())).model_version)
    return Check(monitor, as_of, known.due, metrics, verdict, notes, honest, causes)


def _record_metrics(
    store: FeatureStore,
    monitor: Monitor,
    measured: Measurement,
    due: Iterable[ScoredWindow],
    known: Mapping[Window, StoredWindow],
    as_of: datetime,
    version: int,
) -> None:
    """Save the measured windows, but not over a measurement as of a later moment: that one knew more."""
    newest = {window: stored.measured_as_of for window, stored in known.items()}
    windows = {found.window for found in due if newest.get(found.window, as_of) <= as_of}
    if windows:
        profile = [row for row in measured.profile if window_of(row) in windows]
        drift = [row for row in measured.drift if window_of(row) in windows]
        save(store, monitor, Measurement(profile, drift), _commit(store, monitor, as_of, version, windows))


def _baselines(store: FeatureStore, monitor: Monitor, asked: Asked) -> Baselines:
    @cache
    def of_version(version: str) -> Baseline | None:
        return kept.load(store, monitor, version, asked)

    return of_version


def _without_baseline(
    monitor: Monitor, due: Iterable[ScoredWindow], baselines: Callable[[str], Baseline | None]
) -> list[str]:
    """What to mention of baselines that are not there, or not of each slice."""
    versions = sorted({found.model_version for found in due})
    said = []
    for version in versions:
        baseline = baselines(version)
        if isinstance(monitor, DriftMonitor) and baseline is None:
            table = kept.training_set_table(monitor.scoring.training)
            said.append(
                f"Model version {version or '(none)'} has no baseline: {table} has no rows of it. Its windows are compared "
                "with the window before only, and limits on drift are not judged."
            )
        if baseline is not None:
            known = {key for key, _ in baseline.slices}
            said += [
                f"The baseline has no rows by slice {one!r}, whose columns it lacks: its drift is not measured."
                for one in monitor.slices
                if one not in known
            ]
    return list(dict.fromkeys(said))


def _commit(store: FeatureStore, monitor: Monitor, as_of: datetime, version: int, windows: set[Window]) -> Commit:
    sources = {store.tables.full_name(monitor.output): version}
    if isinstance(monitor, DriftMonitor):
        training = monitor.scoring.training
        for name in (training.labels.table, kept.training_set_table(training)):
            if store.tables.exists(name):
                sources[store.tables.full_name(name)] = store.tables.version(name)
    span = (min(window.start for window in windows), max(window.end for window in windows)) if windows else None
    return Commit(verb="check-drift", as_of=as_of, sources=sources, window=span, details={"monitor": monitor.name})
