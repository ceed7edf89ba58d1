"""The graph of a run while it runs, drawn anew four times a second below the lines that tasks write."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from feature_store.cli import console
from resources.runs.record import Path, Run
from resources.states import State
from resources.telling.show import STYLES, ConsoleListener, duration

MARKS = {
    State.PENDING: "○",
    State.QUEUED: "…",
    State.RUNNING: "●",
    State.SUCCESS: "✓",
    State.SUCCESS_WITH_FAILURES: "✓",
    State.EXCLUDED: "–",
    State.UPSTREAM_FAILED: "–",
    State.UPSTREAM_CANCELED: "–",
}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_OTHER_LINES = 4
"""Of the terminal's height, left for what scrolls above."""


class LiveListener(ConsoleListener):
    """Prints what ended, and draws the graph below."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._live = Live(console=console, get_renderable=lambda: Graph(run), transient=True)

    def __enter__(self) -> "LiveListener":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, path: Path) -> None:
        """The graph shows it."""
        self._begin(path)

    def step(self, path: Path, text: str) -> None:
        """Note what a task is doing."""
        for run in self._run.walk():
            if run.path == path:
                run.step = text


class Graph:
    """A run's tasks, one a line: those inside another only while it runs or where it failed; cut to the terminal's size."""

    def __init__(self, run: Run, *, now: datetime | None = None) -> None:
        self._run = run
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines that fit: what goes on and what failed before all else."""
        now = self._now or datetime.now(UTC)
        lines = [*_lines(self._run, 0)]
        most = max(3, (options.height or console.height) - _OTHER_LINES)
        shown = _most_telling(lines, most)
        for depth, run in lines:
            if run in shown:
                yield _line(depth, run, now)
        if len(shown) < len(lines):
            yield Text(f"  … and {len(lines) - len(shown)} more", "dim")


def _lines(run: Run, depth: int) -> Iterator[tuple[int, Run]]:
    yield depth, run
    if depth == 0 or run.state in (State.RUNNING, State.QUEUED) or run.state.failed_itself:
        for inner in run.inner:
            yield from _lines(inner, depth + 1)


def _most_telling(lines: list[tuple[int, Run]], most: int) -> list[Run]:
    runs = [run for _, run in lines]
    if len(runs) <= most:
        return runs
    telling = [run for run in runs if run.state is State.RUNNING or run.state.failed_itself]
    others = [run for run in runs if run not in telling]
    return (telling + others)[: most - 1]


def _line(depth: int, run: Run, now: datetime) -> Text:
    state, style = run.state, STYLES[run.state]
    mark = MARKS.get(state, "✗")
    if state is State.RUNNING:
        mark = _SPINNER[int(now.timestamp() * 4) % len(_SPINNER)]
    line = Text("  " * depth, no_wrap=True, overflow="ellipsis")
    line.append(f"{mark} ", style).append(run.key, "bold" if depth == 0 else "")
    if state is State.RUNNING and run.started_at:
        line.append(f"  {duration((now - run.started_at).total_seconds())}", "dim")
        line.append(f"  attempt {run.attempts}" if run.attempts > 1 else "", "note")
        line.append(f"  {run.step}" if run.step else "", "dim")
        line.append(f"  {_progress(run)}" if run.inner else "", "dim")
    elif state.has_ended:
        line.append("" if state is State.SUCCESS else f"  {state.value}", style)
        line.append(f"  {duration(run.seconds)}" if run.seconds else "", "dim")
        line.append(f"  {run.message}" if run.message else "", "" if state.failed_itself else "dim")
    elif state is State.QUEUED:
        line.append(f"  {run.message}", style)
    return line


def _progress(run: Run) -> str:
    return f"{sum(inner.state.has_ended for inner in run.inner)} of {len(run.inner)}"
