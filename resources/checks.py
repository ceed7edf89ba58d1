"""What the bundle format cannot say and ``databricks bundle validate`` does not look for, found before a run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from feature_store.errors import Misuse, NotFound, listed, suggestion
from feature_store.yaml_files import KeyPath, Problem
from resources.bundle import Bundle
from resources.entry_points import EntryPoints
from resources.models import RUNNABLE_TASKS, BaseTask, Job, RunJobTask, Task
from resources.references import Reference, items, references
from resources.states import in_order, upstream

# Databricks does not support more: https://docs.databricks.com/jobs/run-job.html
MOST_NESTED_RUN_JOBS = 3


@dataclass(frozen=True)
class TaskAt:
    """A task, its job, and where it is written below ``resources.jobs``."""

    job_key: str
    job: Job
    task: BaseTask
    path: KeyPath
    loop: Task | None = None


def check(bundle: Bundle, entry_points: EntryPoints) -> list[Problem]:
    """Everything in the bundle's jobs that would make a run fail, or differ from a run on Databricks."""
    problems: list[Problem] = []
    for key, job in bundle.jobs.items():
        graph = list(_graph(bundle, key, job))
        found = [*_names(bundle, key, job), *graph, *_nesting(bundle, key)]
        for at in _tasks(key, job):
            found += [*_kind(at), *_environment(at), *_command(at, entry_points)]
            found += [*_called_job(bundle, at), *_inputs(at), *_references(at, ordered=not graph)]
        problems += [Problem(bundle.place(*path), text) for path, text in found]
    return problems


Found = Iterator[tuple[KeyPath, str]]


def _tasks(key: str, job: Job) -> Iterator[TaskAt]:
    for index, task in enumerate(job.tasks):
        path: KeyPath = (key, "tasks", index)
        yield TaskAt(key, job, task, path)
        if task.nested:
            yield TaskAt(key, job, task.nested, (*path, "for_each_task", "task"), task)


def _names(bundle: Bundle, key: str, job: Job) -> Found:
    named: list[tuple[str, str, KeyPath]] = [("task", at.task.task_key, at.path) for at in _tasks(key, job)]
    named += [("parameter", one.name, (key, "parameters", index)) for index, one in enumerate(job.parameters)]
    named += [
        ("environment", one.environment_key, (key, "environments", index)) for index, one in enumerate(job.environments)
    ]
    seen: dict[tuple[str, str], KeyPath] = {}
    for kind, name, path in named:
        first = seen.setdefault((kind, name), path)
        if first != path:
            yield path, f"{kind} {name!r} is defined twice in job {key}; the other is in {bundle.place(*first)}"


def _graph(bundle: Bundle, key: str, job: Job) -> Found:
    tasks = {task.task_key: task for task in job.tasks}
    complete = True
    for index, task in enumerate(job.tasks):
        for number, dependency in enumerate(task.depends_on):
            path: KeyPath = (key, "tasks", index, "depends_on", number)
            needed = tasks.get(dependency.task_key)
            if needed is None:
                complete = False
                others = [other for other in tasks if other != task.task_key]
                text = f"task {task.task_key} depends on {dependency.task_key!r}, which is not in job {key}."
                yield path, f"{text} {suggestion(dependency.task_key, others)}"
            elif dependency.outcome and not needed.condition_task:
                yield path, f"task {task.task_key} asks for an outcome of {needed.task_key}, which is no condition_task"
    ordered = in_order(job.tasks)
    cycle = [task.task_key for task in job.tasks if task not in ordered]
    if complete and cycle:
        path = (key, "tasks", job.tasks.index(tasks[cycle[0]]))
        yield path, f"tasks depend on each other in a circle: {listed(cycle)}"


def _nesting(bundle: Bundle, key: str, above: tuple[str, ...] = ()) -> Found:
    """Circles of jobs, and chains of more run_job_tasks than Databricks runs; reported at the outermost job."""
    for at in _tasks(key, bundle.jobs[key]):
        called = bundle.key_of(at.task.run_job_task.job_id) if at.task.run_job_task else None
        if called not in bundle.jobs or called is None:
            continue
        chain = (*above, key, called)
        path = (chain[0], "tasks")
        if called == chain[0]:
            yield path, f"jobs run each other in a circle: {' > '.join(chain)}"
        elif len(chain) > MOST_NESTED_RUN_JOBS + 1:
            most = f"Databricks runs at most {MOST_NESTED_RUN_JOBS} run_job_tasks inside each other"
            yield path, f"{most}: {' > '.join(chain)}"
        elif called not in chain[:-1]:
            yield from _nesting(bundle, called, chain[:-1])


def _kind(at: TaskAt) -> Found:
    kinds = [name for name in RUNNABLE_TASKS if getattr(at.task, name, None) is not None]
    if len(kinds) != 1:
        has = f"has {listed(kinds)}" if kinds else "does nothing"
        yield at.path, f"task {at.task.task_key} {has}; it needs exactly one of {listed(RUNNABLE_TASKS)}"
    if at.loop and at.task.depends_on:
        yield at.path, f"task {at.task.task_key} is inside a for_each_task and cannot depend on others; the loop can"


