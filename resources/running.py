"""One run as a person sees it: recorded in the workspace, shown as it goes on, ended with the exit code that CI needs."""

import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as File

from feature_store.cli import console, error_console
from feature_store.errors import PipelineError
from resources.bundle import Bundle
from resources.entry_points import EntryPoints, installed_entry_points
from resources.processes.commands import Executor, InThisProcess
from resources.processes.workers import Workers
from resources.runs.beginning import new_run
from resources.runs.execute import Listener, Runner, Stopped
from resources.runs.history import History, Record
from resources.runs.record import Path, Run
from resources.runs.recorder import Recorder, going_on
from resources.runs.turns import TurnsInFolder
from resources.states import State
from resources.telling.live import LiveListener
from resources.telling.show import ConsoleListener, show_summary

WORKSPACE = "PIPELINE_WORKSPACE"


class JobError(PipelineError):
    """A job's run failed."""


@dataclass(frozen=True)
class How:
    """Where runs are kept, and where tasks run: in so many processes of their own, or in this one."""

    workspace: File
    at_once: int
    in_this_process: bool = False

    def executor(self, shown: ConsoleListener, recorder: Recorder) -> Executor:
        """What runs the tasks' commands, and hands on what they write."""
        if self.in_this_process:
            return InThisProcess(installed_entry_points, shown.crashed)

        def line(path: Path, text: str, is_error: bool) -> None:
            recorder.line(path, text)
            shown.line(path, text, is_error)

        # Tasks write to pipes; what is seen at their other end is for them to know.
        seen = dict.fromkeys(("COLUMNS", "PIPELINE_COLUMNS"), str(console.width))
        seen |= {"FORCE_COLOR": "1"} if console.is_terminal else {}
        return Workers(self.at_once, on_line=line, on_step=shown.step, environment=seen)


class Several:
    """Listeners that are told the same, one after another."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def started(self, path: Path) -> None:
        """A task starts that runs a command."""
        for one in self._listeners:
            one.started(path)

    def ended(self, run: Run) -> None:
        """A task ended, or was passed over."""
        for one in self._listeners:
            one.ended(run)

    def retried(self, run: Run) -> None:
        """An attempt failed, and another follows."""
        for one in self._listeners:
            one.retried(run)

    def waits(self, run: Run) -> None:
        """A job's run waits for another one's end."""
        for one in self._listeners:
            one.waits(run)

    def crashed(self, error: Exception) -> None:
        """A command raised what no user could have put right."""
        for one in self._listeners:
            one.crashed(error)


def run_shown(
    bundle: Bundle, name: str, parameters: dict[str, str], *, entry_points: EntryPoints = installed_entry_points
) -> Run:
    """Run a job in this process and print what happens; nothing is recorded.

    Raises
    ------
    JobError
        If it failed, after its summary was printed.
    """
    run, shown = new_run(bundle, name, parameters), ConsoleListener()
    with _told(run, shown):
        Runner(bundle, shown, entry_points=entry_points).execute(run)
    return run


def run_recorded(
    bundle: Bundle, record: Record, how: How, *, before: Run | None = None, asked: Collection[str] = ()
) -> Run:
    """Run a job, or repair its run ``before``, and keep its history.

    Raises
    ------
    JobError
        If it failed, after its summary was printed.
    AlreadyRunning
        If the job has another run and no queue; nothing is recorded then.
    """
    run, recorder = record.run, Recorder(record)
    shown = LiveListener(run) if console.is_terminal and not how.in_this_process else ConsoleListener()
    turns = TurnsInFolder(History(how.workspace).turns, target=bundle.target, user=record.user)
    runner = Runner(bundle, Several(shown, recorder), executor=how.executor(shown, recorder), turns=turns)
    remedy = f" `run-job repair {run.run_id[:8]}` runs again what did not succeed."
    with _told(run, shown, remedy), going_on(record), workspace_for_tasks(str(how.workspace)):
        try:
            runner.execute(run, before=before, asked=asked, repairs=len(record.repairs))
        finally:
            if run.state.has_ended:
                recorder.finish()
    return run


@contextmanager
def _told(run: Run, shown: ConsoleListener, remedy: str = "") -> Iterator[None]:
    """Say how the run ended, as a person and as a process are told."""
    try:
        with shown:
            yield
    except KeyboardInterrupt as stop:
        # Not Stopped only if a person was impatient while processes were being ended.
        number = stop.signal if isinstance(stop, Stopped) else signal.SIGINT
        where = " > ".join(shown.current or run.path)
        error_console.print(f"\nStopped in {where}.{remedy}", markup=False)
        sys.exit(128 + number)
    if not run.succeeded:
        show_summary(run)
        places = ", ".join(" > ".join(one.path) for one in run.failures())
        raise JobError(f"Job {run.key} {'timed out' if run.state is State.TIMEDOUT else 'failed'} in {places}.{remedy}")
    shown.ended(run)


@contextmanager
def workspace_for_tasks(folder: str) -> Iterator[None]:
    """Set the environment variable from which the tasks' command lines take ``--workspace``."""
    before = os.environ.get(WORKSPACE)
    os.environ[WORKSPACE] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ[WORKSPACE]
        else:
            os.environ[WORKSPACE] = before
