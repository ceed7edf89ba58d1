"""``max_concurrent_runs``: a run waits for its turn if its job has a queue, and is refused otherwise.

Each of a job's turns is a file that whoever has the turn keeps locked. The lock is the operating system's and ends with
the process, however that ends; what the file says (who, since when) is for people.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from feature_store.errors import ConcurrentWrite
from resources.models import Job

_PAUSE = 0.2
OnWait = Callable[[str], None]


class AlreadyRunning(ConcurrentWrite):
    """The job has as many runs as it may have at once, and no queue."""


class Turns(Protocol):
    """Who may run a job now."""

    def turn(self, key: str, job: Job, run_id: str, on_wait: OnWait) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, telling ``on_wait`` whom for, and keep it."""


class AnyTime:
    """Without a workspace nobody knows of other runs."""

    @asynccontextmanager
    async def turn(self, key: str, job: Job, run_id: str, on_wait: OnWait) -> AsyncIterator[None]:
        """At once."""
        yield


class TurnsInFolder:
    """Turns of the runs that share a workspace; each target's jobs are jobs of their own."""

    def __init__(self, folder: Path, *, target: str, user: str) -> None:
        self._folder = folder
        self._target = target
        self._user = user

    @asynccontextmanager
    async def turn(self, key: str, job: Job, run_id: str, on_wait: OnWait) -> AsyncIterator[None]:
        """Wait for a turn, or refuse to.

        Raises
        ------
        AlreadyRunning
            If there is none, and the job has no queue.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        most = 1 if job.max_concurrent_runs is None else job.max_concurrent_runs
        files = [self._folder / f"{self._target}.{key}.{number}" for number in range(most)]
        told = False
        if not most:
            raise AlreadyRunning(f"Job {key} may not run at all: its max_concurrent_runs is 0.")
        while (descriptor := next((found for found in map(locked, files) if found is not None), None)) is None:
            others = [who for who in map(_who, files) if who]
            by = f"Job {key} is already running: {', and '.join(others) or 'its only run is just beginning'}."
            if not (job.queue or {}).get("enabled"):
                raise AlreadyRunning(
                    f"{by} It has {most} run{'s' * (most != 1)} at a time (max_concurrent_runs) and no queue. "
                    "Start it again when that one has ended; `run-job history` shows."
                )
            if not told:
                on_wait(f"{by} This run waits in the job's queue.")
                told = True
            await asyncio.sleep(_PAUSE)
        try:
            facts = {
                "run_id": run_id,
                "user": self._user,
                "process": os.getpid(),
                "since": datetime.now(UTC).isoformat(),
            }
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(facts).encode(), 0)
            yield
        finally:
            os.close(descriptor)


def locked(file: Path) -> int | None:
    """The file, made if need be, open and locked; None if another has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        # Some network disks have no locks; there, nobody is kept from anything.
        pass
    return descriptor


def _who(file: Path) -> str:
    try:
        facts = json.loads(file.read_text())
        since = datetime.fromisoformat(facts["since"])
        return f"run {facts['run_id'][:8]} of {facts['user']}, since {since:%H:%M} UTC (process {facts['process']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
