"""One Spark session for all tests of a process, an empty store for each, and nothing that outlives the run."""

import gc
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType
from xdist.workermanage import WorkerController

from tests.left_over import MARK, end_java, left_over, print_stacks
from tests.one_java import TOLD_BY, Java, session_of
from tests.scheduling import SLOW_FILES, Dealt, needs_no_spark

# A third less CPU for many short queries; not for heavy jobs. Classes are many: each time their space grew, all would be looked through.
os.environ.setdefault("PIPELINE_JAVA_OPTIONS", "-XX:+UseSerialGC -XX:MetaspaceSize=256m")
if "PYTEST_XDIST_WORKER" in os.environ:
    # What tests start shares two cores and four gigabytes, and ends before the second compiler's work would be of use. It is of use in
    # the one Java that all tests share: once warm, a query takes a tenth to a fifth less CPU.
    os.environ |= {"SPARK_MASTER": "local[1]", "SPARK_DRIVER_MEMORY": "768m"}
    os.environ["PIPELINE_JAVA_OPTIONS"] += " -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    # MLflow's, when a model is logged: it searches all modules that are loaded for the home of each of some hundred functions.
    import skops.io  # noqa: F401
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ.pop("PIPELINE_WORKSPACE", None)
os.environ.pop("PIPELINE_WAREHOUSE", None)

# A quarter of the time of importing all tests went to looking, again and again, for garbage among modules.
gc.disable()

TESTS = Path(__file__).parent

# Queries over a few rows spend their time on planning.
_FOR_FEW_ROWS = {"spark.sql.adaptive.enabled": "false"}

JAVA, TOLD = pytest.StashKey[Java](), "where_java_listens"


def pytest_configure(config: pytest.Config) -> None:
    """Whatever this run starts carries its mark."""
    os.environ.setdefault(MARK, uuid.uuid4().hex)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a further process where it finds Spark, which is started for the first one."""
    if JAVA not in node.config.stash:
        os.environ.setdefault("SPARK_DRIVER_MEMORY", "1200m")
        node.config.stash[JAVA] = Java()
    node.workerinput[TOLD] = str(node.config.stash[JAVA].told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if needs_no_spark(os.path.relpath(item.path, TESTS)) and "spark" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid} asks for Spark: take its file out of WITHOUT_SPARK in tests/scheduling.py."
            )
    if any(".py" in argument for argument in config.args):
        return  # who names files has their order
    places = {name: place for place, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: places.get(os.path.relpath(item.path, TESTS), len(places)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported stays: whoever looks for garbage later need not look there."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealt:
    return Dealt(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """After a test that took too long, the other processes' stacks stand in its output, beside its own."""
    if call.excinfo is not None and str(call.excinfo.value).startswith("Timeout"):
        print_stacks()
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that the run has left over fails it, by name."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if JAVA in session.config.stash:
        session.config.stash[JAVA].end()
    for one in left_over():
        print(f"\nLeft over: {one}", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def where_java_listens(config: pytest.Config) -> str | None:
    """The file that tells it, if this process shall start none."""
    return getattr(config, "workerinput", {}).get(TOLD) or os.environ.get(TOLD_BY)


@pytest.fixture(scope="session")
def spark(request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    from feature_store.local.session import spark_session

    told = where_java_listens(request.config)
    session = session_of(Path(told)) if told else spark_session(app_name="tests")
    for key, value in _FOR_FEW_ROWS.items():
        session.conf.set(key, value)
    yield session
    if not told:
        session.stop()
        end_java()


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
    from tests.feature_store.databricks.unity_catalog import UnityCatalog

    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        pytest.fail(
            "This test needs the catalog of the first process: add its file to OF_THE_CATALOG in tests/scheduling.py."
        )
    return UnityCatalog(spark, tmp_path_factory.mktemp("unity"), name="test", schemas=("flights",))


@pytest.fixture(scope="module")
def databricks_store(unity, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The store on the vendor's own client, with the stand-in for its servers."""
    from feature_store import open_store
    from tests.feature_store.databricks.unity_catalog import standing_in
    from tests.registries import new_registry

    folder = tmp_path_factory.mktemp("databricks")
    with standing_in(unity), pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", new_registry(unity.folder))
        yield open_store(catalog="test", schema="flights", workspace=folder, backend="databricks")
        unity.clear()
