"""Runs a bundle's jobs in this process, one task after another, with Databricks' semantics.

Task after task in the order of ``depends_on``; independent tasks and the items of a loop, which Databricks may run side
by side, run in the order in which they are written. A loop goes on after an item that failed, and fails at its end.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import click

from feature_store.errors import NotFound, PipelineError, suggestion
from feature_store.job import TaskValue, task_context
from resources.bundle import Bundle
from resources.entry_points import EntryPoints, installed_entry_points
from resources.models import BaseTask, ForEachTask, Job, PythonWheelTask, RunJobTask, Task
from resources.references import Scope, TaskFacts, fill, items, operand, references
from resources.states import SIGNS, Ended, State, holds, in_order, job_state, skipped
from resources.substitution import job_id

Path = tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """How one job or task ended, and the runs inside it."""

    path: Path
    state: State
    run_id: str = ""
    seconds: float = 0.0
    message: str = ""
    outcome: str | None = None
    values: Mapping[str, TaskValue] | None = None
    attempts: int = 1
    inner: tuple["Run", ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether what waits for it may go on."""
        return not self.state.is_failure

    @property
    def facts(self) -> TaskFacts:
        """What the tasks after this one can ask about it."""
        return TaskFacts(self.state, self.run_id, self.attempts, self.values or {})


class Listener(Protocol):
    """Who is told what happens, as it happens."""

    def started(self, path: Path) -> None:
        """A task starts that runs a command."""

    def ended(self, run: Run) -> None:
        """A task ended, or was passed over."""

    def retried(self, run: Run) -> None:
        """An attempt failed, and another follows."""

    def crashed(self, error: Exception) -> None:
        """A command raised what no user could have put right."""


class TaskError(PipelineError):
    """A task's command ended with an exit code that is not zero."""


