"""One Spark session for all tests, and an empty store for each."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

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


@pytest.fixture(scope="session")
def frame(spark: SparkSession) -> Callable[..., DataFrame]:
    """Literal rows as a frame. By Arrow, since a frame of Python rows starts Python workers for each query."""

    def make(rows: Sequence[tuple[Any, ...]], schema: str) -> DataFrame:
        declared = StructType.fromDDL(schema)
        columns = to_arrow_schema(declared, timezone="UTC")
        arrays = [pa.array([row[position] for row in rows], field.type) for position, field in enumerate(columns)]
        return spark.createDataFrame(pa.table(arrays, schema=columns), declared)

    return make


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path):  # type: ignore[no-untyped-def]
    from feature_store import open_store

    return open_store(catalog="test", schema="flights", workspace=tmp_path / "workspace")


@pytest.fixture(scope="session")
def unity(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Unity Catalog's stand-in, with the catalog ``test`` and the schema ``flights``."""
    from tests.databricks.unity_catalog import UnityCatalog

    return UnityCatalog(spark, tmp_path_factory.mktemp("unity"), name="test", schemas=("flights",))


@pytest.fixture(scope="module")
def databricks_store(unity, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The store on the vendor's own client, with the stand-in for its servers."""
    from feature_store import open_store
    from tests.databricks.unity_catalog import standing_in

    folder = tmp_path_factory.mktemp("databricks")
    with standing_in(unity), pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{unity.folder}/mlflow.db")
        yield open_store(catalog="test", schema="flights", workspace=folder, backend="databricks")
        unity.clear()
