"""The baseline of a model version: sketches of the rows it learned from, computed once and kept with its MLflow run."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from feature_store.store import FeatureStore
from monitoring.drift.columns import column_of, is_measured
from monitoring.drift.sketch import CategoricalSketch, NumericSketch, Sketch
from training.spec import TrainingSpec

PREDICTION = "prediction"
ARTIFACT = "monitoring/baseline.json"
FORMAT = 1
MOST_VALUES = 40_000_000
"""Rows times columns that are held in memory at once: 320 MB of numbers. More are read some columns at a time."""

_SKETCHES: dict[str, type[NumericSketch] | type[CategoricalSketch]] = {
    "numeric": NumericSketch,
    "categorical": CategoricalSketch,
}


@dataclass(frozen=True)
class Baseline:
    """What the training set of a model version looked like; of ``prediction``, its holdout where there is one."""

    model_version: str
    rows: int
    columns: Mapping[str, Sketch]

    def to_json(self) -> str:
        """The baseline as it is kept with the model version."""
        columns = {name: {"kind": _kind(sketch), **sketch.to_json()} for name, sketch in self.columns.items()}
        return json.dumps(
            {"format": FORMAT, "model_version": self.model_version, "rows": self.rows, "columns": columns}
        )

    @classmethod
    def from_json(cls, text: str) -> "Baseline | None":
        """What :meth:`to_json` wrote; None for another format or a damaged file, so that it is computed again."""
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                return None
            columns = {name: _SKETCHES[kept["kind"]].from_json(kept) for name, kept in data["columns"].items()}
            return cls(data["model_version"], data["rows"], columns)
        except (ValueError, KeyError, TypeError):
            return None


def training_set_table(training: TrainingSpec) -> str:
    """The table with the rows that each version of the model learned from."""
    return f"{training.name}_training_set"


def load(store: FeatureStore, training: TrainingSpec, version: str, columns: Sequence[str]) -> Baseline | None:
    """The baseline of a model version, from its run's artifacts or else from the training set's table.

    None if neither has it. One that had to be computed is kept with the run, if there is one.
    """
    run = _run_of(store, training, version)
    kept = _read(run) if run else None
    if kept is not None and kept.model_version == version and set(columns) <= set(kept.columns):
        return kept
    computed = compute(store, training, version, columns)
    if computed is not None and run:
        _keep(run, computed)
    return computed


def compute(store: FeatureStore, training: TrainingSpec, version: str, columns: Sequence[str]) -> Baseline | None:
    """The baseline of a model version from the training set's table, or None if it has no rows of that version."""
    name = training_set_table(training)
    if not store.tables.exists(name):
        return None
    there, only = store.tables.info(name).schema.names, {"model_version": version}
    known = [column for column in columns if column in there]
    count = store.tables.collect(name, ["split"], only=only).num_rows
    if not count:
        return None
    sketches: dict[str, Sketch] = {}
    for chunk in in_chunks(known, count):
        values = store.tables.collect(name, ["split", *chunk], only=only)
        for column in chunk:
            if is_measured(values.schema.field(column).type):
                sketches[column] = column_of(_of_holdout(values) if column == PREDICTION else values[column]).sketch
    return Baseline(version, count, sketches)


def in_chunks(columns: Sequence[str], rows: int, most: int = MOST_VALUES) -> Iterator[list[str]]:
    """``columns`` in groups of which so many rows have at most ``most`` values; a single column may have more."""
    size = max(most // max(rows, 1), 1)
    for first in range(0, len(columns), size):
        yield list(columns[first : first + size])


def _of_holdout(values: pa.Table) -> pa.ChunkedArray:
    """The predictions of rows that the model did not learn from; all of them if there are no such rows."""
    predicted = values.filter(pc.and_(pc.equal(values["split"], "holdout"), pc.is_valid(values[PREDICTION])))
    return (predicted if predicted.num_rows else values)[PREDICTION]


def _kind(sketch: Sketch) -> str:
    return next(kind for kind, sketch_class in _SKETCHES.items() if isinstance(sketch, sketch_class))


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
