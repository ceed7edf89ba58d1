"""What ``run-job`` prints: a line when a task starts and one when it ends, and a summary of a run that failed."""

from typing import Self

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from feature_store.cli import console, error_console
from resources.bundle import Bundle
from resources.runs.record import Path, Run
from resources.states import State

STYLES = {
    State.PENDING: "dim",
    State.QUEUED: "note",
    State.RUNNING: "bold",
    State.SUCCESS: "good",
    State.FAILED: "bad",
    State.TIMEDOUT: "bad",
    State.KILLED: "bad",
    State.CANCELED: "note",
    State.UPSTREAM_FAILED: "bad",
    State.UPSTREAM_CANCELED: "dim",
    State.EXCLUDED: "dim",
    State.SUCCESS_WITH_FAILURES: "note",
}


class ConsoleListener:
    """Prints what happens; nested jobs and loops show as a path: ``replay > rounds[2013-08-01] > monitor``."""

    def __init__(self) -> None:
        self.running: list[Path] = []
        self.current: Path = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Lines need no end."""

    def started(self, path: Path) -> None:
        """Print that a command starts."""
        self._begin(path)
        console.print(Text.assemble(_path(path), ("  started", "dim")), soft_wrap=True)

    def ended(self, run: Run) -> None:
        """Print how a task ended."""
        self._end(run, ending(run))

    def retried(self, run: Run) -> None:
        """Print that an attempt failed."""
        self._end(run, Text(f"attempt {run.attempts} failed: {run.message}; trying again", "note"))

    def waits(self, run: Run) -> None:
        """Print what a job's run waits for."""
        self._end(run, Text(run.message, "note"))

    def crashed(self, error: Exception) -> None:
        """Print where the unexpected came from: this is a defect, and whoever mends it needs the trace."""
        error_console.print_exception()

    def line(self, path: Path, text: str, is_error: bool) -> None:
        """Print what a task wrote; of tasks side by side, who wrote it too."""
        said = Text.from_ansi(text)
        if len(self.running) > 1:
            said = Text.assemble((f"{path[-1]} | ", "dim"), said)
        # Two consoles on one terminal would draw over each other.
        printer = error_console if is_error and not (console.is_terminal and error_console.is_terminal) else console
        printer.print(said, soft_wrap=True)

    def step(self, path: Path, text: str) -> None:
        """Lines are for what is done."""

    def _begin(self, path: Path) -> None:
        self.running.append(path)
        self.current = path

    def _end(self, run: Run, ending: Text) -> None:
        if run.path in self.running:
            self.running.remove(run.path)
        console.print(Text.assemble(_path(run.path), "  ", ending), soft_wrap=True)


def _path(path: Path) -> Text:
    return Text(" > ").join([*(Text(part, "dim") for part in path[:-1]), Text(path[-1], "bold")])


def ending(run: Run) -> Text:
    """A run's state, how long it took, and what there is to say."""
    ending = Text(run.state.value, STYLES[run.state])
    if run.seconds:
        ending.append(f"  {duration(run.seconds)}", "dim")
    if run.message:
        ending.append(f"  {run.message}", "" if run.state.failed_itself else "dim")
    return ending


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def show_summary(run: Run) -> None:
    """Print the states of a run's tasks as a tree, opened only where something failed."""
    console.print()
    console.print(_tree(run))


def _tree(run: Run) -> Tree:
    tree = Tree(Text.assemble(Text(run.path[-1], "bold"), "  ", ending(run)))
    if run.state is not State.SUCCESS:
        for inner in run.inner:
            tree.add(_tree(inner))
    return tree


def show_jobs(bundle: Bundle) -> None:
    """Print the jobs, what they do and which parameters they have."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("JOB", "DESCRIPTION", "PARAMETERS"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for key, job in sorted(bundle.jobs.items()):
        table.add_row(Text(key, "bold"), Text(job.description or ""), Text(", ".join(job.defaults), "dim"))
    console.print(table)
