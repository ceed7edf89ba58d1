"""Processes that a run of the tests has started: their stacks when a test hangs, and those that are left at its end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "PIPELINE_TEST_RUN"
"""An environment variable that all processes of a run inherit."""
PATIENCE_SECONDS = 20
"""How long a process may take to end after the run."""


@dataclass(frozen=True)
class Process:
    """A process and its command line."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command[:160]}"


def processes(mark: str) -> Iterator[Process]:
    """Those that carry the mark, but for this one and what is about to end."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            watches = "resource_tracker" in command  # Python's own, which ends with the process that it watches
            if f"{MARK}={mark}".encode() in variables and command and int(entry.name) != os.getpid() and not watches:
                yield Process(int(entry.name), command)


def left_over(*, patience: float = PATIENCE_SECONDS) -> list[Process]:
    """The processes of this run that are there although it ends, and do not end by themselves in some seconds."""
    until = time.monotonic() + patience
    found = list(processes(os.environ[MARK]))
    while found and time.monotonic() < until:
        time.sleep(0.1)
        found = list(processes(os.environ[MARK]))
    return found


def end_java() -> None:
    """End the Java of this process, as Python's own end would."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return
    gateway.shutdown()
    java: subprocess.Popen[bytes] = gateway.proc
    assert java.stdin is not None
    java.stdin.close()
    java.wait(PATIENCE_SECONDS)
    SparkContext._gateway = SparkContext._jvm = None


def print_stacks() -> None:
    """Have each other process of this run print where it is: Java on its standard output, Python if it listens."""
    for one in processes(os.environ[MARK]):
        print(one, flush=True)
        # A Python that does not listen ends, which does no harm after a failed test.
        java = "java" in one.command.split(" ")[0]
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGQUIT if java else signal.SIGUSR1)
    time.sleep(1)
