"""Processes beside the tests' own, that can be told what to do, run out of disk, and be killed."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feature_store import FeatureStore, open_store

pytest.register_assert_rewrite("tests.safety.races", "tests.safety.kills")  # a failure tells what was there

_ROOT = Path(__file__).parents[2]
_DROP_FROM_BOUNDING_SET, _CAP_DAC_OVERRIDE = 24, 1


def _obey_permissions() -> None:
    """In the new process: take away root's right to write where the folder's mode forbids it; others never had it."""
    ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, _CAP_DAC_OVERRIDE, 0, 0, 0)


class Other:
    """A second process, with a Spark of its own; see tests/safety/other.py."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.safety.other"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=_obey_permissions,
        )

    def begin(self, verb: str, store: FeatureStore, **told: Any) -> None:
        """Have ``verb`` done, without waiting for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"verb": verb, "workspace": str(store.workspace), **told}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for what became of the verb begun last."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the other process has died"
        answered: dict[str, Any] = json.loads(line)
        return answered

    def do(self, verb: str, store: FeatureStore, **told: Any) -> dict[str, Any]:
        """Have ``verb`` done and wait for what becomes of it."""
        self.begin(verb, store, **told)
        return self.answer()

    @contextlib.contextmanager
    def largest_file(self, size: int) -> Iterator[None]:
        """Let no file of the process grow beyond ``size`` bytes: what a full disk looks like without being root."""
        group = [pid for pid in _processes() if os.getpgid(pid) == self.process.pid]
        for pid in group:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            for pid in group:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def kill(self) -> None:
        """Kill -9: Python, Java and all workers at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _processes() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            os.getpgid(int(entry.name))
            found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def others() -> Iterator[Any]:
    """Makes further processes; they are ended with the module."""
    made: list[Other] = []

    def make() -> Other:
        made.append(Other())
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="module")
def other(others: Any) -> Other:
    """One further process for all tests of the module."""
    one: Other = others()
    assert one.answer() == {"result": "ready"}
    return one


@pytest.fixture
def store(spark: Any, tmp_path: Path) -> FeatureStore:
    """An empty store of the couriers' project."""
    return open_store(catalog="test", schema="couriers", workspace=tmp_path / "workspace")
