"""The baseline: sketches of what later windows are compared with, computed once and kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitoring.drift.sketch import CategoricalSketch, NumericSketch, Sketch
from monitoring.windows.metrics import TABLE
from monitoring.windows.variation import Scale, Variation

ROWS = "rows"
"""Under this name a part keeps, of ``:table``, how many rows each of its windows has."""
FORMAT = 3
MOST_VALUES = 40_000_000
"""Rows times columns that are held in memory at once: 320 MB of numbers. More are read some columns at a time."""

Slice = tuple[str, str]
"""A slice: its expression, and the expression's value."""

_SKETCHES: dict[str, type[NumericSketch] | type[CategoricalSketch]] = {
    "numeric": NumericSketch,
    "categorical": CategoricalSketch,
}


@dataclass(frozen=True)
class Part:
    """All rows of a baseline, or those of one slice of it."""

    rows: int
    columns: Mapping[str, Sketch]
    measures: Mapping[str, float] = field(default_factory=dict)
    variation: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    """By column (or ``:table``) and metric, the values in the windows that the baseline itself has."""

    def varied(self, column: str, metric: str, *, scale: Scale) -> Variation:
        """How the metric of the column varied over the baseline's own windows; of no values, if that is not known."""
        rows = self.variation.get(TABLE, {}).get(ROWS, ())
        return Variation(self.variation.get(column, {}).get(metric, ()), scale, min(rows, default=1.0))


@dataclass(frozen=True)
class Mix:
    """What predictions were like in each bin of a column: the bins' shares of the rows, and their mean predictions."""

    shares: Sequence[float]
    means: Sequence[float]

    def explained(self, current: Sequence[int]) -> float | None:
        """How much the mean prediction would have moved, had only the shares of this column's bins changed.

        That is the sum over the bins of (current share - share) times the mean prediction there, the composition part of
        Kitagawa, Components of a Difference Between Two Rates (1955). ``current`` are rows by bin.
        """
        total = sum(current)
        if not total:
            return None
        pairs = zip(self.shares, self.means, current, strict=True)
        return float(sum((now / total - share) * mean for share, mean, now in pairs))


@dataclass(frozen=True)
class Baseline:
    """What the training set of a model version looked like; of ``prediction``, its holdout where there is one.

    ``mixes`` has the predictions by bin of each column. ``calendar`` names the windows of the parts' variation.
    """

    model_version: str
    whole: Part
    slices: Mapping[Slice, Part] = field(default_factory=dict)
    mixes: Mapping[str, Mix] = field(default_factory=dict)
    calendar: str = ""
    asked: str = ""
    """Hash of the slices, measures and windows that it was made for."""

    def part(self, of: Slice | None) -> Part | None:
        """The part with the rows of a slice, or with all of them; None if there was no such row."""
        return self.whole if of is None else self.slices.get(of)

    def to_json(self) -> str:
        """The baseline as it is kept."""
        data = {
            "format": FORMAT,
            "model_version": self.model_version,
            "whole": _part_data(self.whole),
            "slices": [[*key, _part_data(part)] for key, part in self.slices.items()],
            "mixes": {name: [list(mix.shares), list(mix.means)] for name, mix in self.mixes.items()},
            "calendar": self.calendar,
            "asked": self.asked,
        }
        return json.dumps(data)

    @classmethod
    def from_json(cls, text: str) -> "Baseline | None":
        """What :meth:`to_json` wrote; None for another format or a damaged file, so that it is computed again."""
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                return None
            return cls(
                data["model_version"],
                _part(data["whole"]),
                {(key, value): _part(part) for key, value, part in data["slices"]},
                {name: Mix(shares, means) for name, (shares, means) in data["mixes"].items()},
                data["calendar"],
                data["asked"],
            )
        except (ValueError, KeyError, TypeError):
            return None


def in_chunks(columns: Sequence[str], rows: int, most: int = MOST_VALUES) -> Iterator[list[str]]:
    """``columns`` in groups of which so many rows have at most ``most`` values; a single column may have more."""
    size = max(most // max(rows, 1), 1)
    for first in range(0, len(columns), size):
        yield list(columns[first : first + size])


def _part_data(part: Part) -> dict[str, object]:
    return {
        "rows": part.rows,
        "columns": {name: {"kind": _kind(sketch), **sketch.to_json()} for name, sketch in part.columns.items()},
        "measures": dict(part.measures),
        "variation": {name: dict(metrics) for name, metrics in part.variation.items()},
    }


def _part(data: Mapping[str, object]) -> Part:
    columns: Mapping[str, Mapping[str, object]] = data["columns"]  # type: ignore[assignment]
    sketches = {name: _SKETCHES[str(kept["kind"])].from_json(kept) for name, kept in columns.items()}
    return Part(data["rows"], sketches, data["measures"], data["variation"])  # type: ignore[arg-type]


def _kind(sketch: Sketch) -> str:
    return next(kind for kind, sketch_class in _SKETCHES.items() if isinstance(sketch, sketch_class))
