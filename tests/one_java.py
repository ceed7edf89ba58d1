"""One Java for all processes of a run: the first process starts it, and each of the others has a session of its own in it.

A Java of its own for each process would be a gigabyte each, and each would read its classes and compile them anew.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.left_over import end_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATIENCE_SECONDS = 120
TOLD_BY = "PIPELINE_TESTS_JAVA"
"""The variable that tells tests which a test starts where the one Java is: the path of the file that says so."""
_PORT, _SECRET = "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"


class Java:
    """Spark in the first process, which is started while the others are still looking for tests; the file ``told`` says where it listens."""

    def __init__(self) -> None:
        self.told = Path(tempfile.mkdtemp(prefix="tests-spark-")) / "address.json"
        self._starting = threading.Thread(target=self._start, daemon=True)
        self._starting.start()

    def _start(self) -> None:
        from feature_store.local.session import spark_session

        gateway = spark_session(app_name="tests").sparkContext._gateway
        assert gateway is not None
        parameters = gateway.java_parameters
        written = self.told.with_suffix(".new")
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"port": parameters.port, "secret": parameters.auth_token}, file)
        written.rename(self.told)

    def end(self) -> None:
        """End it, whether anybody has used it or not."""
        self._starting.join(PATIENCE_SECONDS)
        end_java()
        shutil.rmtree(self.told.parent)


def session_of(told: Path) -> "SparkSession":
    """A session of this process' own in the first one's Java, which has said in this file where it listens.

    Raises
    ------
    TimeoutError
        If it says nothing for two minutes.
    """
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    from feature_store.local.session import start_without_code

    until = time.monotonic() + PATIENCE_SECONDS
    while not told.exists():
        if time.monotonic() > until:
            raise TimeoutError("The first process has started no Spark: its messages stand above.")
        time.sleep(0.1)
    address = json.loads(told.read_text())
    # Processes that tests start have a Spark of their own.
    os.environ |= {_PORT: str(address["port"]), _SECRET: address["secret"]}
    try:
        gateway = launch_gateway()
    finally:
        del os.environ[_PORT], os.environ[_SECRET]
    jvm = gateway.jvm
    context = SparkContext(gateway=gateway, jsc=jvm.JavaSparkContext(jvm.org.apache.spark.SparkContext.getOrCreate()))
    session = SparkSession(context, jvm.SparkSession.getDefaultSession().get().newSession())
    start_without_code(session)
    return session