class Runner:
    """Runs jobs of one bundle; ``entry_points`` says where commands come from."""

    def __init__(
        self, bundle: Bundle, listener: Listener, *, entry_points: EntryPoints = installed_entry_points
    ) -> None:
        self._bundle = bundle
        self._listener = listener
        self._entry_points = entry_points

    def run(self, key: str, parameters: Mapping[str, str] | None = None) -> Run:
        """Run the job with that resource key to its end.

        Raises
        ------
        NotFound
            If there is no such job, or it has no such parameter.
        Misuse
            If a loop's inputs, as far as they are known now, are not a JSON array.
        """
        job, given = self._bundle.job(key), parameters or {}
        for name in given:
            if name not in job.defaults:
                raise NotFound(f"Job {key} has no parameter {name!r}. {suggestion(name, job.defaults)}")
        scope = _job_scope(key, job, given, triggered_at=datetime.now(UTC))
        for task in job.tasks:
            # A slip in --params should not show only after an hour of publishing.
            if task.for_each_task and all(one.kind == "parameter" for one in references(task.for_each_task.inputs)):
                items(fill(task.for_each_task.inputs, scope))
        return self._run_job(job, scope, (key,))

    def _run_job(self, job: Job, scope: Scope, path: Path) -> Run:
        begun, done = time.monotonic(), dict[str, Run]()
        for task in in_order(job.tasks):
            state = skipped(task, {key: Ended(run.state, run.outcome) for key, run in done.items()})
            here = (*path, task.task_key)
            if state:
                done[task.task_key] = Run(here, state)
                self._listener.ended(done[task.task_key])
            else:
                facts = {key: run.facts for key, run in done.items()}
                done[task.task_key] = self._attempts(task, replace(scope, tasks=facts), here)
        state = job_state(job.tasks, {key: run.state for key, run in done.items()})
        inner = tuple(done[task.task_key] for task in job.tasks)
        return Run(path, state, str(scope.fixed["job.run_id"]), time.monotonic() - begun, inner=inner)

    def _attempts(self, task: BaseTask, scope: Scope, path: Path) -> Run:
        run_id, begun, attempt = uuid.uuid4().hex, time.monotonic(), 1
        while True:
            fixed = {**scope.fixed, "task.name": task.task_key, "task.run_id": run_id, "task.execution_count": attempt}
            started = time.monotonic()
            run = replace(self._once(task, replace(scope, fixed=fixed), path), run_id=run_id, attempts=attempt)
            if run.succeeded or attempt == task.max_retries + 1:
                break
            self._listener.retried(run)
            time.sleep(max(0.0, task.min_retry_interval_millis / 1000 - (time.monotonic() - started)))
            attempt += 1
        run = replace(run, seconds=time.monotonic() - begun)
        self._listener.ended(run)
        return run

    def _once(self, task: BaseTask, scope: Scope, path: Path) -> Run:
        values: dict[str, TaskValue] = {}
        try:
            return replace(self._perform(task, scope, path, values), values=values)
        except PipelineError as error:
            message = str(error)
        except click.ClickException as error:
            message = error.format_message()
        except click.Abort:
            raise KeyboardInterrupt from None
        except Exception as error:
            self._listener.crashed(error)
            message = f"{type(error).__name__}: {error}"
        return Run(path, State.FAILED, message=" ".join(message.split()), values=values)

    def _perform(self, task: BaseTask, scope: Scope, path: Path, values: dict[str, TaskValue]) -> Run:
        if task.python_wheel_task:
            self._listener.started(path)
            with task_context(values, str(scope.fixed["job.run_id"])):
                self._run_command(task.python_wheel_task, scope)
            return Run(path, State.SUCCESS)
        if task.run_job_task:
            return self._run_other_job(task.run_job_task, scope, path)
        if isinstance(task, Task) and task.for_each_task:
            return self._run_loop(task.for_each_task, scope, path)
        if task.condition_task:
            left, right = operand(task.condition_task.left, scope), operand(task.condition_task.right, scope)
            outcome = "true" if holds(task.condition_task, left, right) else "false"
            message = f"{left!r} {SIGNS[task.condition_task.op]} {right!r}: {outcome}"
            return Run(path, State.SUCCESS, outcome=outcome, message=message)
        raise NotFound(f"Task {task.task_key} does nothing.")

    def _run_command(self, wheel: PythonWheelTask, scope: Scope) -> None:
        arguments = [fill(text, scope) for text in wheel.parameters]
        if wheel.named_parameters:
            # Only key-value parameters have the job's own pushed down to them, and the job's win.
            named = {key: fill(text, scope) for key, text in wheel.named_parameters.items()} | dict(scope.parameters)
            arguments = [f"--{key}={value}" for key, value in named.items()]
        _call(self._entry_points(wheel.package_name)[wheel.entry_point](), arguments, wheel.entry_point)

    def _run_other_job(self, call: RunJobTask, scope: Scope, path: Path) -> Run:
        key = self._bundle.key_of(call.job_id)
        if key is None:
            raise NotFound(f"There is no job with the id {call.job_id}. {suggestion('', self._bundle.jobs)}")
        job = self._bundle.job(key)
        passed = {name: fill(text, scope) for name, text in call.job_parameters.items()}
        pushed_down = {name: value for name, value in scope.parameters.items() if name in job.defaults}
        inside = _job_scope(key, job, passed | pushed_down, triggered_at=scope.times["job.trigger.time"])
        run = self._run_job(job, inside, path)
        state = State.FAILED if run.state.is_failure else State.SUCCESS
        return Run(path, state, message="" if run.succeeded else f"job {key} failed", inner=run.inner)

    def _run_loop(self, loop: ForEachTask, scope: Scope, path: Path) -> Run:
        found = items(fill(loop.inputs, scope))
        runs = []
        for item in found:
            here = (*path[:-1], f"{path[-1]}[{_label(item)}]")
            runs.append(self._attempts(loop.task, replace(scope, item=item), here))
        failed = [run for run in runs if not run.succeeded]
        message = f"{len(failed)} of {len(found)} iterations failed" if failed else f"{len(found)} iterations"
        return Run(path, State.FAILED if failed else State.SUCCESS, message=message, inner=tuple(runs))


def _job_scope(key: str, job: Job, given: Mapping[str, str], *, triggered_at: datetime) -> Scope:
    fixed = {"job.id": job_id(key), "job.name": job.name, "job.run_id": uuid.uuid4().hex, "job.repair_count": 0}
    times = {"job.start_time": datetime.now(UTC), "job.trigger.time": triggered_at}
    scope = Scope(fixed=fixed, times=times)
    return replace(scope, parameters={name: fill(text, scope) for name, text in job.defaults.items()} | dict(given))


def _call(command: click.Command, arguments: list[str], name: str) -> None:
    """Run a command line; an exit code that is not zero is a failure, however it was given."""
    try:
        code = command.main(args=arguments, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    if isinstance(code, str) or (isinstance(code, int) and not isinstance(code, bool) and code != 0):
        raise TaskError(f"{name} ended with {'exit code ' if isinstance(code, int) else ''}{code}.")


def _label(item: object) -> str:
    """An item in a few characters: a mapping's last value, which by custom is the later end of a window."""
    value = list(item.values())[-1] if isinstance(item, dict) and item else item
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"
