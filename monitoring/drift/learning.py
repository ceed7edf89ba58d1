"""A baseline computed from rows: each part's sketches, the predictions by bin, and how windows of it varied."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.drift.baseline import ROWS, Baseline, Mix, Part, Slice, in_chunks
from monitoring.drift.columns import column_of, is_measured
from monitoring.drift.performance import quality
from monitoring.drift.rows import parts
from monitoring.drift.sketch import GRID_STEPS, SLICE_STEPS, Sketch
from monitoring.windows.metrics import DISTANCES, MEASURES, PREDICTION, TABLE, distance_of, measure_of

WINDOW, HELD_OUT, LABEL = "__window", "__held_out", "__label"
Values = dict[str, dict[str, list[float]]]
Measured = Mapping[tuple[object, ...], Mapping[Slice | None, Mapping[str, float]]]
"""The monitor's own measures of all rows, under (), and of each window, under its number."""


@dataclass(frozen=True)
class Asked:
    """What a baseline is asked for: columns, slices and measures by expression, and windows of at least some rows.

    ``kind`` is that of the model, for the quality of its predictions; None: there are none. ``calendar`` names the windows.
    """

    columns: Sequence[str]
    calendar: str
    minimum_rows: int
    slices: Sequence[str] = ()
    measures: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of all but the columns: a baseline made for other slices, measures or windows does not do."""
        asked = [sorted(self.slices), sorted(self.measures.items()), self.calendar, self.minimum_rows, self.kind]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LearnedRows:
    """The rows of a baseline. ``read`` gives columns, with the slices', ``__window``, ``__held_out`` and ``__label`` where known."""

    count: int
    columns: Sequence[str]
    read: Callable[[Sequence[str]], pa.Table]
    slices: Sequence[str] = ()
    measured: Measured = field(default_factory=dict)


def learn(rows: LearnedRows, asked: Asked, version: str) -> Baseline:
    """The baseline that follows from ``rows``; each column is read once."""
    building = _Building(asked)
    known = [column for column in asked.columns if column in rows.columns]
    others = [PREDICTION] if PREDICTION in known else []
    for chunk in in_chunks([column for column in known if column != PREDICTION] + others, rows.count):
        values = rows.read([*chunk, *(name for name in others if name not in chunk)])
        building.add(values, chunk, rows.slices)
    whole, slices = building.parts(rows.count, rows.measured)
    return Baseline(version, whole, slices, building.mixes, asked.calendar, asked.fingerprint)


