"""The local store: the vendor's verbs over Spark, Delta and MLflow, in one workspace folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from feature_store.errors import StorageError
from feature_store.local import session
from feature_store.local.models import TRACKING_IS_OURS, ModelVerbs
from feature_store.tables.delta_tables import DeltaTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TRACKING = "MLFLOW_TRACKING_URI"


class LocalStore(ModelVerbs):
    """:class:`feature_store.store.FeatureStore` for a laptop or any Spark cluster."""

    def __init__(self, workspace: Path, tables: DeltaTables) -> None:
        self.workspace = workspace
        self.tables = tables

    @classmethod
    def open(cls, *, catalog: str, schema: str, workspace: Path) -> LocalStore:
        """Open, and create where needed, the workspace.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        workspace = workspace.absolute()
        try:
            for folder in ("warehouse", "reports", "mlartifacts"):
                (workspace / folder).mkdir(parents=True, exist_ok=True)
            if not os.access(workspace / "warehouse", os.W_OK):
                raise PermissionError("permission denied")
        except OSError as error:
            raise StorageError(
                f"The workspace {workspace} cannot be written: {error}. Choose another with --workspace."
            ) from error
        if os.environ.get(_TRACKING) is None or os.environ.get(TRACKING_IS_OURS):
            os.environ[_TRACKING] = f"sqlite:///{workspace / 'mlflow.db'}"
            os.environ[TRACKING_IS_OURS] = "1"
        # Users see the pipeline's own progress; MLflow speaks only when something is wrong.
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        return cls(workspace, DeltaTables(workspace / "warehouse", catalog=catalog, schema=schema, engine=session))

    @property
    def spark(self) -> SparkSession:
        """The session, started when a data frame is first asked for."""
        return self.tables.spark

    @property
    def catalog(self) -> str:
        return self.tables.catalog

    @property
    def schema(self) -> str:
        return self.tables.schema

    @property
    def reports(self) -> Path:
        return self.workspace / "reports"
