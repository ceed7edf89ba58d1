"""Run a command and print how long it took and the most memory that it and all its children held at once.

    python benchmarks/measure.py make demo

``/usr/bin/time -v`` knows only the largest single process; Spark and Python are two. Memory is the sum of the
proportional set sizes (PSS) of the process tree, in which shared pages count once, sampled twice a second. CPU time is that
of the whole tree, too: a Java that its Python has not waited for is counted.
"""

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Measured:
    """One run: seconds by the clock and of the processors, most memory at once in GiB, exit code, and what was printed."""

    wall: float
    cpu: float
    peak: float
    code: int
    output: str = ""


def tree(root: int) -> set[int]:
    """``root`` and all its descendants that are alive."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, grown = {root}, True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return found


def proportional_set_size(pid: int) -> int:
    """The process's PSS, in kibibytes; 0 if it has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measured(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Measured:
    """Run ``command`` to its end, and to the end of all that it started; with ``quiet``, what it prints is kept."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans become ours, and so does their time
    peak, running, before = 0, True, os.times()

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, sum(map(proportional_set_size, tree(process.pid))))
            time.sleep(0.5)

    pipe = subprocess.PIPE if quiet else None
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=pipe, stderr=subprocess.STDOUT if quiet else None, text=True
    )
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    wall = time.monotonic() - began
    running = False
    watcher.join()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(wall, cpu, peak / 2**20, process.returncode, output or "")


def main(command: list[str]) -> int:
    """Run ``command``; its exit code."""
    run = measured(command)
    minutes, seconds = divmod(run.wall, 60)
    told = f"{minutes:.0f} min {seconds:.0f} s, CPU {run.cpu:.0f} s, peak {run.peak:.2f} GiB, exit code {run.code}"
    print(f"{' '.join(command)}: {told}")
    return run.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
