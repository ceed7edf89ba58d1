"""``{{…}}``: what a run fills in when a task starts (parameters, task values, the item of a loop).

Databricks takes an unknown reference for plain text, unless it begins like a known one; here it is always an error, so
that a typo does not reach a command line.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from feature_store.errors import Misuse, NotFound, suggestion
from feature_store.job import TaskValue

REFERENCE = re.compile(r"\{\{(.*?)\}\}")
Kind: TypeAlias = Literal["parameter", "value", "task", "item", "time", "fixed"]
NAME = r"(?:`(?P<{0}_quoted>[^`]+)`|(?P<{0}>\w+))"
FIXED = ("job.id", "job.name", "job.run_id", "job.repair_count", "task.name", "task.run_id", "task.execution_count")
TIMES = ("job.start_time", "job.trigger.time")
TIME_FORMS = (
    "iso_date", "iso_datetime", "timestamp_ms", "year", "month", "day", "hour", "minute", "second", "iso_weekday",
    "is_weekday",
)  # fmt: skip
TASK_FIELDS = ("result_state", "run_id", "execution_count")
FORMS: dict[Kind, re.Pattern[str]] = {
    "parameter": re.compile(rf"job\.parameters\.{NAME.format('name')}"),
    "value": re.compile(rf"tasks\.{NAME.format('name')}\.values\.{NAME.format('field')}"),
    "task": re.compile(rf"tasks\.{NAME.format('name')}\.(?P<field>\w+)"),
    "item": re.compile(rf"input(?:\.{NAME.format('field')})?"),
    "time": re.compile(r"(?P<name>job\.start_time|job\.trigger\.time)\.(?P<field>\w+)"),
    "fixed": re.compile(r"(?P<name>[\w.]+)"),
}


@dataclass(frozen=True)
class Reference:
    """One ``{{…}}``, taken apart."""

    text: str
    kind: Kind
    name: str = ""
    field: str = ""

    def __str__(self) -> str:
        return f"{{{{{self.text}}}}}"


class _NoItem:
    """Outside a loop."""


NO_ITEM = _NoItem()


@dataclass(frozen=True)
class TaskFacts:
    """What later tasks can ask about one that has ended."""

    state: str
    run_id: str
    attempts: int
    values: Mapping[str, TaskValue]


@dataclass(frozen=True)
class Scope:
    """Where references are looked up while a task runs."""

    fixed: Mapping[str, object]
    times: Mapping[str, datetime]
    parameters: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, TaskFacts] = field(default_factory=dict)
    item: object = NO_ITEM


def references(text: str) -> list[Reference]:
    """All references in ``text``.

    Raises
    ------
    NotFound
        If one has no form that a run could fill in.
    """
    return [_parsed(inner) for inner in REFERENCE.findall(text)]


def _parsed(inner: str) -> Reference:
    for kind, form in FORMS.items():
        if not (match := form.fullmatch(inner)):
            continue
        groups = match.groupdict()
        parts = {key: groups.get(key) or groups.get(f"{key}_quoted") or "" for key in ("name", "field")}
        reference = Reference(inner, kind, name=parts["name"], field=parts["field"])
        if _exists(reference):
            return reference
    examples = [*FIXED, "job.parameters.<name>", "tasks.<task>.values.<key>", "input", "input.<key>"]
    examples += [f"{time}.{form}" for time in TIMES for form in TIME_FORMS[:2]]
    examples += [f"tasks.<task>.{field}" for field in TASK_FIELDS]
    raise NotFound(f"{{{{{inner}}}}} refers to nothing. {suggestion(inner, examples)}")


def _exists(reference: Reference) -> bool:
    options: dict[str, tuple[str, ...]] = {"task": TASK_FIELDS, "time": TIME_FORMS}
    if reference.kind == "fixed":
        return reference.name in FIXED
    return reference.field in options.get(reference.kind, (reference.field,))


def fill(text: str, scope: Scope) -> str:
    """``text`` with every reference replaced by its value as text.

    Raises
    ------
    NotFound
        If a value was never set.
    """
    found = iter(references(text))
    return REFERENCE.sub(lambda _: as_text(value_of(next(found), scope)), text)


def operand(text: str, scope: Scope) -> str:
    """One side of a condition: like :func:`fill`, but a task value in it must be text, a number or a boolean."""
    for reference in references(text):
        value = value_of(reference, scope) if reference.kind == "value" else None
        if isinstance(value, list | dict):
            raise Misuse(f"{reference} is a {type(value).__name__}; a condition compares text, numbers and booleans.")
    return fill(text, scope)


def as_text(value: object) -> str:
    """As a command line or a condition sees it: text as it is, everything else as JSON (``true``, ``3``)."""
    return value if isinstance(value, str) else json.dumps(value)


def value_of(reference: Reference, scope: Scope) -> object:
    """The value of one reference.

    Raises
    ------
    NotFound
        If there is none.
    """
    match reference.kind:
        case "fixed":
            return _named(reference, scope.fixed, "this run knows no such value")
        case "parameter":
            return _named(reference, scope.parameters, f"the job has no parameter {reference.name!r}")
        case "time":
            return _moment(scope.times[reference.name], reference.field)
        case "item":
            return _item(reference, scope.item)
    facts = scope.tasks.get(reference.name)
    if facts is None:
        raise NotFound(f"{reference}: task {reference.name!r} has not run before this one.")
    if reference.kind == "task":
        # Databricks writes these states in lower case.
        known = {"result_state": facts.state.lower(), "run_id": facts.run_id, "execution_count": facts.attempts}
        return known[reference.field]
    if reference.field not in facts.values:
        raise NotFound(
            f"{reference}: task {reference.name} ({facts.state}) set no value {reference.field!r}. "
            f"{suggestion(reference.field, facts.values)}"
        )
    return facts.values[reference.field]


def _named(reference: Reference, values: Mapping[str, object], problem: str) -> object:
    if reference.name not in values:
        raise NotFound(f"{reference}: {problem}. {suggestion(reference.name, values)}")
    return values[reference.name]


def _item(reference: Reference, item: object) -> object:
    if item is NO_ITEM:
        raise NotFound(f"{reference} exists only in the task inside a for_each_task.")
    if not reference.field:
        return item
    if not isinstance(item, dict):
        raise NotFound(f"{reference}: the item is {as_text(item)}, which has no keys; write {{{{input}}}}.")
    if reference.field not in item:
        raise NotFound(f"{reference}: the item has no key {reference.field!r}. {suggestion(reference.field, item)}")
    return item[reference.field]


def _moment(moment: datetime, form: str) -> object:
    match form:
        case "iso_date":
            return moment.date().isoformat()
        case "iso_datetime":
            return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
        case "timestamp_ms":
            return int(moment.timestamp() * 1000)
        case "iso_weekday":
            return moment.isoweekday()
        case "is_weekday":
            return moment.isoweekday() <= 5
    return int(getattr(moment, form))


def items(text: str) -> list[object]:
    """The array that a for_each_task's ``inputs`` is.

    Raises
    ------
    Misuse
        If it is not a JSON array.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Misuse(f"inputs of a for_each_task must be a JSON array, not {text!r} ({error}).") from None
    if not isinstance(found, list):
        raise Misuse(f"inputs of a for_each_task must be a JSON array, not {text!r}.")
    return found
