"""Measure the windows that are due, apply the limits, open and close alerts, and say if to retrain."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store.errors import NotFound, suggestion
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts.events import append_events, read_events
from monitoring.alerts.judge import judge
from monitoring.alerts.report import Check
from monitoring.drift import baseline
from monitoring.drift.baseline import Baseline
from monitoring.drift.measure import LABEL, Measurement, Pass
from monitoring.drift.metrics import Stored, save, window_of
from monitoring.drift.window_metrics import TABLE
from monitoring.drift.windows import ScoredWindow, StoredWindow, Window, scored_windows, to_measure, window_number
from monitoring.spec import DriftMonitor

_NOT_MEASURED = ("model_name", "model_version", "scored_at", "run_id")
_MEASURED_TYPES = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string", "boolean")


def check(
    store: FeatureStore, monitor: DriftMonitor, *, as_of: datetime, step: Callable[[str], None] = lambda name: None
) -> Check:
    """Measure what is due as of ``as_of``, and record metrics and events; twice the same changes nothing.

    Raises
    ------
    NotFound
        If the monitor has limits on columns that the score table does not have; nothing is written then.
    """
    step("looking for scores")
    output = monitor.scoring.output
    if not store.tables.exists(output):
        return Check(monitor, as_of, notes=[f"There is no score table {output} yet; score-batch writes it."])
    version = store.tables.info(output).version
    types = measured_columns(store, monitor)
    frame, notes = scores_with_labels(store, monitor, version, as_of)
    scored = scored_windows(frame, label=LABEL, length=monitor.window, as_of=as_of)
    if not scored:
        notes.append(f"{output} has no scores in a window that is complete by {as_of:%Y-%m-%d %H:%M}.")
        return Check(monitor, as_of, notes=notes)
    stored = Stored.read(store.tables, monitor)
    known = stored.windows()
    due = to_measure(scored, known, store.tables.history(output))
    step(f"measuring {len(due)} windows")
    baselines = _baselines(store, monitor, list(types))
    measured = Pass(frame, types, baselines, version, as_of).measure(due, scored) if due else Measurement()
    notes += _without_baseline(monitor, due, baselines)
    step("recording")
    commit = partial(_commit, store, monitor, as_of, version)
    _record_metrics(store, monitor, measured, due, known, as_of, commit)
    metrics = stored.metrics(measured, as_of=as_of)
    recorded = read_events(store, monitor=monitor.name)
    verdict = judge(monitor, metrics, recorded, as_of=as_of)
    ids = {event.event_id for event in recorded}
    news = [event for event in verdict.events if event.event_id not in ids]
    append_events(store, news, commit({found.window for found in due}))
    return Check(monitor, as_of, due, metrics, verdict, notes)


def _record_metrics(
    store: FeatureStore,
    monitor: DriftMonitor,
    measured: Measurement,
    due: Iterable[ScoredWindow],
    known: Mapping[Window, StoredWindow],
    as_of: datetime,
    commit: Callable[[set[Window]], Commit],
) -> None:
    """Save the measured windows, but not over a measurement as of a later moment: that one knew more."""
    newest = {window: stored.measured_as_of for window, stored in known.items()}
    windows = {found.window for found in due if newest.get(found.window, as_of) <= as_of}
    if windows:
        profile = [row for row in measured.profile if window_of(row) in windows]
        drift = [row for row in measured.drift if window_of(row) in windows]
        save(store, monitor, Measurement(profile, drift), commit(windows))


def measured_columns(store: FeatureStore, monitor: DriftMonitor) -> dict[str, str]:
    """The columns that are measured, with Spark's names of their types: keys of the rows and bookkeeping are not.

    Raises
    ------
    NotFound
        If the monitor has a limit on another column; the closest names are suggested.
    """
    scoring = monitor.scoring
    others = {*scoring.primary_keys, scoring.training.decided_at, *_NOT_MEASURED}
    types = {
        column.name: column.dataType.simpleString()
        for column in store.tables.info(scoring.output).schema
        if column.name not in others and column.dataType.simpleString().split("(")[0] in _MEASURED_TYPES
    }
    for column in monitor.limits:
        if column != TABLE and column not in types:
            raise NotFound(
                f"Monitor {monitor.name!r} has a limit on {column!r}, which is not among the measured columns of "
                f"{scoring.output}. {suggestion(column, types)} Nothing was written."
            )
    return types


def scores_with_labels(
    store: FeatureStore, monitor: DriftMonitor, version: int, as_of: datetime
) -> tuple[DataFrame, list[str]]:
    """The scores with ``window_number`` and, as 0, 1 or null, the label known by ``as_of``; and what to mention."""
    scoring, training = monitor.scoring, monitor.scoring.training
    scores = store.tables.read(scoring.output, version=version)
    scores = scores.withColumn("window_number", window_number(F.col(training.decided_at), monitor.window))
    if not store.tables.exists(training.labels.table):
        note = f"There are no labels yet ({training.labels.table}), so the predictions' quality is not known."
        return scores.withColumn(LABEL, F.lit(None).cast("double")), [note]
    labels = training.labels.read(store.tables, as_of=as_of)
    known = labels.select(*scoring.primary_keys, F.col(training.label).cast("double").alias(LABEL))
    return scores.join(known, on=list(scoring.primary_keys), how="left"), []


def _baselines(store: FeatureStore, monitor: DriftMonitor, columns: list[str]) -> Callable[[str], Baseline | None]:
    @cache
    def of_version(version: str) -> Baseline | None:
        return baseline.load(store, monitor.scoring.training, version, columns)

    return of_version


def _without_baseline(
    monitor: DriftMonitor, due: Iterable[ScoredWindow], baselines: Callable[[str], Baseline | None]
) -> list[str]:
    missing = sorted({found.model_version for found in due if baselines(found.model_version) is None})
    table = baseline.training_set_table(monitor.scoring.training)
    return [
        f"Model version {version or '(none)'} has no baseline: {table} has no rows of it. Its windows are compared "
        "with the window before only, and limits on drift are not judged."
        for version in missing
    ]


def _commit(store: FeatureStore, monitor: DriftMonitor, as_of: datetime, version: int, windows: set[Window]) -> Commit:
    labels = monitor.scoring.training.labels.table
    sources = {store.tables.full_name(monitor.scoring.output): version}
    for name in (labels, baseline.training_set_table(monitor.scoring.training)):
        if store.tables.exists(name):
            sources[store.tables.full_name(name)] = store.tables.info(name).version
    span = (min(window.start for window in windows), max(window.end for window in windows)) if windows else None
    return Commit(verb="check-drift", as_of=as_of, sources=sources, window=span, details={"monitor": monitor.name})
