"""Which tasks of a run that failed are run again: those that failed, and all that depend on them.

As on Databricks a repair belongs to the run: the same id and parameters, today's bundle. Inside a task that calls a job,
and inside a loop, only what failed is run again too, as long as the task is given the same as before and nothing before
it is run again; otherwise the whole of it.
"""

from collections.abc import Collection, Mapping

from feature_store.errors import Misuse, NotFound, suggestion
from resources.models import Job, Task
from resources.runs.record import Run
from resources.states import downstream


def tasks_to_repeat(job: Job, before: Run | None, asked: Collection[str] = ()) -> set[str]:
    """The keys of the tasks to run: all if there is no run before; else ``asked`` or what failed, and what depends on it."""
    if before is None:
        return {task.task_key for task in job.tasks}
    ended = {run.key: run for run in before.inner}
    begin = set(asked) or {task.task_key for task in job.tasks if not _is_kept(ended.get(task.task_key))}
    return downstream(begin, job.tasks)


def part_to_repair(task: Task, before: Run | None, repeated: Collection[str]) -> Run | None:
    """The run of ``task`` whose successful inside may be kept; None if it is to be done from its beginning."""
    found = next((run for run in before.inner if run.key == task.task_key), None) if before else None
    if found is None or found.succeeded or any(one.task_key in repeated for one in task.depends_on):
        return None
    return found


def same_iteration(before: Run | None, number: int, item: str) -> Run | None:
    """The run of a loop's iteration ``number`` before, if it was of the same item."""
    if before is None or number >= len(before.inner) or before.inner[number].item != item:
        return None
    return before.inner[number]


def check_repair(job_key: str, job: Job, before: Run, asked: Collection[str], given: Mapping[str, str]) -> None:
    """Refuse a repair that would do nothing, or that names what is not there.

    Raises
    ------
    NotFound
        If a task or parameter does not exist.
    Misuse
        If all tasks have succeeded and none is asked for.
    """
    keys = [task.task_key for task in job.tasks]
    for key in asked:
        if key not in keys:
            raise NotFound(f"There is no task {key!r} in job {job_key}. {suggestion(key, keys)}")
    for name in given:
        if name not in job.defaults:
            raise NotFound(f"Job {job_key} has no parameter {name!r}. {suggestion(name, job.defaults)}")
    if not tasks_to_repeat(job, before, asked):
        raise Misuse(
            f"Run {before.run_id[:8]} of job {job_key} has no task that failed ({before.state}), so there is nothing to "
            "repair. To run one of its tasks again all the same, name it with --task."
        )


def _is_kept(run: Run | None) -> bool:
    return run is not None and run.succeeded
