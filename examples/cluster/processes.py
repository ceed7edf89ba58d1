"""Processes of this machine that serve others on a port of the loopback, and end together, whatever ends their user."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = "127.0.0.1"
_PATIENCE = 90
SECONDS_TO_END = 20
"""How long a service that was asked to end may take; then it is killed."""
_NOT_PASSED_ON = ("AWS_", "MLFLOW_", "PIPELINE_", "SPARK_", "PG")


class ServiceError(RuntimeError):
    """A service did not start, or ended too early; the text has the end of its log."""


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HERE, 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((HERE, port)) == 0


def surroundings(own: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a service: without what is meant for the pipeline, with what is its ``own``."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)} | dict(own)


@contextmanager
def serving(
    name: str, command: Sequence[str], logs: Path, *, ready: Callable[[], bool], environment: Mapping[str, str],
    user: str | None = None, stop: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:  # fmt: skip
    """Run ``command`` until the context ends, from when it is ``ready``; it and its children are a group of processes.

    Raises
    ------
    ServiceError
        If it ends before it is ready, or is not within a minute and a half.
    """
    log = logs / f"{name}.log"
    # A group of its own: Ctrl-C in the terminal reaches the user's command only, which may still need the service.
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=surroundings(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, user=user, group=user, extra_groups=[] if user else None,
        )  # fmt: skip
    try:
        ended = time.monotonic() + _PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > ended:
                raise ServiceError(f"{name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        _end(process, stop)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it has left behind, and itself if it did not listen
    process.wait()
