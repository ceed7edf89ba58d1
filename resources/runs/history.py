"""The runs that a workspace has seen: one file of JSON for each, written anew whenever something happens in the run.

A run that was killed is on record with all that had ended by then. Whether it still goes on is known from a lock that the
operating system gives back when the process ends, however it ends.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from feature_store.cli import error_console
from feature_store.errors import Misuse, NotFound, suggestion
from resources.runs.record import Json, Run
from resources.runs.turns import locked
from resources.states import State

FORMAT = 1
_SHORTEST = 4


@dataclass
class Record:
    """A run, who started it on what, and its repairs; ``variables`` are those given by hand."""

    run: Run
    target: str
    file: Path
    user: str = ""
    machine: str = ""
    process: int = 0
    revision: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    ended_at: datetime | None = None
    repairs: list[Json] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What its tasks wrote."""
        return self.file.with_suffix(".log")

    @property
    def alive(self) -> Path:
        """Locked as long as the run, or a repair of it, goes on."""
        return self.file.with_suffix(".alive")

    def to_json(self) -> Json:
        """As it is kept."""
        run = self.run.to_json()
        return {
            "format": FORMAT, "run_id": self.run.run_id, "job": self.run.key, "target": self.target,
            "state": self.run.state.value, "user": self.user, "machine": self.machine, "process": self.process,
            "revision": self.revision, "variables": self.variables, "started_at": run.pop("started_at", None),
            "ended_at": self.ended_at.isoformat(timespec="milliseconds") if self.ended_at else None,
            "seconds": run.get("seconds", 0), "parameters": dict(self.run.parameters), "message": self.run.message,
            "repairs": self.repairs, "tasks": run.get("tasks", []),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Json, file: Path) -> "Record":
        """What :meth:`to_json` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it did not.
        """
        if data["format"] != FORMAT:
            raise ValueError(f"it has format {data['format']}, and {FORMAT} is known here")
        kept = {
            name: data[name] for name in ("state", "run_id", "started_at", "seconds", "message", "parameters", "tasks")
        }
        own = {
            name: data[name] for name in ("target", "user", "machine", "process", "revision", "variables", "repairs")
        }
        ended = datetime.fromisoformat(str(data["ended_at"])) if data["ended_at"] else None
        run = Run.from_json({"key": data["job"], **kept})
        return cls(run=run, file=file, ended_at=ended, **own)  # type: ignore[arg-type]


class History:
    """The records in a workspace's folder ``runs``."""

    def __init__(self, workspace: Path) -> None:
        self.folder = workspace / "runs"

    @property
    def turns(self) -> Path:
        """Where runs take turns."""
        return self.folder / "turns"

    def newest(self) -> Iterator[Record]:
        """All records, the newest first; one that cannot be read is told and passed over."""
        for file in sorted(self.folder.glob("*.json"), reverse=True):
            record = _read(file)
            if record:
                yield record

    def find(self, beginning: str) -> Record:
        """The only run whose id begins so; that of a job which a task called leads to the outermost run.

        Raises
        ------
        NotFound
            If there is none.
        Misuse
            If there are several, or too little is given to look for.
        """
        if len(beginning) < _SHORTEST:
            raise Misuse(
                f"{beginning!r} is too short to be sure which run is meant; give at least {_SHORTEST} characters."
            )
        every = list(self.newest())
        found = [one for one in every if one.run.run_id.startswith(beginning)]
        found = found or [one for one in every if any(run.job_run_id.startswith(beginning) for run in one.run.walk())]
        if len(found) > 1:
            raise Misuse(
                f"{beginning!r} begins the ids of {len(found)} runs: {', '.join(one.run.run_id for one in found)}."
            )
        if not found:
            raise NotFound(f"There is no run {beginning!r} in {self.folder}. {suggestion(beginning, _ids(every))}")
        return found[0]


def _read(file: Path) -> Record | None:
    try:
        record = Record.from_json(json.loads(file.read_text(encoding="utf-8")), file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        told = escape(f"{file} is not a run's record: {type(error).__name__}: {error}")
        error_console.print(f"[yellow]Warning:[/] {told}")
        return None
    if not record.run.state.has_ended and not _goes_on(record):
        # It may have ended while this was asked.
        record = Record.from_json(json.loads(file.read_text(encoding="utf-8")), file)
        if not record.run.state.has_ended:
            _note_killed(record)
    return record


def _goes_on(record: Record) -> bool:
    if not record.alive.exists():
        return False
    try:
        descriptor = locked(record.alive)
    except OSError:
        # Whoever may only read cannot ask; the machine's own processes say as much.
        return Path(f"/proc/{record.process}").exists()
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _note_killed(record: Record) -> None:
    """Nobody wrote how it ended: what ran was killed with it, the rest never began."""
    for run in record.run.walk():
        if run.state is State.PENDING:
            run.state = State.UPSTREAM_CANCELED
        elif not run.state.has_ended:
            run.state, run.message = State.KILLED, "killed while it ran"
    record.run.state, record.run.message = State.KILLED, "its process was killed"
    record.ended_at = datetime.fromtimestamp(record.file.stat().st_mtime, UTC)
    if not record.repairs and record.run.started_at:
        record.run.seconds = (record.ended_at - record.run.started_at).total_seconds()


def _ids(records: list[Record]) -> list[str]:
    return [one.run.run_id[:8] for one in records[:12]]
