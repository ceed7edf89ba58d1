"""What is looked at in every resource, of whatever kind: types, references, schedules, files, and that no key is used twice."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from feature_store.yaml_files import Data, Document, KeyPath, Problem
from resources.apps import app_problems
from resources.schedules import cron_problem, zone_problem
from resources.substitution import substitute
from resources.vendor import typed
from resources.wheels import wheel_problems

_CRONS = ("quartz_cron_expression", "quartz_cron_schedule")
_FILES = {"file_path": ("dashboards", "alerts"), "source_code_path": ("apps",)}
"""Keys that name a file or folder, relative to the file that says so, and the kinds of resources that have them."""


def resource_problems(document: Document, known: Mapping[str, Data], root: Path, wheels: list[str]) -> list[Problem]:
    """Everything that is wrong with single resources; references in jobs are reported where jobs are read."""
    problems: list[Problem] = []
    kinds: dict[str, str] = {}
    # The platform makes numbers or texts of them, as the place needs.
    no_ids = {name: value for name, value in known.items() if not name.endswith(".id")}
    for kind, key, entry in _resources(document):
        path: KeyPath = ("resources", kind, key)
        if key in kinds:
            text = f"the key {key!r} is that of one of the {kinds[key]}, too; keys are unique across all kinds"
            problems.append(Problem(document.place(path), text))
        kinds.setdefault(key, kind)
        problems += substitute(entry, known, at=path, document=document)[1] if kind != "jobs" else []
        data, _ = substitute(entry, no_ids, at=path, document=document)
        said = [*typed(kind, key, data), *_schedules(data, ()), *_files(kind, data, document, path, root)]
        said += app_problems(key, data) if kind == "apps" else []
        said += wheel_problems(f"{kind}.{key}", data, at=path, document=document, root=root, wheels=wheels)
        if isinstance(data, dict) and data.get("name") == "":
            said.append((("name",), f"name of {kind}.{key} is empty"))
        problems += [Problem(document.place((*path, *inside)), text) for inside, text in said]
    return problems


def _resources(document: Document) -> Iterator[tuple[str, str, Data]]:
    resources = document.data.get("resources")
    for kind, entries in resources.items() if isinstance(resources, dict) else ():
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            yield kind, key, entry


def _schedules(data: Data, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from _schedules(item, (*path, index))
    for key, value in data.items() if isinstance(data, dict) else ():
        said = None
        if isinstance(value, str) and "${" not in value:
            said = cron_problem(value) if key in _CRONS else zone_problem(value) if key == "timezone_id" else None
        if said:
            yield (*path, key), said
        yield from _schedules(value, (*path, key))


def _files(kind: str, data: Data, document: Document, path: KeyPath, root: Path) -> Iterator[tuple[KeyPath, str]]:
    for key, kinds in _FILES.items():
        named = data.get(key) if isinstance(data, dict) and kind in kinds else None
        place = document.place((*path, key))
        if isinstance(named, str) and "${" not in named and not named.startswith("/") and place:
            folder = (root / place.file).parent
            if not (folder / named).exists():
                yield (key,), f"{key} names {named!r}, and there is no such file or folder beside {place.file}"
