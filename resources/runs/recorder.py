"""Keeps a run's record while it goes on: written as a whole whenever something has happened, locked as long as it lives."""

import contextlib
import getpass
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from rich.markup import escape

from feature_store.cli import error_console
from feature_store.errors import Misuse, StorageError
from feature_store.files import write_at_once
from resources.runs.history import History, Record
from resources.runs.record import Json, Run
from resources.runs.turns import locked


def begin_record(history: History, run: Run, *, target: str, variables: dict[str, str], revision: str) -> Record:
    """The record of a run that has not begun; nothing is written yet."""
    began = run.started_at or datetime.now(UTC)
    file = history.folder / f"{began:%Y%m%dT%H%M%S.%f}-{run.run_id}.json"
    return _by_me(Record(run, target, file, variables=variables), revision)


def begin_repair(record: Record, run: Run, *, tasks: list[str], parameters: dict[str, str], revision: str) -> Record:
    """The record of a run that is repaired now."""
    told: Json = {
        "repair_id": uuid.uuid4().hex, "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"), "user": user(),
        "revision": revision, "tasks": tasks, "parameters": parameters,
    }  # fmt: skip
    return _by_me(replace(record, run=run, repairs=[*record.repairs, told]), revision)


def _by_me(record: Record, revision: str) -> Record:
    """Note who runs it now, where, and of which revision."""
    record.machine, record.process, record.revision = socket.gethostname(), os.getpid(), revision
    record.user = user()
    record.ended_at = None
    return record


def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextlib.contextmanager
def going_on(record: Record) -> Iterator[None]:
    """Hold the run's lock.

    Raises
    ------
    Misuse
        If it goes on already, in another process.
    StorageError
        If the folder cannot be written.
    """
    try:
        record.file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = locked(record.alive)
    except OSError as error:
        raise StorageError(
            f"The workspace's folder {record.file.parent} cannot be written: {error.strerror}."
        ) from error
    if descriptor is None:
        raise Misuse(
            f"Run {record.run.run_id[:8]} of job {record.run.key} goes on just now; only what has ended is repaired."
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            record.alive.unlink()
        os.close(descriptor)


def write(record: Record) -> None:
    """Replace the record's file as a whole.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        write_at_once(json.dumps(record.to_json(), indent=1, default=str), record.file)
    except OSError as error:
        raise StorageError(f"The run's history in {record.file.parent} cannot be written: {error.strerror}.") from error


class Recorder:
    """A listener that writes a run's record whenever something has happened in it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._is_failing = False

    def started(self, path: tuple[str, ...]) -> None:
        """Write that a command starts."""
        self.write()

    def ended(self, run: Run) -> None:
        """Write how a task ended."""
        self.write()

    def retried(self, run: Run) -> None:
        """Write that an attempt failed."""
        self.write()

    def waits(self, run: Run) -> None:
        """Write that the run waits, unless it is a repair, whose record says more as it is."""
        if not self.record.repairs or run is not self.record.run:
            self.write()

    def crashed(self, error: Exception) -> None:
        """The task's end says it."""

    def line(self, path: tuple[str, ...], text: str) -> None:
        """Keep what a task wrote."""
        with contextlib.suppress(OSError), self.record.log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC):%H:%M:%S} {' > '.join(path)} | {text}\n")

    def finish(self) -> None:
        """Write how the run, or its repair, ended."""
        self.record.ended_at = datetime.now(UTC)
        if self.record.repairs:
            ended = {
                "state": self.record.run.state.value,
                "ended_at": self.record.ended_at.isoformat(timespec="milliseconds"),
            }
            self.record.repairs[-1].update(ended)
        self.write()

    def write(self) -> None:
        """Write the record; a disk that is full does not end the run."""
        try:
            write(self.record)
            self._is_failing = False
        except StorageError as error:
            if not self._is_failing:
                error_console.print(f"[yellow]Warning:[/] {escape(str(error))}")
            self._is_failing = True
