"""Runs a bundle's jobs here with Databricks' semantics: what runs when, what follows from how it ended, and what is kept.

Tasks that do not wait for each other run side by side, as many as the executor has places for; a loop runs as many of
its items as its ``concurrency`` says, goes on after one that failed, and fails at its end. A timeout is of one attempt.
"""

import asyncio
import contextlib
import signal
import time
import uuid
from collections.abc import Collection, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from feature_store.errors import NotFound, PipelineError, suggestion
from resources.bundle import Bundle
from resources.entry_points import EntryPoints, installed_entry_points
from resources.models import BaseTask, ForEachTask, Job, PythonWheelTask, RunJobTask, Task
from resources.processes.commands import CommandLine, Executor, Interrupted, InThisProcess
from resources.processes.ending import to_its_end
from resources.references import Scope, fill, items, operand
from resources.runs.beginning import continued, iterations, job_scope, kind_of, new_run
from resources.runs.record import Path, Run
from resources.runs.repair import part_to_repair, tasks_to_repeat
from resources.runs.turns import AnyTime, Turns
from resources.states import SIGNS, Ended, State, holds, in_order, job_state, skipped


class Listener(Protocol):
    """Who is told what happens, as it happens."""

    def started(self, path: Path) -> None:
        """A task starts that runs a command."""

    def ended(self, run: Run) -> None:
        """A task ended, or was passed over."""

    def retried(self, run: Run) -> None:
        """An attempt failed, and another follows."""

    def waits(self, run: Run) -> None:
        """A job's run waits for another one's end, as its message says."""

    def crashed(self, error: Exception) -> None:
        """A command raised what no user could have put right."""


