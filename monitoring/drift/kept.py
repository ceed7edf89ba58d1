"""Baselines are computed once: of a model version, and kept with its MLflow run; of a table's span, and kept in a table."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from feature_store.moments import is_within, utc
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.drift.baseline import Baseline
from monitoring.drift.learning import HELD_OUT, LABEL, WINDOW, Asked, LearnedRows, Measured, learn
from monitoring.drift.rows import measured, slice_column, with_slices
from monitoring.drift.schemas import BASELINES, arrow_table, ensure
from monitoring.drift.scored import window_number
from monitoring.spec import DriftMonitor, Monitor, Span, TableMonitor
from monitoring.windows.calendar import EPOCH, Calendar, Months
from training.spec import TrainingSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ARTIFACT = "monitoring/baseline.json"
BASELINES_TABLE = "drift_baselines"


def training_set_table(training: TrainingSpec) -> str:
    """The table with the rows that each version of the model learned from."""
    return f"{training.name}_training_set"


def asked_of(monitor: Monitor, columns: Sequence[str], kind: str | None) -> Asked:
    """What the monitor needs of a baseline."""
    return Asked(columns, monitor.calendar.name, monitor.minimum_rows, monitor.slices, monitor.measures, kind)


def load(store: FeatureStore, monitor: Monitor, version: str, asked: Asked) -> Baseline | None:
    """The baseline that windows of this model version are compared with, as kept or else computed, and then kept.

    None if there is no training set of that version, or the monitor of a table has no baseline.
    """
    if isinstance(monitor, DriftMonitor):
        return _of_model(store, monitor, version, asked)
    if isinstance(monitor, TableMonitor) and monitor.baseline is not None:
        return _of_span(store, monitor, asked)
    return None


def _does(kept: Baseline | None, version: str, asked: Asked) -> bool:
    if kept is None or kept.model_version != version or kept.asked != asked.fingerprint:
        return False
    return set(asked.columns) <= set(kept.whole.columns)


# ---- of a model version


def _of_model(store: FeatureStore, monitor: DriftMonitor, version: str, asked: Asked) -> Baseline | None:
    run = _run_of(store, monitor.scoring.training, version)
    kept = _read(run) if run else None
    if _does(kept, version, asked):
        return kept
    computed = compute(store, monitor, version, asked)
    if computed is not None and run:
        _keep(run, computed)
    return computed


def compute(store: FeatureStore, monitor: DriftMonitor, version: str, asked: Asked) -> Baseline | None:
    """The baseline of a model version from the training set's table, or None if it has no rows of that version."""
    training = monitor.scoring.training
    name, only = training_set_table(training), {"model_version": version}
    if not store.tables.exists(name):
        return None
    count = store.tables.collect(name, ["split"], only=only).num_rows
    if not count:
        return None
    there = list(store.tables.columns(name).names)
    read, slices, found = _reading(store, name, only, asked, there, monitor.calendar, training.decided_at)

    def rows(columns: Sequence[str]) -> pa.Table:
        others = [name for name in ("split", training.decided_at, training.label) if name in there]
        values = read(list(dict.fromkeys([*columns, *others])))
        values = values.append_column(WINDOW, _numbers(values[training.decided_at], monitor.calendar))
        values = values.append_column(HELD_OUT, pc.equal(values["split"], "holdout"))
        return values.append_column(LABEL, values[training.label]) if training.label in there else values

    known = [column for column in asked.columns if column in there]
    return learn(LearnedRows(count, known, rows, slices, found), asked, version)


def _reading(
    store: FeatureStore,
    name: str,
    only: Mapping[str, object],
    asked: Asked,
    there: Sequence[str],
    calendar: Calendar,
    time: str,
) -> tuple[Callable[[Sequence[str]], pa.Table], list[str], Measured]:
    """How to read columns with the slices of them, which slices those are, and the measures; without Spark where that can be."""

    def collected(columns: Sequence[str]) -> pa.Table:
        values = store.tables.collect(name, list(dict.fromkeys([*columns, *asked.slices])), only=only)
        for position, column in enumerate(asked.slices):
            values = values.append_column(slice_column(position), values[column].cast(pa.string()))
        return values

    are_plain = set(asked.slices) <= set(there)
    if are_plain and not asked.measures:
        return collected, list(asked.slices), {}
    from pyspark.sql import functions as F

    frame = store.tables.read(name)
    for column, value in only.items():
        frame = frame.where(F.col(column) == F.lit(value))
    read, slices, found = from_frame(frame, asked, what=name, calendar=calendar, time=time)
    return (collected if are_plain else read), slices, found


