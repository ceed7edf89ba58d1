"""A run of the tests that leaves a process over fails, and one that hangs ends and says where it was."""

import os
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

from tests.left_over import MARK

ROOT = Path(__file__).parents[1]


def nested(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, of one test, with the set-up of this one."""
    (folder / "test_nested.py").write_text(textwrap.dedent(test))
    environment = {**os.environ, MARK: uuid.uuid4().hex}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_XDIST")}
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-o", "timeout=2", "--rootdir", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_nested.py"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "PATIENCE_SECONDS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_that_leaves_no_process_over_passes(tmp_path: Path) -> None:
    done = nested(tmp_path, "def test(): pass")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Left over" not in done.stderr


def test_a_run_that_leaves_a_process_over_fails_and_names_it(tmp_path: Path) -> None:
    done = nested(
        tmp_path,
        """
        import subprocess
        def test():
            process = subprocess.Popen(["sleep", "600"], start_new_session=True)
            print(process.pid, file=open("pid", "w"))
        """,
    )
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)

    assert "1 passed" in done.stdout
    assert done.returncode == 1
    assert f"Left over: process {pid}: sleep 600" in done.stderr


def test_a_test_that_hangs_is_ended_with_its_stack_and_the_names_of_other_processes(tmp_path: Path) -> None:
    done = nested(
        tmp_path,
        """
        import subprocess, time
        def test_hangs():
            process = subprocess.Popen(["sleep", "600"])
            try:
                time.sleep(100)  # here it hangs
            finally:
                process.kill()
        def test_after_it():
            pass
        """,
    )

    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "here it hangs" in done.stdout
    assert "Timeout" in done.stdout
