"""What importing the engine costs: no Spark, no MLflow, no vendor's package."""

import subprocess
import sys

PROGRAM = """
import sys
import feature_store
from feature_store import FeatureLookup, FeatureTable, Source, open_store
FeatureLookup("weather", "origin", timestamp_lookup_key="decided_at")
heavy = [name for name in ("mlflow", "databricks", "delta", "deltalake", "polars", "pandas", "sklearn") if name in sys.modules]
from pyspark.sql import SparkSession
print(heavy, SparkSession.getActiveSession(), SparkSession._instantiatedSession)
"""


def test_importing_the_engine_starts_no_spark_and_loads_neither_mlflow_nor_a_vendors_package():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] None None", done.stdout + done.stderr
