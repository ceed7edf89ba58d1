"""A task's command line, what came of it, and the ways to run it: in this process, or wherever else an executor says."""

import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import click

from feature_store.errors import PipelineError
from feature_store.job import TaskValue, task_context
from resources.entry_points import EntryPoints

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class CommandLine:
    """What a task runs, on behalf of which job's run."""

    package: str
    entry_point: str
    arguments: Sequence[str]
    run_id: str
    path: Path


@dataclass
class Outcome:
    """The task values that a command set, and why it failed if it did."""

    failure: str | None = None
    values: dict[str, TaskValue] = field(default_factory=dict)


class Place(Protocol):
    """Where one command can run now."""

    async def run(self, line: CommandLine) -> Outcome:
        """Run the command to its end; if cancelled, end it."""


class Executor(Protocol):
    """Gives places to commands, as many at once as it likes."""

    def place(self) -> AbstractAsyncContextManager[Place]:
        """Wait for a place."""

    async def close(self) -> None:
        """Leave nothing running."""


class TaskError(PipelineError):
    """A task's command ended with an exit code that is not zero."""


class Interrupted(Exception):
    """A person interrupted a command that ran in this process."""


class InThisProcess:
    """Runs commands where ``run-job`` runs, one at a time: for debuggers and tests. It cannot end one that takes too long."""

    def __init__(self, entry_points: EntryPoints, on_crash: Callable[[Exception], None]) -> None:
        self._entry_points = entry_points
        self._on_crash = on_crash

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """There is always one, since whoever has it keeps everybody else waiting."""
        yield self

    async def run(self, line: CommandLine) -> Outcome:
        """Run the command; Ctrl-C cancels the whole run."""
        try:
            with _interrupted_at_once():
                return perform(line, self._entry_points, self._on_crash)
        except KeyboardInterrupt:
            raise Interrupted from None

    async def close(self) -> None:
        """Nothing was started."""


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """asyncio only notes a signal until it is its turn again, which here is after the command."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_DFL)]
    try:
        yield
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)


def perform(line: CommandLine, entry_points: EntryPoints, on_crash: Callable[[Exception], None]) -> Outcome:
    """Run a command line here; ``on_crash`` is told of what no user could have put right.

    Raises
    ------
    KeyboardInterrupt
        If a person interrupted it.
    """
    values: dict[str, TaskValue] = {}
    try:
        with task_context(values, line.run_id, job=line.path[0]):
            _call(entry_points(line.package)[line.entry_point](), [*line.arguments], line.entry_point)
        return Outcome(None, values)
    except PipelineError as error:
        message = str(error)
    except click.ClickException as error:
        message = error.format_message()
    except click.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        on_crash(error)
        message = f"{type(error).__name__}: {error}"
    return Outcome(" ".join(message.split()), values)


def _call(command: click.Command, arguments: list[str], name: str) -> None:
    """Run a command line; an exit code that is not zero is a failure, however it was given."""
    code: object
    try:
        code = command.main(args=arguments, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    if isinstance(code, str) or (isinstance(code, int) and not isinstance(code, bool) and code != 0):
        raise TaskError(f"{name} ended with {'exit code ' if isinstance(code, int) else ''}{code}.")
