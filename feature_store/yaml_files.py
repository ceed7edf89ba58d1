"""YAML that users write: plain data that knows the line of each key, and what pydantic finds wrong in their words."""

import difflib
import functools
import io
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from feature_store.errors import Misuse, StorageError, listed

Data: TypeAlias = "dict[str, Data] | list[Data] | str | int | float | bool | None"
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from one."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file, and where."""

    place: Place | None
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class InvalidFile(Misuse):
    """Files contradict their format or each other; all problems found are in the message."""

    def __init__(self, problems: Sequence[Problem], *, what: str = "the bundle") -> None:
        self.problems = tuple(dict.fromkeys(sorted(problems, key=_position)))
        lines = [str(problem) for problem in self.problems]
        several = "\n  ".join([f"{len(lines)} problems in {what}:", *lines])
        super().__init__(several if len(lines) > 1 else lines[0])


def _position(problem: Problem) -> tuple[str, int]:
    return (problem.place.file, problem.place.line) if problem.place else ("", 0)


@dataclass
class Document:
    """The data of one or more YAML files, and the place of everything in it."""

    data: dict[str, Data] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place | None:
        """Where ``path`` is written, or else the innermost thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return None


def read_yaml(file: Path, *, shown_as: str) -> Document:
    """Read one file whose top level is a mapping.

    Raises
    ------
    InvalidFile
        If it is not YAML, not a mapping, or names a key twice.
    StorageError
        If it cannot be read.
    """
    try:
        content = _loaded(file.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidFile([Problem(Place(shown_as, line), f"not valid YAML: {error.problem}")]) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem(Place(shown_as, 1), f"not valid YAML: {' '.join(str(error).split())}")]) from None
    except OSError as error:
        raise StorageError(f"{shown_as} cannot be read: {error.strerror}.") from None
    document = Document(places={(): Place(shown_as, 1)})
    plain = _plain(content, (), document.places, shown_as)
    if plain is not None and not isinstance(plain, dict):
        raise InvalidFile([Problem(Place(shown_as, 1), "a mapping (`key: value` lines) is expected at the top")])
    document.data = plain or {}
    return document


@functools.lru_cache(maxsize=128)
def _loaded(text: str) -> object:
    """What YAML makes of a text, once: each target of a bundle reads the same files. To read only."""
    return YAML(typ="rt").load(io.StringIO(text))


def _plain(node: object, path: KeyPath, places: dict[KeyPath, Place], file: str) -> Data:
    if isinstance(node, CommentedMap):
        result: dict[str, Data] = {}
        for key, value in node.items():
            name = str(key)
            # A key that came in by a merge key (`<<`) has no line of its own.
            places[(*path, name)] = Place(file, node.lc.key(key)[0] + 1) if key in node.lc.data else places[path]
            result[name] = _plain(value, (*path, name), places, file)
        return result
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            places[(*path, index)] = Place(file, node.lc.item(index)[0] + 1)
        return [_plain(item, (*path, index), places, file) for index, item in enumerate(node)]
    if node is None or isinstance(node, bool):
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node.isoformat() if isinstance(node, date) else str(node)


Model = TypeVar("Model", bound=BaseModel)
KINDS = {
    "string_type": "text (put it in quotes)",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def parse(
    model: type[Model],
    data: Data,
    *,
    at: KeyPath,
    document: Document,
    owner: Callable[[KeyPath], str],
    unknown: Callable[[str, type[BaseModel] | None, str], str] | None = None,
    passed_over: Callable[[object], bool] = lambda value: False,
) -> tuple[Model | None, list[Problem]]:
    """``data``, found ``at`` this path of the document, as ``model``; or everything that is wrong with it.

    ``owner`` is what a person calls the thing at a path, ``unknown`` what to say of a key that the model there does not
    have; problems with values that are ``passed_over`` are left to somebody else, but not those with their keys.
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = [
            Problem(document.place((*at, *detail["loc"])), _text(detail, model, at, owner, unknown or unknown_key))
            for detail in error.errors(include_url=False)
            if detail["type"] == "extra_forbidden" or not passed_over(detail["input"])
        ]
        return None, found


def _text(
    detail: ErrorDetails,
    model: type[BaseModel],
    at: KeyPath,
    owner: Callable[[KeyPath], str],
    unknown: Callable[[str, type[BaseModel] | None, str], str],
) -> str:
    *inside, last = detail["loc"] or ("",)
    where = owner((*at, *inside))
    match detail["type"]:
        case "extra_forbidden":
            return unknown(str(last), _model_at(model, tuple(inside)), where)
        case "missing":
            return f"key {str(last)!r} is missing in {where}"
        case "literal_error" if not isinstance(detail["input"], str):
            return f"{last!s} in {where} must be {KINDS['string_type']}, not {detail['input']!r}"
        case "literal_error":
            options = re.findall(r"'(\w+)'", str(detail["ctx"]["expected"]))
            return f"{last!s} is {detail['input']!r} in {where}; {closest(str(detail['input']), options)}"
        case "value_error":
            return f"{owner((*at, *detail['loc']))} {detail['ctx']['error']}"
        case kind if kind in KINDS:
            hint = ", usually ${resources.jobs.<name>.id}" if last == "job_id" else ""
            return f"{last!s} in {where} must be {KINDS[kind]}{hint}, not {detail['input']!r}"
        case _:
            return f"{last!s} in {where}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def unknown_key(key: str, model: type[BaseModel] | None, where: str) -> str:
    """What to say of a key that the model does not have."""
    return f"unknown key {key!r} in {where}; {closest(key, model.model_fields if model else ())}"


def closest(wrong: str, options: Iterable[str]) -> str:
    """``did you mean a or b?``, or all that it can be."""
    names = sorted(options)
    close = difflib.get_close_matches(wrong, names, n=2) or difflib.get_close_matches(wrong.upper(), names, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"it can be: {listed(names, most=40)}"


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
