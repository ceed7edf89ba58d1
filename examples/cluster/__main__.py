"""Run a command with the cluster's services at hand, and end them with it.

python -m examples.cluster make demo              # a master and two workers, MLflow on PostgreSQL, tables on S3
python -m examples.cluster --without s3 make demo # tables in the workspace
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from examples.cluster.processes import ServiceError
from examples.cluster.services import BUCKET, Environment, mlflow_server, object_store, postgresql, spark

PARTS = ("mlflow", "s3")


@contextmanager
def cluster(*, workers: int = 2, without: tuple[str, ...] = ()) -> Iterator[Environment]:
    """The services, and the environment by which the pipeline finds them."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as place, ExitStack() as running:
        folder = Path(place)
        (folder / "logs").mkdir()
        objects: Environment = {}
        if "s3" not in without:
            objects = running.enter_context(object_store(folder))
        found = dict(objects)
        if objects:
            found["PIPELINE_WAREHOUSE"] = f"s3://{BUCKET}/warehouse"
        if "mlflow" not in without:
            database = running.enter_context(postgresql(folder / "logs"))
            found |= running.enter_context(mlflow_server(folder, database, objects=objects or None))
        yield found | running.enter_context(spark(folder, workers=workers))


def main() -> int:
    """The exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m examples.cluster", description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, default=2, help="how many workers, of one core each (2)")
    parser.add_argument("--without", action="append", choices=PARTS, default=[], help="leave a service out")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, without a shell")
    given = parser.parse_args()
    if not given.command:
        parser.error("name a command to run")
    # To be stopped is an exception here, so that everything ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        with cluster(workers=given.workers, without=tuple(given.without)) as found:
            told = ", ".join(
                found[name] for name in ("SPARK_MASTER", "MLFLOW_TRACKING_URI", "PIPELINE_WAREHOUSE") if name in found
            )
            print(f"Started: {told}", flush=True)
            return subprocess.run(given.command, env=os.environ | found, check=False).returncode
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
