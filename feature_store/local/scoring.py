"""Scoring with a packaged model: what the caller's frame must be, and the model run on Arrow batches."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.arguments import check_data_frame
from feature_store.errors import Misuse, listed, suggestion
from feature_store.local.feature_spec import FeatureSpec

PREDICTION = "prediction"
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


def predict(df: DataFrame, folder: Path, columns: Sequence[str], result_type: str) -> DataFrame:
    """``df`` with ``prediction``: the raw model is loaded once per worker and run once per Arrow batch."""
    schema = StructType(list(df.schema.fields)).add(PREDICTION, result_type)
    path, names, kind = str(folder / "raw_model"), list(columns), _RESULTS[result_type]

    def batches(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = _raw_model(path)
        for batch in rows:
            values = model.predict(batch.select(names).to_pandas())
            flat = np.ravel(values)
            predicted = pa.array(flat.astype(str) if kind == pa.string() else flat).cast(kind)
            yield batch.append_column(PREDICTION, predicted)

    return df.mapInArrow(batches, schema)


@lru_cache(maxsize=4)
def _raw_model(path: str) -> Any:
    return mlflow.pyfunc.load_model(path)