class _Building:
    """What has been learned so far."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.mixes: dict[str, Mix] = {}
        self._sketches: dict[Slice | None, dict[str, Sketch]] = {}
        self._variation: dict[Slice | None, Values] = {}
        self._rows: dict[Slice | None, int] = {}

    def parts(self, count: int, measured: Measured) -> tuple[Part, dict[Slice, Part]]:
        """All rows, and each slice."""
        for number in sorted(key for key in measured if key):
            for of, values in measured[number].items():
                varied = self._variation.setdefault(of, {}).setdefault(TABLE, {})
                for name, value in values.items():
                    varied.setdefault(name, []).append(value)
        whole_measures = measured.get((), {})
        found = {
            of: Part(self._rows.get(of, 0), columns, whole_measures.get(of, {}), self._variation.get(of, {}))
            for of, columns in self._sketches.items()
        }
        whole = found.pop(None, Part(count, {}))
        return Part(count, whole.columns, whole.measures, whole.variation), {
            of: part for of, part in found.items() if of is not None
        }

    def add(self, values: pa.Table, columns: Sequence[str], slices: Sequence[str]) -> None:
        """Learn these columns of all rows."""
        order = np.argsort(values[WINDOW].to_numpy(), kind="stable")
        values = values.take(pa.array(order))
        held_out = _predicted(values)
        everything = np.arange(values.num_rows)
        for of, positions in [(None, everything), *parts(values, slices)]:
            self._rows[of] = positions.size
            lengths = [float(length) for _, length in self._windows(values, positions)]
            self._variation.setdefault(of, {}).setdefault(TABLE, {})[ROWS] = lengths
            for column in columns:
                if is_measured(values.schema.field(column).type):
                    chosen = positions[held_out[positions]] if column == PREDICTION else positions
                    self._learn(of, column, values, chosen)
            if PREDICTION in columns and self.asked.kind and LABEL in values.schema.names:
                self._learn_quality(of, values, positions[held_out[positions]])
        if PREDICTION in values.schema.names and pa.types.is_floating(values.schema.field(PREDICTION).type):
            self._mix(values, columns, np.flatnonzero(held_out))

    def _learn(self, of: Slice | None, column: str, values: pa.Table, positions: NDArray[np.int64]) -> None:
        steps = GRID_STEPS if of is None else SLICE_STEPS
        chosen = values[column].take(pa.array(positions))
        sketch = column_of(chosen, steps).sketch
        self._sketches.setdefault(of, {})[column] = sketch
        varied = self._variation.setdefault(of, {}).setdefault(column, {})
        for first, length in self._windows(values, positions):
            row = column_of(chosen.slice(first, length), steps).distances(sketch)
            if row is None:
                continue
            found = {metric: distance_of(row, metric) for metric in DISTANCES}
            found["null_rate"] = chosen.slice(first, length).null_count / length
            for metric, value in found.items():
                if value is not None:
                    varied.setdefault(metric, []).append(value)

    def _learn_quality(self, of: Slice | None, values: pa.Table, positions: NDArray[np.int64]) -> None:
        chosen = values.select([PREDICTION, LABEL]).take(pa.array(positions))
        varied = self._variation.setdefault(of, {}).setdefault(TABLE, {})
        for first, length in self._windows(values, positions):
            part = chosen.slice(first, length)
            row = quality(str(self.asked.kind), part[PREDICTION], part[LABEL])
            for measure in MEASURES:
                value = measure_of(row, measure)
                if value is not None:
                    varied.setdefault(measure, []).append(value)

    def _windows(self, values: pa.Table, positions: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Where each window's rows begin among ``positions``, and how many they are; not the first and the last window.

        Those two may be cut off, so that they hold other days of the week than the others.
        """
        numbers = values[WINDOW].to_numpy()[positions]
        starts = np.flatnonzero(np.diff(numbers, prepend=np.nan)) if numbers.size else np.array([], dtype=np.int64)
        lengths = np.diff(np.append(starts, numbers.size))
        for first, length in list(zip(starts.tolist(), lengths.tolist(), strict=True))[1:-1]:
            if length >= self.asked.minimum_rows:
                yield first, length

    def _mix(self, values: pa.Table, columns: Sequence[str], positions: NDArray[np.int64]) -> None:
        """The mean prediction by bin of each column; a bin without any counts as the mean of all."""
        chosen = values.take(pa.array(positions))
        chosen = chosen.filter(pc.is_finite(chosen[PREDICTION]))
        if not chosen.num_rows:
            return
        predictions = np.asarray(chosen[PREDICTION].cast(pa.float64()).to_numpy(), dtype=np.float64)
        for column in columns:
            sketch = self._sketches[None].get(column)
            if sketch is None or column == PREDICTION:
                continue
            bins, number = sketch.bins_of(chosen[column]), len(sketch.bin_names)
            rows = np.bincount(bins, minlength=number)
            sums = np.bincount(bins, weights=predictions, minlength=number)
            means = np.where(rows > 0, sums / np.maximum(rows, 1), predictions.mean())
            self.mixes[column] = Mix((rows / rows.sum()).tolist(), means.tolist())


def _predicted(values: pa.Table) -> NDArray[np.bool_]:
    """Which rows' predictions say how the model does: those held out, or all of them if there are none of those."""
    if PREDICTION not in values.schema.names:
        return np.ones(values.num_rows, dtype=bool)
    given = pc.is_valid(values[PREDICTION]).to_numpy()
    held_out = given & values[HELD_OUT].to_numpy() if HELD_OUT in values.schema.names else given
    return np.asarray(
        next((chosen for chosen in (held_out, given) if chosen.any()), np.ones(values.num_rows, dtype=bool))
    )
