"""A packaged model outside of jobs: ``mlflow.pyfunc.load_model(uri).predict(keys)``, over the local store."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from feature_store.names import DEFAULT_SCHEMA


class KeyedModel:
    """A model that looks its features up itself; ``predict`` is given keys and the moment of decision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row with the column ``prediction`` for each row of ``model_input``, in its order."""
        from feature_store.local.store import LocalStore
        from feature_store.package.spec_file import load_spec

        # Whatever the model looks up is named in full.
        store = LocalStore.open(catalog="dev", schema=DEFAULT_SCHEMA, workspace=_workspace())
        asked = (params or {}).get("result_type", "NO_RESULT_TYPE")
        result_type = "double" if asked == "NO_RESULT_TYPE" else asked
        df = store.spark.createDataFrame(model_input.assign(__position=range(len(model_input))))
        # What pandas calls a date or a column of nothing is a timestamp or of no type for Spark.
        kinds = {one.name: one.data_type for one in load_spec(self.folder).columns if one.data_type}
        typed = df.select(
            *(F.col(f"`{c}`").cast(kinds[c]).alias(c) if c in kinds else F.col(f"`{c}`") for c in df.columns)
        )
        scored = store.score_packaged(self.folder, typed, result_type=result_type, override_features=True)
        ordered = scored.select("__position", "prediction").toPandas().sort_values("__position")
        return ordered[["prediction"]].reset_index(drop=True)


def load(data_path: str) -> KeyedModel:
    """The model in a package's ``data/feature_store`` folder."""
    return KeyedModel(Path(data_path))


def _workspace() -> Path:
    """The workspace whose registry is in use; if the registry is elsewhere, the usual place."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    folder = Path(address.removeprefix("sqlite:///")).parent
    if address.startswith("sqlite:///") and (folder / "warehouse").is_dir():
        return folder
    return Path(os.environ.get("PIPELINE_WORKSPACE") or "workspace")
