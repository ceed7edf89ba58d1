"""The bundle's files, put together: what two of them define is a problem. And what a target changes of the resources."""

from collections.abc import Collection, Iterator

from feature_store.yaml_files import Data, Document, KeyPath, Problem, closest

_NAMES = ("task_key", "environment_key", "job_cluster_key", "name", "key")


def merge(into: Document, other: Document) -> list[Problem]:
    """Add ``other``'s keys to ``into``; what both define is a problem, and the first stays."""
    before = dict(into.places)
    into.places |= {path: place for path, place in other.places.items() if path not in before}
    problems = []
    for path in _merged(into.data, other.data, ()):
        name = ".".join(str(part) for part in path)
        problems.append(Problem(other.place(path), f"{name} is defined twice; the other is in {before.get(path)}"))
    return problems


def without_other_targets(document: Document, declared: Collection[str]) -> list[Problem]:
    """Take out of an included file's targets what is none of those declared: a misspelt name would be one more target.

    Where ``databricks.yml`` itself declares no target, included files may.
    """
    targets = document.data.get("targets")
    if not declared or not isinstance(targets, dict):
        return []
    others = [name for name in targets if name not in declared]
    document.data["targets"] = {name: target for name, target in targets.items() if name in declared}
    return [
        Problem(document.place(("targets", name)), f"databricks.yml has no target {name!r}; {closest(name, declared)}")
        for name in others
    ]


def _merged(into: dict[str, Data], new: dict[str, Data], path: KeyPath) -> Iterator[KeyPath]:
    """Add ``new`` to ``into`` down to single resources, variables and targets; yield what both have."""
    for key, value in new.items():
        if into.get(key) is None:
            into[key] = value
        old = into[key]
        if isinstance(old, dict) and isinstance(value, dict) and old is not value and _is_shared((*path, key)):
            yield from _merged(old, value, (*path, key))
        elif old is not value:
            yield (*path, key)


def _is_shared(path: KeyPath) -> bool:
    """Whether several files may each have a part of the mapping at ``path``: down to single resources, also of a target."""
    return len(path) <= 2 or (path[0] == "targets" and path[2] == "resources" and len(path) <= 4)


def lay_over(document: Document, target: str) -> None:
    """Put what the target says of resources over what all targets have.

    Mappings are joined, lists follow each other, and of two items with the same key (a task's, an environment's, ...) the target's
    is put over the other; anything else is replaced.
    """
    targets = document.data.get("targets")
    own = targets.get(target) if isinstance(targets, dict) else None
    over = own.get("resources") if isinstance(own, dict) else None
    if over is not None:
        path: KeyPath = ("targets", target, "resources")
        document.data["resources"] = _over(document, document.data.get("resources"), over, ("resources",), path)


def _over(document: Document, base: Data, over: Data, at: KeyPath, path: KeyPath) -> Data:
    if path in document.places:
        document.places[at] = document.places[path]
    if isinstance(over, dict):
        known = base if isinstance(base, dict) else {}
        laid = {key: _over(document, known.get(key), value, (*at, key), (*path, key)) for key, value in over.items()}
        return {**known, **laid}
    if isinstance(over, list):
        result = list(base) if isinstance(base, list) else []
        for index, item in enumerate(over):
            position = next((n for n, one in enumerate(result) if _same(one, item)), len(result))
            below = result[position] if position < len(result) else None
            result[position : position + 1] = [_over(document, below, item, (*at, position), (*path, index))]
        return result
    return over


def _same(one: Data, other: Data) -> bool:
    """Whether two items of a list are about the same thing."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return any(name in one and one[name] == other.get(name) for name in _NAMES)