def from_frame(
    frame: "DataFrame", asked: Asked, *, what: str, calendar: Calendar, time: str
) -> tuple[Callable[[Sequence[str]], pa.Table], list[str], Measured]:
    """The same by Spark; a slice or measure of columns that the baseline does not have is left out.

    Measures are those of the rows held out, where there are some: they are like rows that are scored.
    """
    from pyspark.sql import functions as F

    slices = [one for one in asked.slices if _is_understood(frame, f"CAST({one} AS STRING)")]
    measures = {name: one for name, one in asked.measures.items() if _is_understood(frame, one)}
    sliced = with_slices(frame, slices, what=what)

    def read(columns: Sequence[str]) -> pa.Table:
        return sliced.select(*columns, *(slice_column(position) for position in range(len(slices)))).toArrow()

    numbered = (
        sliced.withColumn(WINDOW, window_number(F.col(time), calendar)) if WINDOW not in frame.columns else sliced
    )
    held_out = numbered.where("split = 'holdout'") if "split" in frame.columns else numbered
    found = measured(held_out, measures, slices, what=what, by=WINDOW, total=True)
    if measures and not found:
        found = measured(numbered, measures, slices, what=what, by=WINDOW, total=True)
    return read, slices, found


def _is_understood(frame: "DataFrame", expression: str) -> bool:
    from pyspark.errors import PySparkException

    try:
        frame.selectExpr(expression).schema  # noqa: B018
    except PySparkException:
        return False
    return True


def _numbers(moments: pa.ChunkedArray, calendar: Calendar) -> pa.Array:
    """The number of the window in which each moment lies."""
    micros = moments.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    if isinstance(calendar, Months):
        months = micros.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        return pa.array((months + 1970 * 12) // calendar.count)
    microsecond = timedelta(microseconds=1)
    since = (EPOCH - datetime(1970, 1, 1, tzinfo=UTC)) // microsecond
    return pa.array((micros - since) // (calendar.length // microsecond))


def _run_of(store: FeatureStore, training: TrainingSpec, version: str) -> str | None:
    try:
        return MlflowClient().get_model_version(store.tables.full_name(training.name), version).run_id or None
    except MlflowException:
        return None


def _read(run: str) -> Baseline | None:
    import mlflow

    try:
        return Baseline.from_json(mlflow.artifacts.load_text(f"runs:/{run}/{ARTIFACT}"))
    except (MlflowException, OSError):
        return None


def _keep(run: str, baseline: Baseline) -> None:
    try:
        MlflowClient().log_text(run, baseline.to_json(), ARTIFACT)
    except (MlflowException, OSError) as error:
        logging.getLogger(__name__).warning(
            "the baseline of version %s could not be kept: %s", baseline.model_version, error
        )


# ---- of a span of a table


def _of_span(store: FeatureStore, monitor: TableMonitor, asked: Asked) -> Baseline | None:
    """The baseline of a table's span, from the table of baselines or else computed and appended to it."""
    span = monitor.baseline
    if span is None or not store.tables.exists(monitor.output):
        return None
    key = f"{utc(span.start).isoformat()} to {utc(span.end).isoformat()}"
    only = {"table_name": monitor.output, "span": key, "asked": asked.fingerprint}
    if store.tables.exists(BASELINES_TABLE):
        for row in store.tables.collect(BASELINES_TABLE, ["baseline"], only=only).to_pylist():
            kept = Baseline.from_json(row["baseline"])
            if _does(kept, "", asked):
                return kept
    computed = _computed_of_span(store, monitor, span, asked)
    if computed is not None:
        ensure(store.tables, BASELINES_TABLE, "baselines")
        sources = {store.tables.full_name(monitor.output): store.tables.version(monitor.output)}
        commit = Commit(verb="check-drift", as_of=utc(span.end), sources=sources, details={"monitor": monitor.name})
        rows = arrow_table([{**only, "baseline": computed.to_json()}], BASELINES)
        store.tables.append(BASELINES_TABLE, rows, commit=commit)
    return computed


def _computed_of_span(store: FeatureStore, monitor: TableMonitor, span: Span, asked: Asked) -> Baseline | None:
    from pyspark.sql import functions as F

    if monitor.time is None:
        frame = table_as_of(store, monitor.output, utc(span.end))
        if frame is None:
            return None
        frame = frame.withColumn(WINDOW, F.lit(0).cast("long"))
    else:
        frame = store.tables.read(monitor.output).where(is_within(F.col(monitor.time), utc(span.start), utc(span.end)))
        frame = frame.withColumn(WINDOW, window_number(F.col(monitor.time), monitor.calendar))
    count = frame.count()
    if not count:
        return None
    read, slices, found = from_frame(
        frame, asked, what=monitor.output, calendar=monitor.calendar, time=monitor.time or WINDOW
    )
    known = [column for column in asked.columns if column in frame.columns]
    rows = LearnedRows(count, known, lambda columns: read([*columns, WINDOW]), slices, found)
    return learn(rows, asked, "")


def table_as_of(store: FeatureStore, name: str, moment: datetime) -> "DataFrame | None":
    """The table as the commits up to ``moment`` left it, by the moments that they say; None if it had none yet."""
    versions = [
        entry.version
        for entry in store.tables.history(name)
        if (utc(entry.commit.as_of) if entry.commit else entry.at) <= moment
    ]
    return store.tables.read(name, version=max(versions)) if versions else None
