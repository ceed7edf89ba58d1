"""The Databricks store: the vendor's own client, and on top of it only what this project needs.

Tables, keys, tags, joins, packaging and scoring are the client's. Added here are this project's names and checks (so that
both stores refuse the same things in the same words), published windows, commits with their lineage, and
``lineage.json`` beside a packaged model. Imported only when it is chosen; nothing else knows the vendor's package.
"""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from feature_store.databricks.client import vendors_own
from feature_store.databricks.feature_tables import FeatureTables
from feature_store.databricks.models import Models
from feature_store.databricks.training_sets import TrainingSets
from feature_store.databricks.unity_tables import UnityTables
from feature_store.databricks.workspace import check_workspace

_VOLUMES = Path("/Volumes")


class DatabricksStore:
    """:class:`feature_store.store.FeatureStore` on Unity Catalog, through ``databricks-feature-engineering``."""

    def __init__(self, spark: SparkSession, client: Any, *, catalog: str, schema: str, workspace: Path) -> None:
        self.spark = spark
        self.client = client
        self.workspace = workspace
        self.tables = UnityTables(spark, catalog=catalog, schema=schema)
        feature_tables = FeatureTables(client, self.tables)
        self.create_table = feature_tables.create_table
        self.get_table = feature_tables.get_table
        self.read_table = feature_tables.read_table
        self.write_table = feature_tables.write_table
        self.drop_table = feature_tables.drop_table
        self.set_feature_table_tag = feature_tables.set_feature_table_tag
        self.delete_feature_table_tag = feature_tables.delete_feature_table_tag
        self.publish_table = feature_tables.publish_table
        training_sets = TrainingSets(client, self.tables, feature_tables)
        self.create_training_set = training_sets.create_training_set
        self.compute_features = training_sets.compute_features
        self.create_feature_spec = training_sets.create_feature_spec
        self.delete_feature_spec = training_sets.delete_feature_spec
        models = Models(client, workspace, self.tables, training_sets)
        self.experiment = models.experiment
        self.log_model = models.log_model
        self.score_batch = models.score_batch
        self.look_up = models.look_up
        self.count_misses = models.count_misses
        self.feature_versions = models.feature_versions

    @classmethod
    def open(cls, *, catalog: str, schema: str, workspace: Path) -> "DatabricksStore":
        """The store over the running Spark session.

        Raises
        ------
        Misuse
            If the vendor's package is not installed, or no workspace is configured.
        StorageError
            If the workspace does not answer.
        """
        make = vendors_own("FeatureEngineeringClient")
        check_workspace()
        spark = SparkSession.Builder().getOrCreate()
        return cls(spark, make(), catalog=catalog, schema=schema, workspace=workspace)

    @property
    def catalog(self) -> str:
        return self.tables.catalog

    @property
    def schema(self) -> str:
        return self.tables.schema

    @property
    def reports(self) -> Path:
        """The volume ``reports`` of the schema; where there are no volumes, a folder of the workspace."""
        if _VOLUMES.is_dir():
            self.spark.sql(f"CREATE VOLUME IF NOT EXISTS `{self.catalog}`.`{self.schema}`.`reports`")
            return _VOLUMES / self.catalog / self.schema / "reports"
        folder = self.workspace.absolute() / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
