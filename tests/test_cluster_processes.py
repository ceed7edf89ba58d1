"""Services that are started for a command end with it, whatever ends it, and say why they did not start."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from examples.cluster.processes import HERE, ServiceError, answers, free_port, serving, surroundings

ROOT = Path(__file__).parents[1]
# A service that starts a process of its own, which holds the port, and does not listen to SIGTERM.
STUBBORN = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.run([sys.executable, "-m", "http.server", "--bind", "{HERE}", sys.argv[1]])
"""
USER = """
import signal, sys, time
from functools import partial
from pathlib import Path
from examples.cluster.processes import answers, serving
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
port = int(sys.argv[1])
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
with serving("web", command, Path(sys.argv[2]), ready=partial(answers, port), environment={}):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_service_ends_with_the_program_that_started_it(how: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "-c", USER, str(port), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert program.stdout is not None
    with program.stdout as lines:
        assert lines.readline() == b"ready\n"
    assert answers(port)
    program.send_signal(how)
    assert program.wait() != 0
    assert not answers(port)


def test_what_a_service_has_started_ends_with_it(tmp_path: Path) -> None:
    port = free_port()
    with pytest.MonkeyPatch.context() as patience:
        patience.setattr("examples.cluster.processes.SECONDS_TO_END", 0.2)
        with serving(
            "stubborn", [sys.executable, "-c", STUBBORN, str(port)], tmp_path, ready=partial(answers, port), environment={}
        ):  # fmt: skip
            pass
    deadline = time.monotonic() + 10
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(port)


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no room')"]
    with (
        pytest.raises(ServiceError, match="database did not start:\nno room"),
        serving("database", command, tmp_path, ready=lambda: False, environment={}),
    ):
        pass


def test_a_service_is_not_told_the_pipeline_s_secrets() -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environment.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
        told = surroundings({"AWS_REGION": "us-east-1"})
    assert told["AWS_REGION"] == "us-east-1"
    assert told["PATH"] == os.environ["PATH"]
    assert not {"AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI"} & told.keys()
