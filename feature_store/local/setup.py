"""What takes long and is the same each time, done once at set-up: Delta's jars, Java's classes, MLflow's empty database.

Run as ``python -m feature_store.local.setup``. Spark's own Ivy resolves them from Maven Central; those that Spark
does not bring itself are copied beside the virtual environment. A second run does nothing. With the argument ``s3``,
what a warehouse on S3 needs is fetched too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from feature_store.local.session import CLASS_ARCHIVE, JARS, JARS_FOR_S3, spark_session
from feature_store.package.new_registry import prepare

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_DONE = ".complete"


def fetch_jars() -> list[str]:
    """Resolve and copy Delta's jars; the names of those copied (none if they were there already)."""
    from delta import configure_spark_with_delta_pip

    return _fetch(JARS, configure_spark_with_delta_pip)


def fetch_jars_for_s3() -> list[str]:
    """The same for the jars that only a warehouse on S3 needs."""
    from feature_store.local.on_s3 import package

    return _fetch(JARS_FOR_S3, lambda builder: builder.config("spark.jars.packages", package()))


def _fetch(into: Path, configured: Callable[[SparkSession.Builder], SparkSession.Builder]) -> list[str]:
    if (into / _DONE).exists():
        return []
    import pyspark
    from pyspark.sql import SparkSession

    builder = SparkSession.Builder().master("local[1]").config("spark.ui.enabled", "false")
    session = configured(builder).getOrCreate()
    resolved = [Path(urlparse(uri).path) for uri in session.sparkContext.getConf().get("spark.jars", "").split(",")]
    session.stop()
    with_spark = {_artifact(jar.name) for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
    into.mkdir(parents=True, exist_ok=True)
    copied = []
    for jar in resolved:
        name = jar.name.split("_", 1)[1]  # Ivy puts the organisation before the name
        if _artifact(name) not in with_spark:
            shutil.copy2(jar, into / name)
            copied.append(name)
    (into / _DONE).touch()
    return copied


def archive_classes() -> None:
    """Keep Spark's loaded classes in an archive that the next Java starts from: half the start-up time."""
    if CLASS_ARCHIVE.exists():
        return
    environment = os.environ | {"PIPELINE_JAVA_OPTIONS": f"-XX:ArchiveClassesAtExit={CLASS_ARCHIVE} -Xlog:cds=off"}
    program = "import feature_store.local.setup as setup; setup.touch_classes()"
    subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)


def touch_classes() -> None:
    """Use what every job uses, so that its classes are loaded."""
    import tempfile

    session = spark_session()
    with tempfile.TemporaryDirectory() as folder:
        frame = session.range(10).selectExpr("id", "id % 3 AS key", "timestamp_seconds(id) AS at")
        frame.write.format("delta").save(folder + "/table")
        stored = session.read.format("delta").load(folder + "/table")
        stored.groupBy("key").count().join(stored, "key").orderBy("at").toPandas()
    session.stop()


def _artifact(jar: str) -> str:
    """``hadoop-client-api`` for ``hadoop-client-api-3.4.2.jar``."""
    return re.sub(r"-\d[\w.\-]*\.jar$", "", jar)


if __name__ == "__main__":
    names = fetch_jars()
    if names:
        print(f"Delta's jars: {', '.join(names)}")
    if "s3" in sys.argv[1:]:
        fetch_jars_for_s3()
    archive_classes()
    prepare()
