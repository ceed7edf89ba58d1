"""Run a command and print how long it took and the most memory that it and all its children held at once.

    python benchmarks/measure.py make demo

``/usr/bin/time -v`` knows only the largest single process; Spark and Python are two. Memory is the sum of the
proportional set sizes (PSS) of the process tree, in which shared pages count once, sampled twice a second.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path


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


def main(command: list[str]) -> int:
    """Run ``command``; its exit code."""
    peak, running = 0, True
    process = subprocess.Popen(command)

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, sum(map(proportional_set_size, tree(process.pid))))
            time.sleep(0.5)

    watcher = threading.Thread(target=watch, daemon=True)
    began = time.monotonic()
    watcher.start()
    code = process.wait()
    running = False
    minutes, seconds = divmod(time.monotonic() - began, 60)
    print(f"{' '.join(command)}: {minutes:.0f} min {seconds:.0f} s, peak {peak / 2**20:.2f} GiB, exit code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
