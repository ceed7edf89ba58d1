"""Measure windows: one pass over their rows gives all columns' profiles, drift and the predictions' quality.

The rows of several windows are read together, as Arrow, up to ``MOST_VALUES`` values; a single window with more is
read some columns at a time. Each column is sorted once, and all statistics of it follow from the sorted values, so
that they do not depend on the order in which rows arrive.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from monitoring.drift.baseline import MOST_VALUES, PREDICTION, Baseline, in_chunks
from monitoring.drift.columns import Column, Row, column_of, is_measured
from monitoring.drift.performance import Performance, performance
from monitoring.drift.schemas import METRICS_VERSION
from monitoring.drift.sketch import Sketch
from monitoring.drift.windows import EPOCH, ScoredWindow, Window, granularity
from monitoring.limits import TABLE

LABEL = "__label"


@dataclass(frozen=True)
class Measurement:
    """The rows of the profile and drift tables of some windows."""

    profile: list[Row] = field(default_factory=list)
    drift: list[Row] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass over the scores needs.

    ``frame`` has the measured columns, ``window_number`` and ``__label``; ``types`` maps measured columns to Spark's
    names of their types; ``baseline`` gives that of a model version, or None; ``commit_version`` is the score
    table's, ``as_of`` the moment by which labels are known.
    """

    frame: DataFrame
    types: Mapping[str, str]
    baseline: Callable[[str], Baseline | None]
    commit_version: int
    as_of: datetime
    most_values: int = MOST_VALUES

    def measure(self, windows: Sequence[ScoredWindow], scored: Sequence[ScoredWindow]) -> Measurement:
        """The metrics of ``windows``; each is also compared with the window just before it, if that is ``scored``."""
        wanted = {found.window for found in windows}
        needed = [found for found in scored if found.window in wanted or _after(found.window) in wanted]
        result = Measurement()
        sketches: dict[Window, dict[str, Sketch]] = {}
        for group in _groups(needed, self.most_values // max(len(self.types), 1)):
            for found, columns, quality in self._read(group):
                known = sketches.setdefault(found.window, {})
                known |= {name: column.sketch for name, column in columns.items()}
                if found.window in wanted:
                    self._describe(result, found, columns, quality, sketches.get(found.window.before(), {}))
        for found in windows:
            self._describe_table(result, found, sketches)
        return result

    def _read(
        self, group: Sequence[ScoredWindow]
    ) -> Iterator[tuple[ScoredWindow, dict[str, Column], Performance | None]]:
        """The columns of each window of ``group``, in one or several parts; one part comes with the quality."""
        length = group[0].window.end - group[0].window.start
        numbers = {found.window: (found.window.start - EPOCH) // length for found in group}
        rows = self.frame.where(F.col("window_number").isin(list(numbers.values())))
        for chunk in in_chunks(list(self.types), sum(found.rows for found in group), self.most_values):
            labels = [LABEL] if PREDICTION in chunk else []
            values: pa.Table = rows.select("window_number", *chunk, *labels).toArrow()
            for found in group:
                part = values.filter(pc.equal(values["window_number"], numbers[found.window]))
                columns = {name: column_of(part[name]) for name in chunk if is_measured(part.schema.field(name).type)}
                yield found, columns, _quality(part) if labels else None

    def _describe(
        self,
        result: Measurement,
        found: ScoredWindow,
        columns: Mapping[str, Column],
        quality: Performance | None,
        before: Mapping[str, Sketch],
    ) -> None:
        baseline = self.baseline(found.model_version)
        for name, column in columns.items():
            common = self._common(found, name)
            result.profile.append(self._profiled(found, name) | column.profile())
            if baseline and name in baseline.columns and (drift := column.drift(baseline.columns[name])):
                result.drift.append(common | {"drift_type": "BASELINE"} | drift)
            if name in before and (drift := column.drift(before[name])):
                compared = {"drift_type": "CONSECUTIVE", "window_cmp": found.window.before().as_struct()}
                result.drift.append(common | compared | drift)
        if quality is not None:
            result.profile.append(self._profiled(found, TABLE) | {"count": found.rows} | _quality_row(quality))

    def _describe_table(
        self, result: Measurement, found: ScoredWindow, sketches: Mapping[Window, Mapping[str, Sketch]]
    ) -> None:
        """Fill in what the table's own rows say of all columns together."""
        now = _non_null(sketches[found.window])
        row = next(
            row for row in result.profile if row["column_name"] == TABLE and row["window"] == found.window.as_struct()
        )
        row["non_null_columns"] = [name for name in self.types if name in now]
        common = self._common(found, TABLE)
        baseline = self.baseline(found.model_version)
        if baseline:
            shared = {name for name in sketches[found.window] if name in baseline.columns}
            deltas = _table_deltas(found.rows - baseline.rows, now & shared, _non_null(baseline.columns) & shared)
            result.drift.append(common | {"drift_type": "BASELINE"} | deltas)
        before = sketches.get(found.window.before())
        if before:
            rows = next(iter(before.values())).rows
            compared = {"drift_type": "CONSECUTIVE", "window_cmp": found.window.before().as_struct()}
            result.drift.append(common | compared | _table_deltas(found.rows - rows, now, _non_null(before)))

    def _common(self, found: ScoredWindow, column: str) -> Row:
        return {
            "window": found.window.as_struct(),
            "granularity": granularity(found.window.end - found.window.start),
            "monitor_version": METRICS_VERSION,
            "column_name": column,
            "data_type": self.types.get(column),
            "model_version": found.model_version,
            "window_start": found.window.start,
        }

    def _profiled(self, found: ScoredWindow, column: str) -> Row:
        return self._common(found, column) | {
            "log_type": "INPUT",
            "logging_table_commit_version": self.commit_version,
            "measured_as_of": self.as_of,
        }


def _groups(windows: Sequence[ScoredWindow], most_rows: int) -> Iterator[list[ScoredWindow]]:
    """Consecutive windows with at most ``most_rows`` rows together; one that has more comes alone."""
    group: list[ScoredWindow] = []
    for found in windows:
        if group and sum(other.rows for other in group) + found.rows > most_rows:
            yield group
            group = []
        group.append(found)
    if group:
        yield group


def _after(window: Window) -> Window:
    return Window(window.end, window.end + (window.end - window.start))


def _quality(part: pa.Table) -> Performance:
    numbers = (part[name].cast(pa.float64()).to_numpy() for name in (PREDICTION, LABEL))
    prediction, label = (np.asarray(values, dtype=np.float64) for values in numbers)
    return performance(prediction, label)


def _non_null(sketches: Mapping[str, Sketch]) -> set[str]:
    return {name for name, sketch in sketches.items() if sketch.nulls < sketch.rows}


def _table_deltas(count: int, now: set[str], before: set[str]) -> Row:
    return {"count_delta": count, "non_null_columns_delta": {"added": len(now - before), "missing": len(before - now)}}


def _quality_row(quality: Performance) -> Row:
    def of_true(value: float | None) -> Row | None:
        return None if value is None else {"one_vs_all": [("true", value)], "macro": None, "weighted": None}

    cells = [("false", "false", quality.true_negatives), ("true", "false", quality.false_positives)]
    cells += [("false", "true", quality.false_negatives), ("true", "true", quality.true_positives)]
    matrix = [{"prediction": decided, "label": label, "count": count} for decided, label, count in cells]
    return {
        "accuracy_score": quality.accuracy,
        "confusion_matrix": matrix if quality.labelled_count else None,
        "precision": of_true(quality.precision),
        "recall": of_true(quality.recall),
        "f1_score": of_true(quality.f1),
        "log_loss": quality.log_loss,
        "roc_auc_score": of_true(quality.roc_auc),
        "brier_score": quality.brier_score,
        "calibration_error": quality.calibration_error,
        "label_rate": quality.label_rate,
        "labelled_count": quality.labelled_count,
    }
