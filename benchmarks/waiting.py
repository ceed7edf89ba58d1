"""What a person waits for: two checkouts side by side, command by command, as a Markdown table.

    git clone . /tmp/before && git -C /tmp/before checkout c5949cc && make -C /tmp/before setup
    git clone . /tmp/after && make -C /tmp/after setup
    python benchmarks/waiting.py --before /tmp/before --after /tmp/after --repetitions 3
    python benchmarks/waiting.py --before /tmp/before --after /tmp/after --only "make test" --repetitions 1

Each checkout has its own virtual environment and its own workspace, which ``make demo`` fills first; the others run on
what it has left. The two take turns, so that a busy neighbour is busy for both. Figures are medians; CPU time and memory
are those of the whole process tree (see measure.py).
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import Measured, measured

FIRST, ALERT = "2013-07-01", "ALERT"


@dataclass(frozen=True)
class Row:
    """A command, as it is typed, and at most how much of the old time it may take."""

    what: str
    command: str
    aim: float | None = None
    once: bool = False


ROWS = (
    Row("make demo", "make demo", 0.5, once=True),
    Row("make demo, again", "make demo", 0.2, once=True),
    Row("train-model, nothing changed", f"train-model flight_delay --as-of {FIRST}", 0.3),
    Row(
        "score-batch, one day",
        "score-batch flight_delay --from 2013-11-20 --until 2013-11-21 --as-of 2013-12-01",
        0.5,
    ),
    Row("review-alerts list", "review-alerts list --all", 0.15),
    Row("review-alerts show", f"review-alerts show {ALERT}", 0.15),
    Row("review-alerts ack", f"review-alerts ack {ALERT}", 0.15, once=True),
    Row("review-alerts resolve", f"review-alerts resolve {ALERT} --comment measured", 0.15, once=True),
    Row("show-lineage", "show-lineage flight_delay", 0.15),
    Row("review-alerts --help", "review-alerts --help"),
    Row("train-model --help", "train-model --help"),
    Row("publish-features --help", "publish-features --help"),
    Row("make test", "make test", 0.2, once=True),
)


@dataclass(frozen=True)
class Checkout:
    """A checkout with its virtual environment, and a workspace beside it."""

    folder: Path

    @property
    def workspace(self) -> Path:
        """Beside the checkout."""
        return self.folder.with_name(self.folder.name + "-workspace")

    def environment(self) -> dict[str, str]:
        """The caller's, with this checkout's commands first and its own workspace."""
        path = f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PIPELINE_WORKSPACE": str(self.workspace)}

    def run(self, command: str) -> Measured:
        """Run one command as it is typed.

        Raises
        ------
        RuntimeError
            If it fails.
        """
        words = command.replace(ALERT, self.alert()).split() if ALERT in command else command.split()
        found = shutil.which(words[0], path=self.environment()["PATH"])
        run = measured([found or words[0], *words[1:]], cwd=self.folder, environment=self.environment(), quiet=True)
        if run.code:
            raise RuntimeError(f"{command} in {self.folder} ended with {run.code}:\n{run.output[-2000:]}")
        return run

    def alert(self) -> str:
        """The id of an alert that nobody has resolved."""
        told = measured(
            [str(self.folder / ".venv" / "bin" / "review-alerts"), "list", "--all", "--json"],
            cwd=self.folder, environment=self.environment(), quiet=True,
        ).output  # fmt: skip
        alerts = json.loads(told[told.index("[") :])
        return str(min(alerts, key=lambda one: (one["status"] != "open", one["status"] == "resolved"))["alert_id"])


def compare(row: Row, before: Checkout, after: Checkout, repetitions: int) -> str:
    """One line of the table."""
    runs: list[tuple[Measured, Measured]] = []
    for _ in range(1 if row.once else repetitions):
        runs.append((before.run(row.command), after.run(row.command)))
    old, new = ([getattr(one, "wall") for one in side] for side in zip(*runs, strict=True))  # noqa: B009
    ratio = median(b.wall / a.wall for a, b in runs)
    cpu = median(b.cpu / a.cpu for a, b in runs)
    aim = "" if row.aim is None else f"{row.aim:g}"
    memory = " / ".join(f"{max(one.peak for one in side):.1f}" for side in zip(*runs, strict=True))
    return f"| {row.what} | {median(old):.1f} | {median(new):.1f} | {ratio:.2f} | {cpu:.2f} | {aim} | {memory} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="The older checkout, set up.")
    parser.add_argument("--after", type=Path, required=True, help="The newer checkout, set up.")
    parser.add_argument("--repetitions", type=int, default=3, help="So many runs of each command that is repeatable.")
    parser.add_argument("--only", action="append", help="Only the rows of this name; may be repeated.")
    given = parser.parse_args(arguments)
    before, after = Checkout(given.before.absolute()), Checkout(given.after.absolute())
    unknown = set(given.only or ()) - {row.what for row in ROWS}
    if unknown:
        parser.error(f"There is no row {sorted(unknown)}. There are: {', '.join(row.what for row in ROWS)}.")
    print(
        "| what | before, s | after, s | ratio | of CPU | aim | peak, GiB |\n|---|--:|--:|--:|--:|--:|--:|", flush=True
    )
    for row in ROWS:
        if not given.only or row.what in given.only:
            print(compare(row, before, after, given.repetitions), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
