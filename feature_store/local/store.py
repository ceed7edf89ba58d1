"""The local store: the vendor's verbs over Spark, Delta and MLflow, in a workspace folder.

The tables may be elsewhere: ``PIPELINE_WAREHOUSE`` names a folder or an address (``s3://bucket/warehouse``).
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from feature_store.errors import StorageError, listed
from feature_store.local import session
from feature_store.local.feature_tables import FeatureTables
from feature_store.local.models import TRACKING_IS_OURS, Models
from feature_store.local.training_sets import TrainingSets
from feature_store.tables.delta_tables import DeltaTables
from feature_store.tables.objects import place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TRACKING = "MLFLOW_TRACKING_URI"
_NOT_IN_ADDRESSES = re.compile(r"[\[\]^|\\?`]|%[0-9A-Fa-f]{2}")
"""What a workspace's path must not have: to delta-rs, Spark's SQL or SQLAlchemy it would be the address of something else."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")
"""How an address begins, once it was taken for a path."""


class LocalStore:
    """:class:`feature_store.store.FeatureStore` for a laptop or any Spark cluster: three parts, and their verbs."""

    def __init__(self, workspace: Path, tables: DeltaTables) -> None:
        self.workspace = workspace
        self.tables = tables
        feature_tables = FeatureTables(tables)
        self.create_table = feature_tables.create_table
        self.get_table = feature_tables.get_table
        self.read_table = feature_tables.read_table
        self.write_table = feature_tables.write_table
        self.drop_table = feature_tables.drop_table
        self.set_feature_table_tag = feature_tables.set_feature_table_tag
        self.delete_feature_table_tag = feature_tables.delete_feature_table_tag
        self.publish_table = feature_tables.publish_table
        training_sets = TrainingSets(tables, feature_tables)
        self.create_training_set = training_sets.create_training_set
        self.compute_features = training_sets.compute_features
        self.create_feature_spec = training_sets.create_feature_spec
        self.delete_feature_spec = training_sets.delete_feature_spec
        models = Models(workspace, tables, training_sets)
        self.experiment = models.experiment
        self.log_model = models.log_model
        self.score_batch = models.score_batch
        self.score_packaged = models.score_packaged
        self.look_up = models.look_up
        self.count_misses = models.count_misses
        self.feature_versions = models.feature_versions

    @classmethod
    def open(cls, *, catalog: str, schema: str, workspace: Path) -> LocalStore:
        """Open, and create where needed, the workspace.

        Raises
        ------
        StorageError
            If the folder cannot be written, or its path has a character that cannot be in an address.
        """
        if _ADDRESS.match(str(workspace)):
            raise StorageError(
                f"The workspace {workspace} is an address, and must be a folder: reports are kept there. Name the address of the "
                f"tables by {session.WAREHOUSE}, and choose a folder with --workspace."
            )
        workspace = workspace.absolute()
        warehouse = place(os.environ.get(session.WAREHOUSE) or workspace / "warehouse")
        refused = sorted(set(_NOT_IN_ADDRESSES.findall(str(workspace))))
        if refused:
            raise StorageError(
                f"The workspace {workspace} cannot be used: its path has {listed(refused)}, which those who read tables by "
                "their address take for something else. Choose another with --workspace."
            )
        try:
            for folder in (workspace, workspace / "reports", workspace / "mlartifacts", warehouse):
                if isinstance(folder, Path):
                    folder.mkdir(parents=True, exist_ok=True)
                    if not os.access(folder, os.W_OK):
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
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # for when it is not loaded yet
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        # A server that does not answer is told of after half a minute, not after six.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
        return cls(workspace, DeltaTables(warehouse, catalog=catalog, schema=schema, engine=session))

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
