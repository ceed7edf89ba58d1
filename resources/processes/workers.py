"""The processes in which tasks run: kept from task to task, since starting Spark takes long, and ended if need be.

A process of its own can be ended at a timeout whatever it waits for, and with it all that it started, Java included; if it
is killed, for want of memory say, its task has failed and the run goes on. As many processes are started as tasks run
side by side.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path as File
from typing import Any

from resources.processes.commands import CommandLine, Outcome, Path, Place
from resources.processes.ending import to_its_end
from resources.processes.worker import END_OF_OUTPUT

OnLine = Callable[[Path, str, bool], None]
OnStep = Callable[[Path, str], None]
MEMORY_OF_A_WORKER = 4 * 1024**3
"""Bytes that a task's process may take: 2 GiB of Java's, as Spark is set up here, and what Python and the model need."""
_MOST_MESSAGE = 2**26
_GRACE = 3.0
_PATIENCE = 15.0


def default_at_once() -> int:
    """How many tasks run side by side: one for each core, as far as there is memory for them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // MEMORY_OF_A_WORKER))


class Workers:
    """An executor of at most ``at_once`` processes; ``on_line`` is told each line that a task writes (and if it is an error)."""

    def __init__(
        self, at_once: int, *, on_line: OnLine, on_step: OnStep, environment: Mapping[str, str] | None = None
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._on_line, self._on_step = on_line, on_step
        self._environment = dict(environment or {})
        self._idle: list[_Worker] = []

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Wait until fewer than ``at_once`` tasks run."""
        async with self._free:
            self._idle = [worker for worker in self._idle if worker.has_not_died]
            worker = self._idle.pop() if self._idle else _Worker(self._on_line, self._on_step, self._environment)
            try:
                yield worker
            finally:
                if worker.can_go_on:
                    self._idle.append(worker)

    async def close(self) -> None:
        """End the processes that wait for tasks."""
        idle, self._idle = self._idle, []
        for worker in idle:
            await to_its_end(worker.stop())


class _Worker:
    """One process, started with its first command."""

    def __init__(self, on_line: OnLine, on_step: OnStep, environment: Mapping[str, str]) -> None:
        self._on_line, self._on_step, self._environment = on_line, on_step, environment
        self._process: asyncio.subprocess.Process | None = None
        self._line: CommandLine | None = None
        self.can_go_on = True

    @property
    def has_not_died(self) -> bool:
        """Whether it can be asked; while it waited it may have been killed for want of memory."""
        return self._process is None or self._process.returncode is None

    async def run(self, line: CommandLine) -> Outcome:
        """Run the command; if cancelled, end the process."""
        self.can_go_on, self._line = False, line
        try:
            process = self._process or await self._start()
            for said in self._said.values():
                said.clear()
            self._writer.write(json.dumps(asdict(line)).encode() + b"\n")
            answer = await self._answer()
            if answer is None:
                return Outcome(_how_it_ended(await process.wait()))
            await asyncio.gather(*(said.wait() for said in self._said.values()))
            self.can_go_on = True
            return Outcome(answer["failure"], answer["values"])
        except OSError as error:
            return Outcome(f"its process could not be started: {error}.")
        finally:
            if not self.can_go_on:
                await to_its_end(self._kill())

    async def stop(self) -> None:
        """Let the process end by itself, but not for ever."""
        if self._process:
            self._writer.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _PATIENCE)
            await self._kill()

    async def _start(self) -> asyncio.subprocess.Process:
        ours, its = socket.socketpair()
        with its:
            # -P: a folder `resources` where run-job was typed is not this one.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "resources.processes.worker", str(its.fileno()), pass_fds=(its.fileno(),),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                # A session of its own: the terminal's Ctrl-C is for run-job, which ends this one's whole group.
                start_new_session=True, env={**os.environ, **self._environment},
            )  # fmt: skip
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_MOST_MESSAGE)
        self._said = {is_error: asyncio.Event() for is_error in (False, True)}
        streams = ((self._process.stdout, False), (self._process.stderr, True))
        self._pumps = [asyncio.create_task(self._pump(stream, is_error)) for stream, is_error in streams if stream]
        return self._process

    async def _answer(self) -> dict[str, Any] | None:
        """What came of the command; None if the process ended without a word."""
        try:
            async for text in self._reader:
                message: dict[str, Any] = json.loads(text)
                if "step" not in message:
                    return message
                if self._line:
                    self._on_step(self._line.path, message["step"])
        except ConnectionError:
            pass
        return None

    async def _pump(self, stream: asyncio.StreamReader, is_error: bool) -> None:
        rest = b""
        while chunk := await stream.read(2**16):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > 2**16:
                lines, rest = [*lines, rest], b""
            for line in lines:
                text, ended, _ = line.partition(END_OF_OUTPUT)
                if text or not ended:
                    self._tell(text, is_error)
                if ended:
                    self._said[is_error].set()
        if rest:
            self._tell(rest, is_error)
        self._said[is_error].set()

    def _tell(self, text: bytes, is_error: bool) -> None:
        if self._line:
            self._on_line(self._line.path, text.decode(errors="replace").rstrip("\r"), is_error)

    async def _kill(self) -> None:
        """End the process and whatever it started; Java is given time to put its files away."""
        process = self._process
        if process is None:
            return
        until = time.monotonic() + _GRACE
        _signalled(process.pid, signal.SIGTERM)
        while _is_alive(process.pid) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        _signalled(process.pid, signal.SIGKILL)
        await process.wait()
        # What has left the group may keep the streams open.
        await asyncio.wait(self._pumps, timeout=1)
        for pump in self._pumps:
            pump.cancel()
        self._writer.close()
        self._process = None


def _signalled(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_alive(group: int) -> bool:
    """Whether one of the group's processes still runs; an ended one that its parent has not asked about does not."""
    if not File("/proc/self/stat").exists():
        return _signalled(group, 0)
    for stat in File("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if its_group == str(group) and state != "Z":
                return True
    return False


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"its process ended by itself with exit code {code}, without a word."
    name = signal.Signals(-code).name
    why = "; most often this machine has no memory left" if name == "SIGKILL" else ""
    return f"its process was ended from outside by {name}{why}."