def _environment(at: TaskAt) -> Found:
    task, known = at.task, [one.environment_key for one in at.job.environments]
    if task.environment_key and task.environment_key not in known:
        text = f"task {task.task_key} runs in environment {task.environment_key!r}, which job {at.job_key} lacks."
        yield (*at.path, "environment_key"), f"{text} {suggestion(task.environment_key, known)}"
    places = (task.environment_key, task.job_cluster_key, task.existing_cluster_id, task.new_cluster)
    if task.python_wheel_task and not any(places):
        yield at.path, f"task {task.task_key} does not say where it runs; add environment_key. {suggestion('', known)}"


def _command(at: TaskAt, entry_points: EntryPoints) -> Found:
    wheel = at.task.python_wheel_task
    if wheel is None:
        return
    path = (*at.path, "python_wheel_task")
    if wheel.parameters and wheel.named_parameters:
        yield path, f"task {at.task.task_key} has both parameters and named_parameters; Databricks takes one of them"
    try:
        exported = entry_points(wheel.package_name)
    except NotFound as error:
        yield (*path, "package_name"), f"task {at.task.task_key}: {error}"
        return
    if wheel.entry_point not in exported:
        text = f"task {at.task.task_key}: {wheel.package_name} has no entry point {wheel.entry_point!r}."
        yield (*path, "entry_point"), f"{text} {suggestion(wheel.entry_point, exported)}"


def _called_job(bundle: Bundle, at: TaskAt) -> Found:
    call = at.task.run_job_task
    if call is None:
        return
    path = (*at.path, "run_job_task")
    called = bundle.key_of(call.job_id)
    if called is None:
        text = f"task {at.task.task_key} runs job {call.job_id}, which is not in this bundle."
        yield (*path, "job_id"), f"{text} Write ${{resources.jobs.<name>.id}}. {suggestion('', bundle.jobs)}"
    elif called in bundle.jobs:
        yield from _passed_parameters(at, call, called, bundle.jobs[called])


def _passed_parameters(at: TaskAt, call: RunJobTask, key: str, called: Job) -> Found:
    for name, value in call.job_parameters.items():
        path = (*at.path, "run_job_task", "job_parameters", name)
        if name not in called.defaults:
            text = f"task {at.task.task_key} passes parameter {name!r}, which job {key} does not have."
            yield path, f"{text} {suggestion(name, called.defaults)}"
        elif name in at.job.defaults and value != f"{{{{job.parameters.{name}}}}}":
            yield (
                path,
                f"task {at.task.task_key} passes {name!r}, but job {at.job_key} has a parameter of that name, and on "
                f"Databricks a job's own parameters win over what its tasks pass; rename it in job {at.job_key}",
            )


def _inputs(at: TaskAt) -> Found:
    loop = at.task.for_each_task if isinstance(at.task, Task) else None
    if loop is None or "{{" in loop.inputs:
        return
    try:
        items(loop.inputs)
    except Misuse as error:
        yield (*at.path, "for_each_task", "inputs"), f"task {at.task.task_key}: {error}"


def _references(at: TaskAt, *, ordered: bool) -> Found:
    """``ordered``: whether it is sound which task comes before which, so that one slip is not reported twice."""
    known = upstream((at.loop or at.task).task_key, at.job.tasks) if ordered else None
    for path, text in _texts(at):
        try:
            for reference in references(text):
                problem = _unresolved(reference, at, known)
                if problem:
                    yield (*at.path, *path), f"task {at.task.task_key}: {reference} {problem}"
        except NotFound as error:
            yield (*at.path, *path), f"task {at.task.task_key}: {error}"


def _unresolved(reference: Reference, at: TaskAt, before: set[str] | None) -> str | None:
    match reference.kind:
        case "parameter" if reference.name not in at.job.defaults:
            return f"is not a parameter of job {at.job_key}. {suggestion(reference.name, at.job.defaults)}"
        case "value" | "task" if before is not None and reference.name not in before:
            return f"names a task that has not ended before this one. {suggestion(reference.name, before)}"
        case "item" if at.loop is None:
            return "exists only in the task inside a for_each_task"
    return None


def _texts(at: TaskAt) -> Iterable[tuple[KeyPath, str]]:
    """Every text of a task in which a run fills in references, and where it is written."""
    task = at.task
    if wheel := task.python_wheel_task:
        named = wheel.named_parameters.items()
        yield from ((("python_wheel_task", "parameters", index), text) for index, text in enumerate(wheel.parameters))
        yield from ((("python_wheel_task", "named_parameters", key), text) for key, text in named)
    if condition := task.condition_task:
        yield from ((("condition_task", side), getattr(condition, side)) for side in ("left", "right"))
    if call := task.run_job_task:
        yield from ((("run_job_task", "job_parameters", key), text) for key, text in call.job_parameters.items())
    if isinstance(task, Task) and task.for_each_task:
        yield ("for_each_task", "inputs"), task.for_each_task.inputs
