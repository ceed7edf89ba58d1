"""Scoring with a packaged model: what the caller's frame must be, and the model run on Arrow batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import DataType, StructType

from feature_store.declare.arguments import check_data_frame
from feature_store.errors import Misuse, listed, suggestion
from feature_store.join.memory import row_bytes
from feature_store.join.rows import Rows, as_frame
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.raw_model import Folder, Sent, loaded, sent
from feature_store.tables import workers
from feature_store.tables.gathering import rows_if_few
from feature_store.tables.handing_over import frame_of, room_on_disk
from feature_store.tables.plain_scans import plain_scan

PREDICTION = "prediction"
MOST_ROWS_HERE = 50_000
"""Of a frame in Spark's memory more rows than these are predicted by Spark's workers, several at a time."""
_BYTES_AT_ONCE, _ROWS_OF_A_STEP, _MOST_ROWS_AT_ONCE = 64 * 2**20, 1024, 262_144
_RESULTS = {
    "double": pa.float64(), "float": pa.float32(), "int": pa.int32(), "bigint": pa.int64(), "long": pa.int64(),
    "boolean": pa.bool_(), "string": pa.string(),
}  # fmt: skip


def check_frame(df: DataFrame, spec: FeatureSpec, *, override_features: bool) -> list[str]:
    """The features that ``df`` brings along, once it is clear that it may.

    Raises
    ------
    Misuse
        If a required column is missing, a feature column is brought unasked, or the frame streams.
    """
    check_data_frame(df)
    if df.isStreaming:
        raise Misuse("score_batch takes a batch data frame; this one streams. Use foreachBatch.")
    missing = [name for name in spec.required if name not in df.columns]
    if missing:
        raise Misuse(f"The data frame lacks {listed(missing)}; the model needs {listed(spec.required)}.")
    if PREDICTION in df.columns:
        raise Misuse(f"The data frame already has a column {PREDICTION!r}. Drop or rename it.")
    brought = [column.name for column in spec.computed if column.name in df.columns]
    if brought and not override_features:
        raise Misuse(
            f"The data frame brings feature columns: {listed(brought)}. Scoring is given keys only, so that every value "
            "comes from the feature store. Drop them, or say override_features=True."
        )
    return brought


def check_result_type(result_type: str) -> None:
    """Refuse a result type that a prediction cannot have, before anything is looked up.

    Raises
    ------
    Misuse
        If there is no such type.
    """
    if result_type not in _RESULTS:
        raise Misuse(f"There is no result_type {result_type!r}. {suggestion(str(result_type), _RESULTS)}")


def predict(
    looked: DataFrame | Rows, folder: Path, columns: Sequence[str], result_type: str, *, here: bool
) -> DataFrame:
    """What was looked up with ``prediction``: the raw model is loaded once per process and run once per Arrow batch.

    If they may come ``here``, rows are predicted in this process that were joined in it, that are computed from little, or that lie in
    files: a worker has to import what is loaded here already, and to be sent what is here.
    """
    spark = looked.sparkSession
    schema = StructType(list(looked.schema.fields)).add(PREDICTION, DataType.fromDDL(result_type))
    model = folder / "raw_model"
    # Spark's workers are on this machine where it runs in this process.
    source = Folder(str(model)) if workers.are_here(spark) else sent(model, spark)
    with_predictions = _Predicting(source, tuple(columns), result_type)
    at_once = _rows_at_once(StructType([looked.schema[name] for name in columns]))
    batches = _at_hand(looked, schema, at_once) if here else None
    if batches is None:
        return as_frame(looked).mapInArrow(with_predictions, schema)
    return frame_of(spark, with_predictions(batches), schema)


def _at_hand(looked: DataFrame | Rows, schema: StructType, at_once: int) -> Iterator[pa.RecordBatch] | None:
    """The rows to predict, so many at once; None if Spark's workers shall predict them."""
    rows = looked.as_spark_has_them() if isinstance(looked, Rows) else rows_if_few(looked, of_unknown=MOST_ROWS_HERE)
    if rows is not None:
        batches: list[pa.RecordBatch] = rows.combine_chunks().to_batches(at_once)
        return iter(batches)
    scan = plain_scan(as_frame(looked))
    if scan is None or scan.rows * row_bytes(schema) > room_on_disk(looked.sparkSession, schema):
        return None
    return scan.batches(at_once)


def _rows_at_once(asked: StructType) -> int:
    """So many rows of the model's columns as keep all its threads busy for a while and take little memory.

    Whole steps: where batches begin, a sum of a linear model's may differ in its last bit, unless it is at a multiple of the rows
    that the processor sums at a time.
    """
    steps = min(_BYTES_AT_ONCE // max(row_bytes(asked), 1), _MOST_ROWS_AT_ONCE) // _ROWS_OF_A_STEP
    return max(steps, 1) * _ROWS_OF_A_STEP


@dataclass(frozen=True)
class _Predicting:
    """Adds predictions to Arrow batches, in this process or in a worker."""

    model: Folder | Sent
    columns: Sequence[str]
    result_type: str

    def __call__(self, rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model, kind = loaded(self.model), _RESULTS[self.result_type]
        for batch in rows:
            values = model.predict(batch.select(list(self.columns)).to_pandas())
            flat = np.ravel(values)
            predicted = pa.array(flat.astype(str) if kind == pa.string() else flat).cast(kind)
            yield batch.append_column(PREDICTION, predicted)
