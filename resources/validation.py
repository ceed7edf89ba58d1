"""What pydantic finds wrong, said in the user's words: the file, the line, the key and the closest names."""

import difflib
import re
import types
import typing
from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from feature_store.errors import listed
from resources.located import Data, Document, KeyPath, Problem
from resources.models import NOT_RUN_HERE, RUNNABLE_TASKS

Model = TypeVar("Model", bound=BaseModel)
KINDS = {
    "string_type": "text (put it in quotes)",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def parse(model: type[Model], data: Data, *, at: KeyPath, document: Document) -> tuple[Model | None, list[Problem]]:
    """``data`` as ``model``, or everything that is wrong with it but for references that were left in it."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = [
            Problem(document.place((*at, *detail["loc"])), _text(detail, model, data, at))
            for detail in error.errors(include_url=False)
            if not _is_unresolved(detail["input"])
        ]
        return None, found


def _is_unresolved(value: object) -> bool:
    """Text with a reference left in it: reported where references are resolved."""
    return isinstance(value, str) and "${" in value


def _text(detail: ErrorDetails, model: type[BaseModel], data: Data, at: KeyPath) -> str:
    *inside, last = detail["loc"] or ("",)
    where = _owner(data, (*at, *inside), at)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(str(last), _model_at(model, tuple(inside)), where)
        case "missing":
            return f"key {str(last)!r} is missing in {where}"
        case "literal_error" if not isinstance(detail["input"], str):
            return f"{last!s} in {where} must be {KINDS['string_type']}, not {detail['input']!r}"
        case "literal_error":
            options = re.findall(r"'(\w+)'", str(detail["ctx"]["expected"]))
            return f"{last!s} is {detail['input']!r} in {where}; {_closest(str(detail['input']), options)}"
        case kind if kind in KINDS:
            hint = ", usually ${resources.jobs.<name>.id}" if last == "job_id" else ""
            return f"{last!s} in {where} must be {KINDS[kind]}{hint}, not {detail['input']!r}"
        case _:
            return f"{last!s} in {where}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _unknown_key(key: str, model: type[BaseModel] | None, where: str) -> str:
    for known, names in NOT_RUN_HERE.items():
        if model and issubclass(model, known) and key in names:
            tasks = f"; it runs {listed(RUNNABLE_TASKS)}" if key.endswith("_task") else ""
            return f"{key!r} in {where} is not something that run-job can execute{tasks}"
    return f"unknown key {key!r} in {where}; {_closest(key, model.model_fields if model else ())}"


def _closest(wrong: str, options: Iterable[str]) -> str:
    names = sorted(options)
    close = difflib.get_close_matches(wrong, names, n=2) or difflib.get_close_matches(wrong.upper(), names, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"it can be: {listed(names, most=40)}"


def _owner(data: Data, path: KeyPath, at: KeyPath) -> str:
    """What a person calls the thing at ``path``: its task if it has one, else its job, else its keys."""
    name, node = (f"job {at[2]}" if at[:2] == ("resources", "jobs") else ""), data
    for part in path[len(at) :]:
        if part == "depends_on":
            break
        node = _child(node, part)
        if isinstance(node, dict) and "task_key" in node:
            name = f"task {node['task_key']}"
    return name or ".".join(str(part) for part in path) or "databricks.yml"


def _child(node: Data, part: str | int) -> Data:
    if isinstance(node, dict) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _model_at(model: type[BaseModel], loc: KeyPath) -> type[BaseModel] | None:
    """The model that describes what is at ``loc`` inside ``model``."""
    annotation: object = model
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            annotation = _without_none(field.annotation) if field else None
        else:
            arguments = typing.get_args(annotation)
            annotation = _without_none(arguments[-1]) if arguments else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _without_none(annotation: object) -> object:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((option for option in typing.get_args(annotation) if option is not type(None)), None)
    return annotation
