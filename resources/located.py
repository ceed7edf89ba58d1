"""YAML as plain data that remembers on which line each key and each list item stands."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from feature_store.errors import Misuse, StorageError

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


class InvalidBundle(Misuse):
    """The bundle's files contradict the format or each other; all problems found are in the message."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(sorted(problems, key=_position)))
        lines = [str(problem) for problem in self.problems]
        several = "\n  ".join([f"{len(lines)} problems in the bundle:", *lines])
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
    InvalidBundle
        If it is not YAML, not a mapping, or names a key twice.
    StorageError
        If it cannot be read.
    """
    try:
        content = YAML(typ="rt").load(io.StringIO(file.read_text(encoding="utf-8")))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidBundle([Problem(Place(shown_as, line), f"not valid YAML: {error.problem}")]) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise InvalidBundle([Problem(Place(shown_as, 1), f"not valid YAML: {' '.join(str(error).split())}")]) from None
    except OSError as error:
        raise StorageError(f"{shown_as} cannot be read: {error.strerror}.") from None
    document = Document(places={(): Place(shown_as, 1)})
    plain = _plain(content, (), document.places, shown_as)
    if plain is not None and not isinstance(plain, dict):
        raise InvalidBundle([Problem(Place(shown_as, 1), "a mapping (`key: value` lines) is expected at the top")])
    document.data = plain or {}
    return document


def merge(into: Document, other: Document) -> list[Problem]:
    """Add ``other``'s keys to ``into``; what both define is a problem, and the first stays."""
    before = dict(into.places)
    into.places |= {path: place for path, place in other.places.items() if path not in before}
    problems = []
    for path in _merged(into.data, other.data, ()):
        name = ".".join(str(part) for part in path)
        problems.append(Problem(other.place(path), f"{name} is defined twice; the other is in {before.get(path)}"))
    return problems


def _merged(into: dict[str, Data], new: dict[str, Data], path: KeyPath) -> Iterator[KeyPath]:
    """Add ``new`` to ``into`` down to single resources, variables and targets; yield what both have."""
    for key, value in new.items():
        old = into.setdefault(key, value)
        if isinstance(old, dict) and isinstance(value, dict) and old is not value and len(path) < 2:
            yield from _merged(old, value, (*path, key))
        elif old is not value:
            yield (*path, key)


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