class Stopped(KeyboardInterrupt):
    """A person, or the system by SIGTERM, stopped a run; ``signal`` says which."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


class Runner:
    """Runs jobs of one bundle; ``executor`` says where commands run, ``entry_points`` where they come from if it is here."""

    def __init__(
        self, bundle: Bundle, listener: Listener, *, entry_points: EntryPoints = installed_entry_points,
        executor: Executor | None = None, turns: Turns | None = None,
    ) -> None:  # fmt: skip
        self._bundle = bundle
        self._listener = listener
        self._executor = executor or InThisProcess(entry_points, listener.crashed)
        self._turns = turns or AnyTime()

    def run(self, key: str, parameters: Mapping[str, str] | None = None) -> Run:
        """Run the job with that resource key to its end: :func:`new_run` and :meth:`execute`."""
        return self.execute(new_run(self._bundle, key, parameters))

    def execute(self, run: Run, *, before: Run | None = None, asked: Collection[str] = (), repairs: int = 0) -> Run:
        """Run what :func:`new_run` made, or the ``repairs``-th repair of the run ``before``.

        Raises
        ------
        AlreadyRunning
            If the job has another run and no queue.
        Stopped
            If it was interrupted; the run says what had ended.
        """
        stopped = asyncio.run(self._outermost(run, before, asked, repairs))
        if stopped:
            raise Stopped(stopped)
        return run

    async def _outermost(self, run: Run, before: Run | None, asked: Collection[str], repairs: int) -> int | None:
        job, this = self._bundle.job(run.key), asyncio.current_task()
        stopped = signal.SIGINT
        begun = time.monotonic()

        def stop() -> None:
            nonlocal stopped
            stopped = signal.SIGTERM
            if this:
                this.cancel()

        with contextlib.suppress(ValueError, RuntimeError):  # signals are told to main threads only
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        scope = job_scope(run.key, job, run.run_id, run.parameters, triggered_at=run.started_at, repairs=repairs)
        try:
            await self._job(run.key, job, scope, run, before, asked)
        except (asyncio.CancelledError, Interrupted):
            run.give_up()
            run.state, run.message = State.CANCELED, f"stopped by {stopped.name}"
            return stopped
        finally:
            run.seconds += time.monotonic() - begun
            await self._executor.close()
        return None

    async def _job(
        self, key: str, job: Job, scope: Scope, run: Run, before: Run | None, asked: Collection[str] = ()
    ) -> None:
        """Run a job's graph inside ``run``, whose state becomes the job's."""

        def wait(message: str) -> None:
            run.state, run.message = State.QUEUED, message
            self._listener.waits(run)

        async with self._turns.turn(key, job, str(scope.fixed["job.run_id"]), wait):
            run.state, run.message = State.RUNNING, ""
            try:
                async with asyncio.timeout(job.timeout_seconds or None):
                    await self._graph(job, scope, run, before, asked)
            except TimeoutError:
                run.give_up()
                run.state = State.TIMEDOUT
                run.message = f"job {key} had not ended after {job.timeout_seconds} s (timeout_seconds)"
                return
            run.state = job_state(job.tasks, {inner.key: inner.state for inner in run.inner})

    async def _graph(self, job: Job, scope: Scope, run: Run, before: Run | None, asked: Collection[str]) -> None:
        repeated = tasks_to_repeat(job, before, asked)
        kept = {inner.key: inner for inner in before.inner} if before else {}
        runs: dict[str, Run] = {}
        for task in job.tasks:
            key, old = task.task_key, kept.get(task.task_key)
            new = Run((*run.path, key), kind=kind_of(task))
            if key in repeated:
                runs[key] = continued(new, old)
            else:
                runs[key] = old or replace(new, state=State.EXCLUDED)
        run.inner = list(runs.values())
        ended = {key: asyncio.Event() for key in repeated}

        async def when_ready(task: Task) -> None:
            for one in task.depends_on:
                if one.task_key in ended:
                    await ended[one.task_key].wait()
            inner = runs[task.task_key]
            state = skipped(task, {key: Ended(other.state, other.outcome) for key, other in runs.items()})
            if state:
                inner.state = state
                self._listener.ended(inner)
            else:
                facts = {key: other.facts for key, other in runs.items() if other.state.has_ended}
                part = part_to_repair(task, before, repeated)
                await self._attempts(task, replace(scope, tasks=facts), inner, part)
            ended[task.task_key].set()

        await _all(when_ready(task) for task in in_order(job.tasks) if task.task_key in repeated)

    async def _attempts(self, task: BaseTask, scope: Scope, run: Run, part: Run | None) -> None:
        run.run_id, begun, tries = uuid.uuid4().hex, time.monotonic(), 0
        try:
            while True:
                tries, run.attempts, started = tries + 1, run.attempts + 1, time.monotonic()
                run.state, run.started_at = State.RUNNING, datetime.now(UTC)
                fixed = {"task.name": task.task_key, "task.run_id": run.run_id, "task.execution_count": run.attempts}
                waited = run.waited
                await self._once(task, replace(scope, fixed={**scope.fixed, **fixed}), run, part)
                run.seconds = time.monotonic() - started - (run.waited - waited)
                may_retry = run.state is not State.TIMEDOUT or task.retry_on_timeout
                if run.succeeded or not may_retry or tries == task.max_retries + 1:
                    break
                run.note_attempt()
                self._listener.retried(run)
                run.state, run.inner, part = State.RUNNING, [], None
                await asyncio.sleep(max(0.0, task.min_retry_interval_millis / 1000 - (time.monotonic() - started)))
        except (asyncio.CancelledError, Interrupted):
            run.give_up()
            run.state, run.message = State.CANCELED, "stopped while it ran"
            raise
        finally:
            run.seconds, run.step = time.monotonic() - begun - run.waited, ""
            self._listener.ended(run)

    async def _once(self, task: BaseTask, scope: Scope, run: Run, part: Run | None) -> None:
        run.outcome, run.values, run.message = None, {}, ""
        try:
            await self._perform(task, scope, run, part)
        except TimeoutError:
            run.give_up()
            run.state, run.message = State.TIMEDOUT, f"had not ended after {task.timeout_seconds} s (timeout_seconds)"
        except PipelineError as error:
            run.state, run.message = State.FAILED, " ".join(str(error).split())

    async def _perform(self, task: BaseTask, scope: Scope, run: Run, part: Run | None) -> None:
        seconds = task.timeout_seconds or None
        if task.python_wheel_task:
            await self._command(task.python_wheel_task, scope, run, seconds)
        elif task.run_job_task:
            async with asyncio.timeout(seconds):
                await self._other_job(task.run_job_task, scope, run, part)
        elif isinstance(task, Task) and task.for_each_task:
            async with asyncio.timeout(seconds):
                await self._loop(task.for_each_task, scope, run, part)
        elif task.condition_task:
            left, right = operand(task.condition_task.left, scope), operand(task.condition_task.right, scope)
            run.outcome = "true" if holds(task.condition_task, left, right) else "false"
            run.message = f"{left!r} {SIGNS[task.condition_task.op]} {right!r}: {run.outcome}"
            run.state = State.SUCCESS
        else:
            raise NotFound(f"Task {task.task_key} does nothing.")

    async def _command(self, wheel: PythonWheelTask, scope: Scope, run: Run, seconds: int | None) -> None:
        arguments = [fill(text, scope) for text in wheel.parameters]
        if wheel.named_parameters:
            # Only key-value parameters have the job's own pushed down to them, and the job's win.
            named = {key: fill(text, scope) for key, text in wheel.named_parameters.items()} | dict(scope.parameters)
            arguments = [f"--{key}={value}" for key, value in named.items()]
        run.command = [wheel.entry_point, *arguments]
        line = CommandLine(wheel.package_name, wheel.entry_point, arguments, str(scope.fixed["job.run_id"]), run.path)
        run.state, asked_at = State.PENDING, time.monotonic()
        async with self._executor.place() as place:
            run.state, run.started_at = State.RUNNING, datetime.now(UTC)
            run.waited += time.monotonic() - asked_at
            self._listener.started(run.path)
            async with asyncio.timeout(seconds):
                outcome = await place.run(line)
        run.values, run.message = outcome.values, outcome.failure or ""
        run.state = State.FAILED if outcome.failure is not None else State.SUCCESS

    async def _other_job(self, call: RunJobTask, scope: Scope, run: Run, part: Run | None) -> None:
        key = self._bundle.key_of(call.job_id)
        if key is None:
            raise NotFound(f"There is no job with the id {call.job_id}. {suggestion('', self._bundle.jobs)}")
        job = self._bundle.job(key)
        passed = {name: fill(text, scope) for name, text in call.job_parameters.items()}
        given = passed | {name: value for name, value in scope.parameters.items() if name in job.defaults}
        inside = job_scope(key, job, uuid.uuid4().hex, given, triggered_at=scope.times["job.trigger.time"])
        before = part if part and part.inner and part.parameters == inside.parameters else None
        if before:
            same = {"job.run_id": before.job_run_id, "job.repair_count": scope.fixed["job.repair_count"]}
            inside = replace(inside, fixed={**inside.fixed, **same})
        run.job_run_id, run.parameters = str(inside.fixed["job.run_id"]), inside.parameters
        await self._job(key, job, inside, run, before)
        ended = {
            State.FAILED: "failed",
            State.TIMEDOUT: f"had not ended after {job.timeout_seconds} s (timeout_seconds)",
        }
        run.message = f"job {key} {ended[run.state]}" if run.state in ended else ""
        run.state = State.FAILED if run.state.is_failure else State.SUCCESS

    async def _loop(self, loop: ForEachTask, scope: Scope, run: Run, part: Run | None) -> None:
        found = items(fill(loop.inputs, scope))
        limit = asyncio.Semaphore(loop.concurrency)
        run.inner, befores = iterations(loop.task, found, run.path, part)

        async def one(item: object, inner: Run, before: Run | None) -> None:
            if not inner.succeeded:
                async with limit:
                    await self._attempts(loop.task, replace(scope, item=item), inner, before)

        await _all(one(*each) for each in zip(found, run.inner, befores, strict=True))
        failed = sum(not inner.succeeded for inner in run.inner)
        run.message = f"{failed} of {len(found)} iterations failed" if failed else f"{len(found)} iterations"
        run.state = State.FAILED if failed else State.SUCCESS


async def _all(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them side by side; if one of them breaks off, or this is cancelled, so are the others, each once."""
    running = [asyncio.create_task(coroutine) for coroutine in coroutines]
    if not running:
        return
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for one in running:
            one.cancel()
        await to_its_end(asyncio.wait(running))
    for one in done:
        one.result()
