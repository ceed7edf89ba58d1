"""The four services: a standalone Spark of a master and workers, PostgreSQL, an MLflow server on it, an S3-compatible store.

All listen on the loopback only. What they are told to keep secret is made anew each time, and is passed on by the
environment or by files that only their user may read.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from examples.cluster.processes import HERE, ServiceError, answers, free_port, serving

Environment = dict[str, str]
GATEWAY = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
BUCKET = "pipeline"
_POSTGRES = Path("/usr/lib/postgresql")


@contextmanager
def spark(folder: Path, *, workers: int, memory: str = "2g", executor_memory: str = "1g") -> Iterator[Environment]:
    """A standalone master and ``workers`` of one core each; who uses it must know its secret."""
    import pyspark

    home = Path(pyspark.__file__).parent
    conf, logs = folder / "conf", folder / "logs"
    conf.mkdir()
    settings = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secrets.token_hex(32),
        "spark.master.rest.enabled": "false",
        "spark.executor.memory": executor_memory,
        "spark.ui.enabled": "false",
    }
    with _private(conf / "spark-defaults.conf") as file:
        file.write("".join(f"{key} {value}\n" for key, value in settings.items()))
    own = {"SPARK_HOME": str(home), "SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_IP": HERE, "SPARK_DAEMON_MEMORY": "256m"}
    start, port = [str(home / "bin" / "spark-class")], free_port()
    deploy = "org.apache.spark.deploy"
    with ExitStack() as running:
        master = [*start, f"{deploy}.master.Master", "--host", HERE, "--port", str(port), "--webui-port", "0"]
        running.enter_context(serving("spark-master", master, logs, ready=lambda: answers(port), environment=own))
        for number in range(1, workers + 1):
            name, its_port, work = f"spark-worker-{number}", free_port(), folder / f"worker-{number}"
            worker = [*start, f"{deploy}.worker.Worker", f"spark://{HERE}:{port}", "--host", HERE, "--port",
                      str(its_port), "--webui-port", "0", "--cores", "1", "--memory", memory, "--work-dir",
                      str(work)]  # fmt: skip
            log = logs / f"{name}.log"
            running.enter_context(
                serving(name, worker, logs, ready=lambda log=log: "registered with master" in log.read_text(),
                        environment=own | {"SPARK_WORKER_DIR": str(work)})
            )  # fmt: skip
        yield {
            "SPARK_MASTER": f"spark://{HERE}:{port}", "SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_IP": HERE,
            "PYSPARK_PYTHON": sys.executable,
        }  # fmt: skip


@contextmanager
def postgresql(logs: Path) -> Iterator[str]:
    """A database of its own in a temporary folder; its address, password included. It never runs as root."""
    programs = _programs_of_postgres()
    user = "postgres" if os.geteuid() == 0 else None
    password, port = secrets.token_hex(24), free_port()
    with tempfile.TemporaryDirectory(prefix="postgresql-") as place:
        folder = Path(place)
        with _private(folder / "password") as file:
            file.write(password)
        if user:
            for one in (folder, folder / "password"):
                shutil.chown(one, user, user)
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "mlflow", "-A", "scram-sha-256", "-E", "UTF8",
             f"--pwfile={folder / 'password'}", "--no-sync"],
            user=user, group=user, extra_groups=[] if user else None, cwd=folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if made.returncode:
            raise ServiceError(f"PostgreSQL could not make its files: {made.stderr[-2000:]}")
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-h", HERE, "-k", place,
                   "-c", "fsync=off", "-c", "shared_buffers=32MB"]  # fmt: skip
        with serving("postgresql", command, logs, ready=lambda: _takes(programs, port), environment={}, user=user,
                     stop=signal.SIGINT):  # fmt: skip
            yield f"postgresql+psycopg://mlflow:{password}@{HERE}:{port}/postgres"


@contextmanager
def mlflow_server(folder: Path, database: str, *, objects: Mapping[str, str] | None) -> Iterator[Environment]:
    """MLflow's server over ``database``; it keeps artifacts in the object store, if there is one, and hands them out."""
    port = free_port()
    place = f"s3://{BUCKET}/mlartifacts" if objects else str(folder / "mlartifacts")
    own = {
        **(objects or {}),
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_ARTIFACTS_DESTINATION": place,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if objects:
        own["MLFLOW_S3_ENDPOINT_URL"] = objects["AWS_ENDPOINT_URL"]
    command = [sys.executable, "-m", "mlflow", "server", "--host", HERE, "--port", str(port), "--workers", "1"]
    with serving("mlflow", command, folder / "logs", ready=lambda: answers(port), environment=own):
        yield {"MLFLOW_TRACKING_URI": f"http://{HERE}:{port}"}


@contextmanager
def object_store(folder: Path) -> Iterator[Environment]:
    """Versity's S3 gateway over a folder, with one bucket. Its conditional writes are atomic, as those of S3 are."""
    program, port = gateway(), free_port()
    data = folder / "objects"
    (data / BUCKET).mkdir(parents=True)
    key, secret = secrets.token_hex(10), secrets.token_hex(24)
    own = {"ROOT_ACCESS_KEY_ID": key, "ROOT_SECRET_ACCESS_KEY": secret}
    command = [str(program), "--port", f"{HERE}:{port}", "--quiet", "--keep-alive", "posix", str(data)]
    with serving("objects", command, folder / "logs", ready=lambda: answers(port), environment=own):
        yield {
            "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://{HERE}:{port}", "AWS_ALLOW_HTTP": "true",
        }  # fmt: skip


def gateway() -> Path:
    """The gateway's program, built by Go into the virtual environment if it is not there."""
    place = Path(sys.prefix) / "share" / "feature-pipelines" / "bin"
    program = place / "versitygw"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise ServiceError(
            f"The S3 gateway is built with Go, and there is none. Install Go, or put versitygw into {place}."
        )
    print("Building the S3 gateway ...", flush=True)
    built = subprocess.run(
        [go, "install", GATEWAY], env=os.environ | {"GOBIN": str(place)}, capture_output=True, text=True
    )
    if built.returncode:
        raise ServiceError(f"The S3 gateway could not be built: {built.stderr[-2000:]}")
    return program


def _takes(programs: Path, port: int) -> bool:
    return subprocess.run([programs / "pg_isready", "-q", "-h", HERE, "-p", str(port)], check=False).returncode == 0


def _programs_of_postgres() -> Path:
    found = sorted(_POSTGRES.glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise ServiceError("There is no PostgreSQL. Install it (Debian: apt-get install postgresql).")
    return found[-1].parent if found else Path(on_path or "").parent


@contextmanager
def _private(path: Path) -> Iterator[object]:
    """A new file that nobody else may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        yield file
