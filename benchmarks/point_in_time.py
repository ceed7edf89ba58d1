"""Time the point-in-time join against its competitors, side by side in one run.

    python benchmarks/generate.py same-key --data DIR
    python benchmarks/point_in_time.py same-key --data DIR [--competitor tempo --competitor planner …] [--repetitions 3]

Each competitor has a process of its own. The first run warms it up and its result, to the last bit, must be everybody's;
then they take turns. Wall and CPU time are medians; CPU and memory are of the whole process tree (Spark and Python).
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
from cases import CASES
from competitors import ALONE, ANSWER, IN_SPARK
from measure import proportional_set_size, tree

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLES_PER_SECOND = 5
_USUAL = ["tempo", "union", "planner", "polars", "duckdb"]


@dataclass
class Competitor:
    """A competitor's process and what its runs took: seconds of wall and CPU time, the largest memory in KiB."""

    name: str
    process: "subprocess.Popen[str]"
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0
    digest: str = ""

    def ask(self, command: str) -> str:
        """Send ``command``; the answer to it.

        Raises
        ------
        ClickException
            If the process ends instead of answering.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        """The next answer; anything else that is printed (Spark's warnings) is passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                return line.removeprefix(ANSWER).strip()
        raise click.ClickException(f"{self.name} ended with code {self.process.wait()}; its messages stand above.")

    def measure(self) -> None:
        """One run, timed."""
        with self._watched():
            cpu, began = _cpu_seconds(self.process.pid), time.monotonic()
            self.ask("run")
            self.wall.append(time.monotonic() - began)
            self.cpu.append(_cpu_seconds(self.process.pid) - cpu)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        done = threading.Event()

        def watch() -> None:
            while not done.wait(1 / _SAMPLES_PER_SECOND):
                self.peak = max(self.peak, sum(map(proportional_set_size, tree(self.process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _cpu_seconds(root: int) -> float:
    """CPU time so far of the process and its descendants, those that have ended included."""
    ticks = 0
    for pid in tree(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # user, system, and both of the children waited for
    return ticks / _TICKS


@contextmanager
def _started(name: str, arguments: list[str], environment: dict[str, str]) -> Iterator[Competitor]:
    program = [sys.executable, str(Path(__file__).with_name("competitors.py")), name, *arguments]
    process = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    try:
        competitor = Competitor(name, process)
        competitor.answer()
        yield competitor
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


@click.command()
@click.argument("case", type=click.Choice(list(CASES)))
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder with generated cases."
)
@click.option(
    "--competitor", "names", multiple=True, type=click.Choice([*IN_SPARK, *ALONE]),
    help=f"Any number; the first is what the others are compared with.  [default: {', '.join(_USUAL)}]",
)  # fmt: skip
@click.option("--repetitions", type=int, default=3, show_default=True)
@click.option("--small-spine", is_flag=True, help="The spine of 1,000 keys instead of the large one.")
@click.option("--driver-memory", default="4g", show_default=True, help="Spark's heap.")
@click.option("--shuffle-partitions", default=16, show_default=True, help="Spark's, the same for all.")
def main(
    *, case: str, data: Path, names: tuple[str, ...], repetitions: int, small_spine: bool,
    driver_memory: str, shuffle_partitions: int,
) -> None:  # fmt: skip
    """Run the competitors on CASE and print a Markdown table."""
    environment = {"SPARK_DRIVER_MEMORY": driver_memory, "SHUFFLE_PARTITIONS": str(shuffle_partitions)}
    arguments = [case, "small_spine" if small_spine else "spine", str((data / case).absolute())]
    with ExitStack() as stack:
        running = [stack.enter_context(_started(name, arguments, environment)) for name in names or _USUAL]
        for competitor in running:
            competitor.digest = competitor.ask("digest")
            click.echo(f"{competitor.name}: {competitor.digest}", err=True)
        for _ in range(repetitions):
            for competitor in running:
                competitor.measure()
                click.echo(f"{competitor.name}: {competitor.wall[-1]:.2f} s", err=True)
    click.echo(report(running))
    if len({competitor.digest for competitor in running}) > 1:
        raise click.ClickException("The results differ.")


def report(competitors: list[Competitor]) -> str:
    """A Markdown table; ratios are to the first competitor's."""
    lines = [
        "| way | wall, s | CPU, s | wall, ratio | CPU, ratio | peak memory, GiB | result |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    wall, cpu = (median(times) for times in (competitors[0].wall, competitors[0].cpu))
    for one in competitors:
        mine = median(one.wall), median(one.cpu)
        lines.append(
            f"| {one.name} | {mine[0]:.2f} | {mine[1]:.2f} | {mine[0] / wall:.3f} | {mine[1] / cpu:.3f} "
            f"| {one.peak / 2**20:.2f} | {one.digest.split(':')[1][:8]} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
