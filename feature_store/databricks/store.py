"""The Databricks store: the vendor's own client, and on top of it only what this project needs.

Tables, keys, tags, joins, packaging and scoring are the client's. Added here are this project's names and checks (so that
both stores refuse the same things in the same words), published windows, commits with their lineage, and
``lineage.json`` beside a packaged model. Imported only when it is chosen; nothing else knows the vendor's package.
"""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from feature_store.databricks.models import ModelVerbs
from feature_store.databricks.unity_tables import UnityTables
from feature_store.errors import Misuse

_VOLUMES = Path("/Volumes")


class DatabricksStore(ModelVerbs):
    """:class:`feature_store.store.FeatureStore` on Unity Catalog, through ``databricks-feature-engineering``."""

    def __init__(self, spark: SparkSession, client: Any, *, catalog: str, schema: str, workspace: Path) -> None:
        self.spark = spark
        self.client = client
        self.workspace = workspace
        self.tables = UnityTables(spark, catalog=catalog, schema=schema)

    @classmethod
    def open(cls, *, catalog: str, schema: str, workspace: Path) -> "DatabricksStore":
        """The store over the running Spark session.

        Raises
        ------
        Misuse
            If the vendor's package is not installed.
        """
        try:
            from databricks.feature_engineering import FeatureEngineeringClient
        except ImportError as error:
            raise Misuse(
                f"The databricks backend needs databricks-feature-engineering, which cannot be imported ({error}). "
                "Install it: pip install 'feature-pipelines[databricks]'."
            ) from error
        spark = SparkSession.Builder().getOrCreate()
        return cls(spark, FeatureEngineeringClient(), catalog=catalog, schema=schema, workspace=workspace)

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
