"""The few things a job needs from whoever runs it: task values, and who and which run it is.

On Databricks these come from ``dbutils`` and the run's own context; here ``run-job`` provides them through
:func:`task_context`. A job started by hand has neither, and works the same.
"""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from feature_store.errors import WrongKind

TaskValue = str | int | float | bool | list[object] | dict[str, object] | None

_task_values: ContextVar[dict[str, TaskValue] | None] = ContextVar("task_values", default=None)
_run_id: ContextVar[str | None] = ContextVar("run_id", default=None)
_job: ContextVar[str] = ContextVar("job", default="")


@contextmanager
def task_context(values: dict[str, TaskValue], run_id: str, *, job: str = "") -> Iterator[None]:
    """Collect the task values set inside into ``values``; :func:`run_id` and :func:`job_name` answer these inside."""
    values_token, run_token, job_token = _task_values.set(values), _run_id.set(run_id), _job.set(job)
    try:
        yield
    finally:
        _task_values.reset(values_token)
        _run_id.reset(run_token)
        _job.reset(job_token)


def set_task_value(key: str, value: TaskValue) -> None:
    """Tell the tasks after this one: ``{{tasks.<this task>.values.<key>}}`` in the job's YAML.

    Raises
    ------
    WrongKind
        If ``value`` is not plain JSON data.
    """
    if not isinstance(value, str | int | float | bool | list | dict | None):
        raise WrongKind(f"Task value {key!r} is a {type(value).__name__}; it must be plain JSON data.")
    collected = _task_values.get()
    if collected is not None:
        collected[key] = value
        return
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        logging.getLogger(__name__).debug("no job around this task: value %s=%r stays here", key, value)
        return
    from databricks.sdk.runtime import dbutils

    dbutils.jobs.taskValues.set(key=key, value=value)


def run_id() -> str:
    """The id of the run that is going on; a new one for a command typed by hand."""
    current = _run_id.get()
    if current is None:
        current = uuid.uuid4().hex
        _run_id.set(current)
    return current


def job_name() -> str:
    """The job that the run is of; empty for a command typed by hand, and where nobody tells."""
    return _job.get()
