"""What a monitor looks at: the rows of its table with their windows, and with labels where there are predictions."""

import hashlib
import json
from datetime import datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store.errors import suggestion
from feature_store.store import FeatureStore
from monitoring.drift.kept import table_as_of
from monitoring.drift.learning import LABEL
from monitoring.drift.rows import with_slices
from monitoring.drift.scored import ScoredWindow, scored_windows, window_number
from monitoring.limits import NUMBERS
from monitoring.spec import DriftMonitor, Monitor, is_pattern
from monitoring.windows.metrics import PREDICTION, TABLE
from training.steps.kinds import kind_of, label_type_of

MOMENT = "moment"
_MEASURED_TYPES = (*NUMBERS, "string", "boolean")


def measured_columns(store: FeatureStore, monitor: Monitor) -> dict[str, str]:
    """The columns that are measured, with Spark's names of their types: keys of the rows and bookkeeping are not."""
    return {
        column.name: column.dataType.simpleString()
        for column in store.tables.columns(monitor.output)
        if column.name not in monitor.keys and column.dataType.simpleString().split("(")[0] in _MEASURED_TYPES
    }


def limits_in_vain(monitor: Monitor, types: dict[str, str]) -> list[str]:
    """A sentence for each limit that cannot be judged, since there is no such column, or it is of another kind."""
    said = []
    for name in monitor.limits:
        if name == TABLE:
            continue
        if is_pattern(name):
            if not any(column for column, _ in monitor.limits_on(list(types)) if column not in monitor.limits):
                said.append(
                    f"Monitor {monitor.name!r} has limits on {name!r}, which matches no column without its own."
                )
            continue
        if name not in types:
            said.append(
                f"Monitor {monitor.name!r} has a limit on {name!r}, which is not among the measured columns of "
                f"{monitor.output}: it is not judged. {suggestion(name, types)}"
            )
        else:
            said += [
                f"Monitor {monitor.name!r}: '{limit}' cannot be judged of {name!r}, which is {types[name]}. Write Psi or Js."
                for limit in monitor.limits_of(name)
                if not limit.fits(types[name])
            ]
    return said


def model_kind(store: FeatureStore, monitor: Monitor, types: dict[str, str]) -> str | None:
    """``binary``, ``multiclass`` or ``regression``; None: the table has no predictions."""
    if not isinstance(monitor, DriftMonitor) or PREDICTION not in types:
        return None
    training = monitor.scoring.training
    if store.tables.exists(training.labels.table):
        return kind_of(training, label_type_of(store, training)).name
    return "multiclass" if types[PREDICTION] == "string" else "binary"


def observed(
    store: FeatureStore, monitor: Monitor, *, version: int, kind: str | None, as_of: datetime
) -> tuple[DataFrame, list[str]]:
    """The rows with ``window_number``, ``moment``, ``model_version``, ``__label`` and the slices; and what to mention."""
    frame, notes = _of_scores(store, monitor, version, kind, as_of) if isinstance(monitor, DriftMonitor) else (None, [])
    if frame is None:
        frame = _of_table(store, monitor, version, as_of)
        frame = frame.withColumn("model_version", F.lit("")).withColumn(LABEL, F.lit(None).cast("double"))
    return with_slices(frame, monitor.slices, what=f"Monitor {monitor.name!r}"), notes


def windows_of(monitor: Monitor, frame: DataFrame, as_of: datetime) -> list[ScoredWindow]:
    """The complete windows of :func:`observed` rows; those without any, too, where the monitor expects some."""
    fill = monitor.expects_rows and monitor.time is not None
    return scored_windows(frame, label=LABEL, calendar=monitor.calendar, as_of=as_of, fill=fill)


def definition_of(monitor: Monitor) -> str:
    """A hash of what is measured of each window besides its columns."""
    asked = [sorted(monitor.slices), sorted(monitor.measures.items())]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def scores_with_labels(
    store: FeatureStore, monitor: DriftMonitor, version: int, kind: str | None, as_of: datetime
) -> tuple[DataFrame, list[str]]:
    """The scores with, as a number (or the class's name) or null, the label known by ``as_of``; and what to mention."""
    scoring, training = monitor.scoring, monitor.scoring.training
    label_type = "string" if kind == "multiclass" else "double"
    scores = store.tables.read(scoring.output, version=version)
    if not store.tables.exists(training.labels.table):
        note = f"There are no labels yet ({training.labels.table}), so the predictions' quality is not known."
        return scores.withColumn(LABEL, F.lit(None).cast(label_type)), [note]
    labels = training.labels.read(store.tables, as_of=as_of)
    known = labels.select(*scoring.primary_keys, F.col(training.label).cast(label_type).alias(LABEL))
    return scores.join(known, on=list(scoring.primary_keys), how="left"), []


def _of_scores(
    store: FeatureStore, monitor: DriftMonitor, version: int, kind: str | None, as_of: datetime
) -> tuple[DataFrame, list[str]]:
    frame, notes = scores_with_labels(store, monitor, version, kind, as_of)
    decided_at = F.col(monitor.scoring.training.decided_at)
    return frame.withColumn("window_number", window_number(decided_at, monitor.calendar)).withColumn(
        MOMENT, decided_at
    ), notes


def _of_table(store: FeatureStore, monitor: Monitor, version: int, as_of: datetime) -> DataFrame:
    """Rows by their time; of a table without time, the whole table as it was at the end of the last two windows."""
    if monitor.time is not None:
        frame = store.tables.read(monitor.output, version=version)
        moment = F.col(monitor.time).cast("timestamp")
        return frame.withColumn("window_number", window_number(moment, monitor.calendar)).withColumn(MOMENT, moment)
    last = monitor.calendar.number(as_of) - 1
    found = []
    for number in (last - 1, last):
        end = monitor.calendar.window(number).end - timedelta(microseconds=1)
        state = table_as_of(store, monitor.output, end)
        if state is not None:
            stamp = F.lit(number).cast("long")
            found.append(state.withColumn("window_number", stamp).withColumn(MOMENT, F.lit(None).cast("timestamp")))
    if not found:
        empty = store.tables.read(monitor.output, version=version).where(F.lit(False))
        return empty.withColumn("window_number", F.lit(0).cast("long")).withColumn(
            MOMENT, F.lit(None).cast("timestamp")
        )
    return found[0] if len(found) == 1 else found[0].unionByName(found[1], allowMissingColumns=True)
