"""Models that carry their features: logging them in the documented layout, and scoring with nothing but keys.

``<model>/data/feature_store/feature_spec.yaml`` says where each column comes from, ``raw_model/`` is the model itself,
``lineage.json`` which versions of which tables it was trained on.
"""

import contextlib
import io
import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version as installed
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.errors import Misuse, NotFound, listed, suggestion
from feature_store.local.feature_spec import FeatureSpec
from feature_store.local.training_set import LocalTrainingSet

LOADER = "feature_store.local.model_loader"
LINEAGE_FILE = "lineage.json"
PREDICTION = "prediction"
_TYPES = {
    "string": "string", "int": "integer", "smallint": "integer", "bigint": "long", "float": "float",
    "double": "double", "boolean": "boolean", "timestamp": "datetime", "date": "datetime", "binary": "binary",
}  # fmt: skip
_RESULTS = {
    "double": pa.float64(), "float": pa.float32(), "int": pa.int32(), "bigint": pa.int64(), "long": pa.int64(),
    "boolean": pa.bool_(), "string": pa.string(),
}  # fmt: skip
_REQUIREMENTS = ("mlflow", "scikit-learn", "numpy", "pandas", "pyarrow", "cloudpickle")


def log_model(
    model: object,
    artifact_path: str,
    flavor: ModuleType,
    training_set: LocalTrainingSet,
    registered_model_name: str | None,
    lineage: Mapping[str, object],
    flavor_options: Mapping[str, Any],
) -> ModelInfo:
    """Package and log ``model`` to the active run."""
    requirements = [f"{name}=={installed(name)}" for name in _REQUIREMENTS]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "feature_store"
        folder.mkdir()
        options = {"pip_requirements": requirements, **flavor_options}
        flavor.save_model(model, path=str(folder / "raw_model"), **options)
        training_set.spec.save(folder)
        document = {"tables": dict(training_set.table_versions), **lineage}
        (folder / LINEAGE_FILE).write_text(json.dumps(document, indent=2, default=str), encoding="utf-8")
        warnings.filterwarnings("ignore", message="(?s).*input example was not provided", module="mlflow")
        # MLflow tells of each registration on standard error; our own progress says it better.
        with contextlib.redirect_stderr(io.StringIO()):
            logged: ModelInfo = mlflow.pyfunc.log_model(
                name=artifact_path,
                loader_module=LOADER,
                data_path=str(folder),
                signature=signature(training_set.spec, training_set.df.schema, training_set.labels),
                pip_requirements=requirements,
                registered_model_name=registered_model_name,
                await_registration_for=0,
            )
        return logged


def signature(spec: FeatureSpec, spine: StructType, labels: Sequence[str]) -> ModelSignature | None:
    """Keys are required; features may be given to override the lookup. None if a column's type has no counterpart."""
    if any(column.data_type not in _TYPES for column in spec.sources):
        return None
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES[column.data_type], column.name, required=True) for column in spec.sources
    ]
    inputs += [
        ColSpec(_TYPES[column.data_type], column.name, required=False)
        for column in spec.features
        if column.data_type in _TYPES
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES[spine[label].dataType.simpleString()], label) for label in labels
    ]
    params = ParamSchema([ParamSpec("result_type", "string", "NO_RESULT_TYPE")])
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs) if outputs else None, params=params)


def packaged_folder(model_uri: str) -> Path:
    """The model's ``data/feature_store`` folder, fetched if it is elsewhere.

    Raises
    ------
    NotFound
        If there is no such model.
    Misuse
        If the model was packaged without features.
    """
    try:
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise NotFound(f"There is no model {model_uri!r}: {error}") from error
    folder = root / "data" / "feature_store"
    if not folder.is_dir():
        raise Misuse(
            f"Model {model_uri!r} was not packaged with features, so keys alone cannot be scored. "
            "Log it with store.log_model(..., training_set=...)."
        )
    return folder


def check_frame(df: DataFrame, spec: FeatureSpec, *, override_features: bool) -> list[str]:
    """The features that ``df`` brings along, once it is clear that it may.

    Raises
    ------
    Misuse
        If a required column is missing, a feature column is brought unasked, or the frame streams.
    """
    if df.isStreaming:
        raise Misuse("score_batch takes a batch data frame; this one streams. Use foreachBatch.")
    missing = [name for name in spec.required if name not in df.columns]
    if missing:
        raise Misuse(f"The data frame lacks {listed(missing)}; the model needs {listed(spec.required)}.")
    if PREDICTION in df.columns:
        raise Misuse(f"The data frame already has a column {PREDICTION!r}. Drop or rename it.")
    brought = [column.name for column in spec.features if column.name in df.columns]
    if brought and not override_features:
        raise Misuse(
            f"The data frame brings feature columns: {listed(brought)}. Scoring is given keys only, so that every value "
            "comes from the feature store. Drop them, or say override_features=True."
        )
    return brought


def predict(df: DataFrame, folder: Path, columns: Sequence[str], result_type: str) -> DataFrame:
    """``df`` with ``prediction``: the raw model is loaded once per worker and run once per Arrow batch."""
    if result_type not in _RESULTS:
        raise Misuse(f"There is no result_type {result_type!r}. {suggestion(result_type, _RESULTS)}")
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
