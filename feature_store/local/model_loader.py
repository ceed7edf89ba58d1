"""The loader of packaged models, named in their MLmodel file: ``mlflow.pyfunc.load_model(uri).predict(keys)``."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import functions as F


class KeyedModel:
    """A model that looks its features up itself; ``predict`` is given keys and the moment of decision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row with the column ``prediction`` for each row of ``model_input``, in its order."""
        from feature_store import open_store
        from feature_store.local.feature_spec import FeatureSpec
        from feature_store.local.store import LocalStore

        store = open_store(workspace=_workspace(), backend="local")
        assert isinstance(store, LocalStore)
        asked = (params or {}).get("result_type", "NO_RESULT_TYPE")
        result_type = "double" if asked == "NO_RESULT_TYPE" else asked
        df = store.spark.createDataFrame(model_input.assign(__position=range(len(model_input))))
        # What pandas calls a date or a column of nothing is a timestamp or of no type for Spark.
        kinds = {one.name: one.data_type for one in FeatureSpec.load(self.folder).columns if one.data_type}
        typed = df.select(
            *(F.col(f"`{c}`").cast(kinds[c]).alias(c) if c in kinds else F.col(f"`{c}`") for c in df.columns)
        )
        scored = store.score_packaged(self.folder, typed, result_type=result_type, override_features=True)
        ordered = scored.select("__position", "prediction").toPandas().sort_values("__position")
        return ordered[["prediction"]].reset_index(drop=True)


def _workspace() -> Path | None:
    """The workspace whose registry is in use; None if the registry is elsewhere, and the usual place is meant."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    folder = Path(address.removeprefix("sqlite:///")).parent
    return folder if address.startswith("sqlite:///") and (folder / "warehouse").is_dir() else None


def _load_pyfunc(data_path: str) -> KeyedModel:
    return KeyedModel(Path(data_path))
