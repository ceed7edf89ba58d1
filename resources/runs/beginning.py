"""Runs before they begin: of a job, of its tasks, of a loop's iterations, and what they can refer to."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from feature_store.errors import NotFound, suggestion
from resources.bundle import Bundle
from resources.models import RUNNABLE_TASKS, BaseTask, Job
from resources.references import Scope, fill, items, references
from resources.runs.record import Path, Run
from resources.runs.repair import same_iteration
from resources.substitution import job_id


def new_run(bundle: Bundle, key: str, parameters: Mapping[str, str] | None = None) -> Run:
    """A run of the job with that resource key, which has not begun.

    Raises
    ------
    NotFound
        If there is no such job, or it has no such parameter.
    Misuse
        If a loop's inputs, as far as they are known now, are not a JSON array.
    """
    job, given = bundle.job(key), parameters or {}
    for name in given:
        if name not in job.defaults:
            raise NotFound(f"Job {key} has no parameter {name!r}. {suggestion(name, job.defaults)}")
    run = Run((key,), run_id=uuid.uuid4().hex, started_at=datetime.now(UTC))
    scope = job_scope(key, job, run.run_id, given, triggered_at=run.started_at)
    for task in job.tasks:
        # A slip in --params should not show only after an hour of publishing.
        if task.for_each_task and all(one.kind == "parameter" for one in references(task.for_each_task.inputs)):
            items(fill(task.for_each_task.inputs, scope))
    run.parameters = scope.parameters
    run.inner = [Run((key, task.task_key), kind=kind_of(task)) for task in job.tasks]
    return run


def new_repair(bundle: Bundle, before: Run, parameters: Mapping[str, str]) -> Run:
    """The run ``before`` once more: its id, its first moment, and its parameters but for those given."""
    run = new_run(bundle, before.key, parameters)
    known = bundle.job(before.key).defaults
    same = {name: value for name, value in before.parameters.items() if name in known}
    return replace(
        run, run_id=before.run_id, started_at=before.started_at, seconds=before.seconds,
        parameters={**run.parameters, **same, **parameters}, inner=before.inner,
    )  # fmt: skip


def job_scope(
    key: str, job: Job, run_id: str, given: Mapping[str, str], *, triggered_at: datetime | None, repairs: int = 0
) -> Scope:
    """What a job's tasks can refer to before the first of them has ended."""
    now = datetime.now(UTC)
    fixed = {"job.id": job_id(key), "job.name": job.name, "job.run_id": run_id, "job.repair_count": repairs}
    scope = Scope(fixed=fixed, times={"job.start_time": now, "job.trigger.time": triggered_at or now})
    return replace(scope, parameters={name: fill(text, scope) for name, text in job.defaults.items()} | dict(given))


def kind_of(task: BaseTask) -> str:
    """Which of the ``…_task`` keys it has."""
    return next((kind for kind in RUNNABLE_TASKS if getattr(task, kind, None) is not None), "")


def continued(run: Run, before: Run | None) -> Run:
    """``run`` with the attempts that were made before a repair."""
    if before:
        before.note_attempt()
        run.attempts, run.earlier = before.attempts, before.earlier
    return run


def iterations(
    task: BaseTask, found: Sequence[object], loop: Path, part: Run | None
) -> tuple[list[Run], list[Run | None]]:
    """A run for every item, and what it was before a repair; what has succeeded stays as it is."""
    runs, befores = [], [same_iteration(part, number, json.dumps(item)) for number, item in enumerate(found)]
    for item, before in zip(found, befores, strict=True):
        path = (*loop[:-1], f"{loop[-1]}[{_label(item)}]")
        run = Run(path, kind=kind_of(task), item=json.dumps(item))
        runs.append(before if before and before.succeeded else continued(run, before))
    return runs, befores


def _label(item: object) -> str:
    """An item in a few characters: a mapping's last value, which by custom is the later end of a window."""
    value = list(item.values())[-1] if isinstance(item, dict) and item else item
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"
