"""Databricks' rules for whether a task runs, and for what a job's run came to: pure functions of states.

- A dependency on a condition task's other branch excludes the task, whatever its ``run_if`` says.
- Excluded tasks are skipped and count as successful; if all dependencies are excluded, so is the task.
- A ``run_if`` that waits for success ends in UPSTREAM_FAILED when unmet, one that handles failure in EXCLUDED.
- A job's run is what its leaf tasks are: failed if one failed, otherwise successful.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from feature_store.errors import Misuse
from resources.models import BaseTask, ConditionTask, Task


class State(StrEnum):
    """How a task or a job's run ended, in Databricks' words, or that it has not; KILLED is ours: nobody wrote an end."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    SUCCESS_WITH_FAILURES = "SUCCESS_WITH_FAILURES"
    KILLED = "KILLED"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (State.PENDING, State.QUEUED, State.RUNNING)

    @property
    def is_failure(self) -> bool:
        """Whether what depends on it cannot count on it."""
        return self.has_ended and self not in (State.SUCCESS, State.EXCLUDED, State.SUCCESS_WITH_FAILURES)

    @property
    def failed_itself(self) -> bool:
        """Whether the cause lies in it, not in what came before."""
        return self in (State.FAILED, State.TIMEDOUT, State.CANCELED, State.KILLED)


@dataclass(frozen=True)
class Ended:
    """How a dependency ended: its state, and its outcome if it was a condition."""

    state: State
    outcome: str | None = None


NUMERIC = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}
SIGNS = {
    "EQUAL_TO": "==",
    "NOT_EQUAL": "!=",
    "GREATER_THAN": ">",
    "GREATER_THAN_OR_EQUAL": ">=",
    "LESS_THAN": "<",
    "LESS_THAN_OR_EQUAL": "<=",
}


def skipped(task: BaseTask, ended: Mapping[str, Ended]) -> State | None:
    """The state of a task that must not run given how its dependencies ended; ``None`` if it runs."""
    if not task.depends_on:
        return None
    unmet = [
        ended[one.task_key] for one in task.depends_on if one.outcome and ended[one.task_key].outcome != one.outcome
    ]
    if unmet:
        return State.UPSTREAM_FAILED if any(one.state.is_failure for one in unmet) else State.EXCLUDED
    states = [ended[one.task_key].state for one in task.depends_on]
    if all(state is State.EXCLUDED for state in states):
        return State.EXCLUDED
    return _unmet_run_if(task.run_if, [state.is_failure for state in states])


def _unmet_run_if(run_if: str, failures: Sequence[bool]) -> State | None:
    match run_if:
        case "ALL_DONE":
            return None
        case "ALL_FAILED":
            return None if all(failures) else State.EXCLUDED
        case "AT_LEAST_ONE_FAILED":
            return None if any(failures) else State.EXCLUDED
        case "AT_LEAST_ONE_SUCCESS":
            return State.UPSTREAM_FAILED if all(failures) else None
    # ALL_SUCCESS and NONE_FAILED differ only in what they call an excluded dependency.
    return State.UPSTREAM_FAILED if any(failures) else None


def holds(condition: ConditionTask, left: str, right: str) -> bool:
    """Whether a condition holds: ``==`` and ``!=`` compare text ("12.0" is not "12"), the others numbers.

    Raises
    ------
    Misuse
        If numbers are to be compared and one is none.
    """
    if condition.op in ("EQUAL_TO", "NOT_EQUAL"):
        return (left == right) is (condition.op == "EQUAL_TO")
    try:
        return bool(NUMERIC[condition.op](float(left), float(right)))
    except ValueError:
        raise Misuse(f"{condition.op} compares numbers, not {left!r} and {right!r}.") from None


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """``tasks`` so that each comes after what it depends on, otherwise as written; a cycle is left out."""
    ordered: list[Task] = []
    placed: set[str] = set()
    waiting = list(tasks)
    while ready := next((task for task in waiting if placed >= {one.task_key for one in task.depends_on}), None):
        waiting.remove(ready)
        ordered.append(ready)
        placed.add(ready.task_key)
    return ordered


def upstream(key: str, tasks: Iterable[Task]) -> set[str]:
    """The keys of all tasks that have ended when the task ``key`` starts."""
    parents = {one.task_key: {dependency.task_key for dependency in one.depends_on} for one in tasks}
    found: set[str] = set()
    waiting = parents.get(key, set())
    while waiting:
        found |= waiting
        waiting = {key for parent in waiting for key in parents.get(parent, ())} - found
    return found


def downstream(keys: Iterable[str], tasks: Iterable[Task]) -> set[str]:
    """``keys`` and the keys of all tasks that depend on them, directly or not."""
    found = set(keys)
    for task in in_order([*tasks]):
        if any(one.task_key in found for one in task.depends_on):
            found.add(task.task_key)
    return found


def job_state(tasks: Iterable[Task], states: Mapping[str, State]) -> State:
    """What a run came to, given how all of its tasks ended."""
    inner = {one.task_key for task in tasks for one in task.depends_on}
    if any(state.is_failure for key, state in states.items() if key not in inner):
        return State.FAILED
    return State.SUCCESS_WITH_FAILURES if any(state.is_failure for state in states.values()) else State.SUCCESS
