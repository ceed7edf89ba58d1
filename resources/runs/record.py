"""One run of a job or task as it goes on, the runs inside it, and the same as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from feature_store.job import TaskValue
from resources.references import TaskFacts
from resources.states import State

Path: TypeAlias = tuple[str, ...]
Json: TypeAlias = dict[str, object]


@dataclass
class Run:
    """A job's or task's run; the runner changes it while it goes on, everybody else only looks.

    ``path`` leads to it from the outermost job. ``attempts`` counts all executions, those before a repair included;
    ``earlier`` is how each but the last ended. ``item`` is a loop's item, written as JSON. ``job_run_id`` is the run of
    the job that the task called, under which that job's commands commit. ``seconds`` do not count those ``waited`` for a
    place to run in.
    """

    path: Path
    kind: str = ""
    state: State = State.PENDING
    run_id: str = ""
    job_run_id: str = ""
    started_at: datetime | None = None
    seconds: float = 0.0
    message: str = ""
    outcome: str | None = None
    values: Mapping[str, TaskValue] = field(default_factory=dict)
    attempts: int = 0
    earlier: list[Json] = field(default_factory=list)
    item: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    step: str = ""
    waited: float = 0.0
    inner: "list[Run]" = field(default_factory=list)

    @property
    def key(self) -> str:
        """Its own name: a job's or task's key, of a loop's iteration with the item."""
        return self.path[-1]

    @property
    def succeeded(self) -> bool:
        """Whether what waits for it may go on."""
        return self.state.has_ended and not self.state.is_failure

    @property
    def facts(self) -> TaskFacts:
        """What the tasks after this one can ask about it."""
        return TaskFacts(self.state, self.run_id, self.attempts, self.values)

    def note_attempt(self) -> None:
        """Keep how the last attempt ended, before another one or a repair."""
        if self.attempts:
            self.earlier.append({
                "attempt": self.attempts, "state": self.state.value, "message": self.message,
                "started_at": _written(self.started_at), "seconds": round(self.seconds, 3),
            })  # fmt: skip

    def give_up(self) -> None:
        """What runs inside was stopped from outside; what has not begun never will."""
        for run in self.inner:
            run.give_up()
            if run.state is State.PENDING:
                run.state = State.UPSTREAM_CANCELED
            elif not run.state.has_ended:
                run.state = State.CANCELED

    def walk(self) -> "Iterator[Run]":
        """It and all runs inside it."""
        yield self
        for run in self.inner:
            yield from run.walk()

    def failures(self) -> "Iterator[Run]":
        """The innermost runs that failed by themselves."""
        inside = [failed for run in self.inner for failed in run.failures()]
        if self.state.failed_itself and not inside:
            yield self
        yield from inside

    def to_json(self) -> Json:
        """What is kept of it; what is empty is left out."""
        whole: Json = {
            "key": self.key, "kind": self.kind, "state": self.state.value, "run_id": self.run_id,
            "job_run_id": self.job_run_id, "started_at": _written(self.started_at), "seconds": round(self.seconds, 3),
            "message": self.message, "outcome": self.outcome, "values": dict(self.values), "attempts": self.attempts,
            "earlier": self.earlier, "item": self.item, "parameters": dict(self.parameters), "command": self.command,
            "tasks": [run.to_json() for run in self.inner],
        }  # fmt: skip
        return {
            key: value for key, value in whole.items() if key in ("key", "state") or value not in ("", None, 0, {}, [])
        }

    @classmethod
    def from_json(cls, data: Json, above: Path = ()) -> "Run":
        """The run that :meth:`to_json` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it did not.
        """
        known = {**data}
        path = (*above, str(known.pop("key")))
        started, tasks = known.pop("started_at", None), known.pop("tasks", [])
        if not isinstance(tasks, list):
            raise TypeError(f"tasks of {path} are no list")
        # An iteration stands in the place of its loop.
        inner = [cls.from_json(task, path[:-1] if "item" in task else path) for task in tasks]
        state = State(str(known.pop("state")))
        began = datetime.fromisoformat(str(started)) if started else None
        return cls(path, state=state, started_at=began, inner=inner, **known)  # type: ignore[arg-type]


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
