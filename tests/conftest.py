"""One Spark session for all tests, and an empty store for each."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

# A third less CPU for many short queries; not for heavy jobs.
os.environ.setdefault("PIPELINE_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ.pop("PIPELINE_WORKSPACE", None)

# Queries over a few rows spend their time on compiling and planning: another third less.
_FOR_FEW_ROWS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from feature_store.local.session import spark_session

    session = spark_session(app_name="tests")
    for key, value in _FOR_FEW_ROWS.items():
        session.conf.set(key, value)
    yield session
    session.stop()


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path):  # type: ignore[no-untyped-def]
    from feature_store import open_store

    return open_store(catalog="test", schema="flights", workspace=tmp_path / "workspace")
