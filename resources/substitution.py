"""``${…}``: what the bundle fills in before anything runs (variables, target, other resources)."""

import os
import re
import zlib
from collections.abc import Iterator, Mapping

from feature_store.errors import NotFound, suggestion
from feature_store.yaml_files import Data, Document, KeyPath, Problem

REFERENCE = re.compile(r"\$\{([A-Za-z][\w.\-]*)\}")

_OUTPUTS = {"apps": ("service_principal_client_id", "service_principal_name", "url")}
"""What the platform alone can tell of a resource that it has made; here the name stands for it."""


class Awaited(str):
    """A reference to what nobody has given yet: it stays as it is, and what it stands for is not judged."""


def is_open(value: object) -> bool:
    """Whether a reference is left in it, so that it cannot be judged as the value that it will be."""
    return isinstance(value, str) and "${" in value


def job_id(key: str) -> int:
    """The number by which jobs refer to each other here, as Databricks gives each deployed job one."""
    return zlib.crc32(key.encode())


def known_values(document: Document, *, target: str, variables: Mapping[str, Data], root: str) -> dict[str, Data]:
    """Everything that ``${…}`` can name, under its full name."""
    bundle = document.data.get("bundle")
    user = os.environ.get("USER", "me")
    known: dict[str, Data] = {
        "bundle.name": bundle.get("name") if isinstance(bundle, dict) else None,
        "bundle.target": target,
        "workspace.current_user.userName": user,
        "workspace.current_user.short_name": user,
        "workspace.current_user.domain_friendly_name": user,
        "workspace.host": "http://localhost",
    }
    known |= {f"workspace.{part}_path": root for part in ("root", "file", "artifact", "resource", "state")}
    known |= {f"var.{name}": value for name, value in variables.items()}
    return known | dict(_resource_values(document.data.get("resources")))


def _resource_values(resources: Data) -> Iterator[tuple[str, Data]]:
    for kind, entries in resources.items() if isinstance(resources, dict) else ():
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            yield f"resources.{kind}.{key}.id", job_id(key) if kind == "jobs" else key
            for output in _OUTPUTS.get(kind, ()):
                yield f"resources.{kind}.{key}.{output}", f"{output} of {key}"
            for field, value in entry.items() if isinstance(entry, dict) else ():
                if not isinstance(value, dict | list):
                    yield f"resources.{kind}.{key}.{field}", value


def substitute(data: Data, known: Mapping[str, Data], *, at: KeyPath, document: Document) -> tuple[Data, list[Problem]]:
    """A copy of ``data`` with every ``${…}`` replaced; what is unknown stays, and is a problem."""
    problems: list[Problem] = []

    def walk(node: Data, path: KeyPath) -> Data:
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(item, (*path, index)) for index, item in enumerate(node)]
        try:
            return expand(node, known)
        except NotFound as error:
            problems.append(Problem(document.place(path), str(error)))
            return node

    return walk(data, at), problems


def expand(node: Data, known: Mapping[str, Data], inside: tuple[str, ...] = ()) -> Data:
    """``node`` with its references replaced; text that is one reference takes the value with its type.

    Raises
    ------
    NotFound
        If a reference names nothing, or leads back to itself.
    """
    if isinstance(node, dict):
        return {key: expand(one, known, inside) for key, one in node.items()}
    if isinstance(node, list):
        return [expand(one, known, inside) for one in node]
    if not isinstance(node, str):
        return node

    def value(name: str) -> Data:
        if name not in known:
            raise NotFound(f"${{{name}}} refers to nothing. {suggestion(name, _alike(name, known))}")
        if name in inside:
            raise NotFound(f"${{{name}}} refers to itself, through {' and '.join(inside)}.")
        if isinstance(known[name], Awaited):
            return known[name]
        return expand(known[name], known, (*inside, name))

    whole = REFERENCE.fullmatch(node)
    return value(whole[1]) if whole else REFERENCE.sub(lambda match: str(value(match[1])), node)


def _alike(name: str, known: Mapping[str, Data]) -> list[str]:
    """The names that begin as ``name`` does and, if there are such, end as it does: the ids of jobs for a job's id."""
    parts = name.split(".")
    begin = [other for other in known if other.split(".")[: len(parts) - 2 or 1] == parts[: len(parts) - 2 or 1]]
    end = [other for other in begin if other.split(".")[-1] == parts[-1]]
    return end or begin or sorted({other.split(".")[0] for other in known})
