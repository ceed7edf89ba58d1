"""A run of the tests that leaves a process over fails and names it; a test that hangs ends, and says where everyone is."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.left_over import MARK, processes

ROOT = Path(__file__).parents[1]
Nested = Callable[[str], tuple[int, str]]

HOOKS = """
import functools
import tests.conftest
from tests.conftest import pytest_configure, pytest_runtest_makereport, pytest_sessionfinish
tests.conftest.left_over = functools.partial(tests.conftest.left_over, patience=1)
"""
LEAVES_ONE = """
import subprocess
def test_leaves_one():
    subprocess.Popen(["sleep", "54321"], start_new_session=True)
"""
ENDS_ITS_OWN = """
import subprocess
def test_ends_its_own():
    subprocess.Popen(["sleep", "0.5"])
"""
HANGS = '''
import subprocess, sys, time
import pytest
CHILD = """
import faulthandler, signal, time
faulthandler.register(signal.SIGUSR1)
def where_the_child_is():
    print("ready", flush=True)
    time.sleep(54321)
where_the_child_is()
"""
@pytest.fixture
def child():
    one = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    one.stdout.readline()
    yield one
    one.kill()
    one.communicate()
def where_the_test_is():
    time.sleep(54321)
@pytest.mark.timeout(3)
def test_hangs(child):
    where_the_test_is()
def test_after_it():
    pass
'''


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[Nested]:
    """Runs a module of tests in a run of its own; what it leaves over is ended with the test."""
    mark = uuid.uuid4().hex
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    def run(module: str) -> tuple[int, str]:
        (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 60\ntimeout_method = signal\n")
        (tmp_path / "conftest.py").write_text(HOOKS)
        (tmp_path / "test_nested.py").write_text(module)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
            env=ours | {MARK: mark, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    yield run
    for one in processes(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)


def test_a_run_that_leaves_a_process_over_fails_and_names_it(nested: Nested) -> None:
    code, printed = nested(LEAVES_ONE)

    assert code == 1, printed
    assert "1 passed" in printed
    [line] = [line for line in printed.splitlines() if line.startswith("Left over: ")]
    assert line.endswith(": sleep 54321")


def test_a_process_that_ends_by_itself_soon_is_waited_for(nested: Nested) -> None:
    code, printed = nested(ENDS_ITS_OWN)

    assert code == 0, printed
    assert "Left over" not in printed


def test_a_test_that_hangs_is_ended_by_its_limit_and_shows_its_stack_and_its_child_s(nested: Nested) -> None:
    code, printed = nested(HANGS)

    assert code == 1, printed
    assert "1 failed, 1 passed" in printed
    assert "Timeout (>3.0s) from pytest-timeout" in printed
    assert "where_the_test_is()" in printed
    assert "in where_the_child_is" in printed
    assert "Left over" not in printed
