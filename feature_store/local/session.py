"""One Spark session for jobs and tests: Delta on the class path, UTC, quiet, and small enough for a laptop.

A session that exists is taken as it is. ``SPARK_MASTER`` names another master than this machine's cores;
everything else about a cluster belongs to that cluster's own ``spark-defaults.conf``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from feature_store.errors import StorageError
from feature_store.local.on_s3 import is_on_s3, package
from feature_store.local.on_s3 import settings as settings_for_s3
from feature_store.local.quiet import without_greeting

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JARS = Path(sys.prefix) / "share" / "feature-pipelines" / "jars"
JARS_FOR_S3 = JARS.with_name("jars-s3")
WAREHOUSE = "PIPELINE_WAREHOUSE"
"""The variable that names where the tables are, if that is not the workspace."""
CLASS_ARCHIVE = JARS.parent / "classes.jsa"
_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_JARS, _SUBMITTED = "spark.jars", "PYSPARK_SUBMIT_ARGS"
_OLDEST_JAVA = 17
_starting = threading.Lock()
# Most of a pipeline's code runs a few times only. The second compiler begins ten times later than by default, with what is
# hot indeed, and there is room for all that the first one has made: once that is full, Java only interprets. And Java gives
# memory back while it waits: a model is fitted in the same machine's memory.
_FOR_MANY_SHORT_QUERIES = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000 "
    "-XX:Tier4BackEdgeThreshold=400000 -XX:ReservedCodeCacheSize=512m "
    "-XX:G1PeriodicGCInterval=8000 -XX:MinHeapFreeRatio=20 -XX:MaxHeapFreeRatio=40"
)
MANY_ROWS = 1_000_000
"""From a table of so many rows on, Spark generates code for its queries: below, to compile takes longer than to run."""
_CODE_SETTING, _ON_DEMAND = "pipeline.generated.code", "for tables of many rows"
_WITHOUT_CODE = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def spark_session(*, app_name: str = "feature-pipelines") -> SparkSession:
    """The running Spark session, or a new one with Delta.

    Raises
    ------
    StorageError
        If Java is missing or too old to start Spark.
    """
    with _starting:
        return running_session() or _new_session(app_name)


def _new_session(app_name: str) -> SparkSession:
    from pyspark.sql import SparkSession

    _check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.Builder().appName(app_name).master(os.environ.get("SPARK_MASTER", "local[*]"))
    chosen = settings()
    jars = chosen.pop(_JARS, "")
    for key, value in chosen.items():
        builder = builder.config(key, value)
    if not _are_fetched():
        from delta import configure_spark_with_delta_pip

        builder = configure_spark_with_delta_pip(builder, [package()] if _on_s3() else [])
    with without_greeting(), _handing_out(jars):
        session = builder.getOrCreate()
    if _is_local():
        start_without_code(session)
    return session


@contextmanager
def _handing_out(jars: str) -> Iterator[None]:
    """Spark, if it is started within, hands these to its workers beside what ``spark.jars.packages`` names, whose place they would
    take if they were set in a session's settings.
    """
    given = os.environ.get(_SUBMITTED)
    if jars:
        os.environ[_SUBMITTED] = f"--jars {shlex.quote(jars)} {given or 'pyspark-shell'}"
    try:
        yield
    finally:
        if given is not None:
            os.environ[_SUBMITTED] = given
        else:
            os.environ.pop(_SUBMITTED, None)


def running_session() -> SparkSession | None:
    """The session that runs in this process, whichever thread asks, if there is one; nothing is imported to find out."""
    loaded = sys.modules.get("pyspark.sql")
    if loaded is None:
        return None
    # A session is active in the threads that have used it only.
    made = loaded.SparkSession._instantiatedSession
    return loaded.SparkSession.getActiveSession() or (made if made is not None and made._sc._jsc is not None else None)


def start_without_code(spark: SparkSession) -> None:
    """Until :func:`expect` is told of many rows, no query is compiled."""
    for key, value in {**_WITHOUT_CODE, _CODE_SETTING: _ON_DEMAND}.items():
        spark.conf.set(key, value)


def expect(spark: SparkSession, *, rows: int) -> None:
    """A table of so many ``rows`` is about to be read: from the first large one on, queries are compiled."""
    if rows >= MANY_ROWS and spark.conf.get(_CODE_SETTING, "") == _ON_DEMAND:
        for key in (*_WITHOUT_CODE, _CODE_SETTING):
            spark.conf.unset(key)


def settings() -> dict[str, str]:
    """Spark's settings for this pipeline; the reasons stand beside those that are not obvious."""
    files = [str(jar) for folder in _folders_of_jars() for jar in sorted(folder.glob("*.jar"))]
    jars = ":".join(files)
    chosen = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Models predict large batches faster; how many bytes a batch may have (64 MiB) stays as it is.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "2g"),
        "spark.driver.extraJavaOptions": _java_options(),
        # A Delta log of a few commits does not need fifty tasks to be read; by far the largest saving.
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.databricks.delta.stalenessLimit": "0",
        # Near the cores for small data; adaptive execution splits and coalesces the rest.
        "spark.sql.shuffle.partitions": str(max(2, os.cpu_count() or 2)),
        "spark.sql.adaptive.coalescePartitions.enabled": "true",
        "spark.databricks.delta.optimizeWrite.enabled": "false",
        "spark.log.structuredLogging.enabled": "false",
        # Spark would note for each expression which line of Python made it: an eighth of the time of planning.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
    }
    if jars:
        chosen |= {"spark.driver.extraClassPath": jars, "spark.executor.extraClassPath": jars}
    if not _is_local():
        # On a cluster the driver must be reachable, and the workers fetch the jars from it.
        for key in ("spark.driver.host", "spark.driver.bindAddress"):
            del chosen[key]
        chosen[_JARS] = ",".join(files)
    return chosen | (settings_for_s3() if _on_s3() else {})


def _on_s3() -> bool:
    return is_on_s3(os.environ.get(WAREHOUSE))


def _folders_of_jars() -> list[Path]:
    return [JARS, JARS_FOR_S3] if _on_s3() else [JARS]


def _are_fetched() -> bool:
    """Whether set-up has put all jars that are needed beside the virtual environment; otherwise Ivy finds them at each start."""
    return all(any(folder.glob("*.jar")) for folder in _folders_of_jars())


def _is_local() -> bool:
    return os.environ.get("SPARK_MASTER", "local").split("[")[0] == "local"


def _java_options() -> str:
    options = [f"-Dlog4j2.configurationFile=file:{_LOG_SETTINGS}", "-XX:+IgnoreUnrecognizedVMOptions"]
    options += _FOR_MANY_SHORT_QUERIES.split() if _is_local() else []
    options += os.environ.get("PIPELINE_JAVA_OPTIONS", "").split()
    if CLASS_ARCHIVE.exists() and not any("ArchiveClassesAtExit" in option for option in options):
        options += [f"-XX:SharedArchiveFile={CLASS_ARCHIVE}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return " ".join(options)


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    remedy = (
        f"Install Java {_OLDEST_JAVA} or newer (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME."
    )
    if java is None or not Path(java).exists():
        raise StorageError(f"Spark needs Java, and there is none. {remedy}")
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = printed.split('"')[1] if '"' in printed else ""
    major = version.removeprefix("1.").split(".")[0]
    if major.isdigit() and int(major) < _OLDEST_JAVA:
        raise StorageError(f"Spark needs Java {_OLDEST_JAVA} or newer; {java} is version {version}. {remedy}")
