"""Measure windows: one pass over their rows gives all columns' profiles, drift and the predictions' quality.

The rows of several windows are read together, as Arrow, up to ``MOST_VALUES`` values; a single window with more is
read some columns at a time. Each column is sorted once, and all statistics of it follow from the sorted values, so
that they do not depend on the order in which rows arrive. Slices are parts of the same rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from monitoring.drift.baseline import MOST_VALUES, Baseline, Slice, in_chunks
from monitoring.drift.columns import Column, Row, columns_of
from monitoring.drift.learning import LABEL
from monitoring.drift.performance import quality
from monitoring.drift.rows import measured, parts, slice_column
from monitoring.drift.schemas import METRICS_VERSION
from monitoring.drift.scored import ScoredWindow
from monitoring.drift.sketch import GRID_STEPS, SLICE_STEPS, Sketch
from monitoring.windows.calendar import Calendar, Window, before
from monitoring.windows.metrics import PREDICTION, TABLE

Key = tuple[Window, Slice | None]
Known = dict[str, Sketch]


@dataclass(frozen=True)
class Measurement:
    """The rows of the profile and drift tables of some windows."""

    profile: list[Row] = field(default_factory=list)
    drift: list[Row] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass over the rows needs.

    ``frame`` has the measured columns, ``window_number``, ``__label`` and a column for each of ``slices``; ``types`` maps
    measured columns to Spark's names of their types; ``baseline`` gives that of a model version, or None;
    ``commit_version`` is the table's, ``as_of`` the moment by which labels are known; ``kind`` is that of the model, None:
    there are no predictions; ``definition`` is a hash of slices and measures.
    """

    frame: DataFrame
    types: Mapping[str, str]
    baseline: Callable[[str], Baseline | None]
    calendar: Calendar
    commit_version: int
    as_of: datetime
    kind: str | None = None
    slices: Sequence[str] = ()
    measures: Mapping[str, str] = field(default_factory=dict)
    definition: str = ""
    most_values: int = MOST_VALUES

    def measure(self, windows: Sequence[ScoredWindow], scored: Sequence[ScoredWindow]) -> Measurement:
        """The metrics of ``windows``; each is also compared with the window just before it, if that is ``scored``."""
        wanted = {found.window for found in windows}
        needed = wanted | {before(self.calendar, window) for window in wanted}
        known: dict[Key, Known] = {}
        rows: dict[Key, int] = {}
        result = Measurement()
        reading = [found for found in scored if found.window in needed and found.rows]
        with ThreadPoolExecutor(1) as beside:  # Spark computes these while the columns are measured here
            measuring = beside.submit(self._measured, windows)
            for group in _groups(reading, self.most_values // max(len(self.types), 1)):
                for found, of, size, columns, good in self._read(group):
                    rows[found.window, of] = size
                    known.setdefault((found.window, of), {}).update({name: one.sketch for name, one in columns.items()})
                    if found.window in wanted:
                        earlier = known.get((before(self.calendar, found.window), of), {})
                        self._describe(result, found, of, columns, earlier)
                        if good is not None:
                            result.profile.append(self._profiled(found, of, TABLE) | {"count": size} | good)
        custom = measuring.result()
        for found in windows:
            self._describe_table(result, found, rows, known, custom)
        return result

    def _read(
        self, group: Sequence[ScoredWindow]
    ) -> Iterator[tuple[ScoredWindow, Slice | None, int, dict[str, Column], Row | None]]:
        """The columns of each window of ``group`` and its slices, in one or several parts; the first comes with the quality."""
        numbers = {found.window: self.calendar.number(found.window.start) for found in group}
        rows = self.frame.where(F.col("window_number").isin(list(numbers.values())))
        names = sorted(self.types, key=lambda name: name != PREDICTION)
        labels = [LABEL] if self.kind and PREDICTION in names else []
        slices = [slice_column(position) for position in range(len(self.slices))]
        chunks = list(in_chunks(names, sum(found.rows for found in group), self.most_values))
        for position, chunk in enumerate(chunks or [[]]):  # rows count without columns, too
            with_quality = position == 0
            values: pa.Table = rows.select("window_number", *chunk, *(labels * with_quality), *slices).toArrow()
            for found in group:
                part = values.filter(pc.equal(values["window_number"], numbers[found.window]))
                sliced = ((of, part.take(pa.array(positions))) for of, positions in parts(part, self.slices))
                for of, some in [(None, part), *sliced]:
                    steps = GRID_STEPS if of is None else SLICE_STEPS
                    columns = columns_of(some, chunk, steps)
                    good: Row | None = {} if with_quality else None
                    if with_quality and labels:
                        good = quality(str(self.kind), some[PREDICTION], some[LABEL])
                    yield found, of, some.num_rows, columns, good

    def _describe(
        self,
        result: Measurement,
        found: ScoredWindow,
        of: Slice | None,
        columns: Mapping[str, Column],
        earlier: Mapping[str, Sketch],
    ) -> None:
        baseline = self.baseline(found.model_version)
        part = baseline.part(of) if baseline else None
        for name, column in columns.items():
            common = self._common(found, of, name)
            result.profile.append(self._profiled(found, of, name) | column.profile())
            if part and name in part.columns and (drift := column.drift(part.columns[name])):
                if baseline and of is None and name in baseline.mixes:
                    counts = [int(cell["current"]) for cell in drift["histogram"]]  # type: ignore[attr-defined]
                    drift["explained_prediction_delta"] = baseline.mixes[name].explained(counts)
                result.drift.append(common | {"drift_type": "BASELINE"} | drift)
            if name in earlier and (drift := column.drift(earlier[name])):
                window = before(self.calendar, found.window)
                result.drift.append(common | {"drift_type": "CONSECUTIVE", "window_cmp": window.as_struct()} | drift)

    def _describe_table(
        self,
        result: Measurement,
        found: ScoredWindow,
        rows: Mapping[Key, int],
        known: Mapping[Key, Known],
        custom: Mapping[Key, Mapping[str, float]],
    ) -> None:
        """Fill in what the table's own rows, of all and of each slice, say of all columns together."""
        baseline = self.baseline(found.model_version)
        if not found.rows:
            nothing = {"count": 0, "labelled_count": 0, "non_null_columns": []}
            result.profile.append(self._profiled(found, None, TABLE) | nothing | self._of_table(found))
            return
        own = [
            row for row in result.profile if row["column_name"] == TABLE and row["window"] == found.window.as_struct()
        ]
        for row in own:
            of = (str(row["slice_key"]), str(row["slice_value"])) if row.get("slice_key") else None
            sketches, common = known[found.window, of], self._common(found, of, TABLE)
            now, values = _non_null(sketches), custom.get((found.window, of), {})
            row |= {"non_null_columns": [name for name in self.types if name in now]} | self._of_table(found)
            row["custom_metrics"] = list(values.items()) or None
            part = baseline.part(of) if baseline else None
            if part:
                shared = {name for name in sketches if name in part.columns}
                deltas = _table_deltas(
                    rows[found.window, of] - part.rows, now & shared, _non_null(part.columns) & shared
                )
                moved = [(name, value - part.measures[name]) for name, value in values.items() if name in part.measures]
                result.drift.append(common | {"drift_type": "BASELINE", "custom_metrics_delta": moved or None} | deltas)
            earlier = before(self.calendar, found.window)
            if (earlier, of) in known:
                compared = {"drift_type": "CONSECUTIVE", "window_cmp": earlier.as_struct()}
                count = rows[found.window, of] - rows[earlier, of]
                result.drift.append(common | compared | _table_deltas(count, now, _non_null(known[earlier, of])))

    def _measured(self, windows: Sequence[ScoredWindow]) -> dict[Key, dict[str, float]]:
        """The monitor's own measures, by window and slice."""
        by_number = {self.calendar.number(found.window.start): found.window for found in windows}
        if not self.measures or not by_number:
            return {}
        frame = self.frame.where(F.col("window_number").isin(list(by_number)))
        found = measured(frame, self.measures, self.slices, what="The monitored table", by="window_number")
        return {
            (by_number[int(str(number))], of): values
            for (number,), slices in found.items()
            for of, values in slices.items()
        }

    def _of_table(self, found: ScoredWindow) -> Row:
        return {"newest_row": found.newest, "definition": self.definition}

    def _common(self, found: ScoredWindow, of: Slice | None, column: str) -> Row:
        return {
            "window": found.window.as_struct(),
            "granularity": self.calendar.name,
            "monitor_version": METRICS_VERSION,
            "slice_key": of[0] if of else None,
            "slice_value": of[1] if of else None,
            "column_name": column,
            "data_type": self.types.get(column),
            "model_version": found.model_version,
            "window_start": found.window.start,
        }

    def _profiled(self, found: ScoredWindow, of: Slice | None, column: str) -> Row:
        return self._common(found, of, column) | {
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


def _non_null(sketches: Mapping[str, Sketch]) -> set[str]:
    return {name for name, sketch in sketches.items() if sketch.nulls < sketch.rows}


def _table_deltas(count: int, now: set[str], before: set[str]) -> Row:
    return {"count_delta": count, "non_null_columns_delta": {"added": len(now - before), "missing": len(before - now)}}
