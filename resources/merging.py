"""The bundle's files, put together: what two of them define is a problem."""

from collections.abc import Iterator

from feature_store.yaml_files import Data, Document, KeyPath, Problem


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
