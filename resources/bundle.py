"""``databricks.yml`` and the files it includes, read for one target and checked as a whole."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feature_store.errors import NotFound, suggestion
from feature_store.yaml_files import Data, Document, InvalidFile, KeyPath, Place, Problem, read_yaml
from resources.every_resource import resource_problems
from resources.merging import lay_over, merge
from resources.models import BundleFile, Job, Variable
from resources.substitution import job_id, known_values, substitute
from resources.validation import parse

FILE = "databricks.yml"


@dataclass(frozen=True)
class Bundle:
    """The jobs of one target, every ``${…}`` in them filled in."""

    name: str
    target: str
    jobs: Mapping[str, Job]
    root: Path
    document: Document = field(repr=False)
    unread: frozenset[str] = frozenset()

    def job(self, key: str) -> Job:
        """The job of that resource key.

        Raises
        ------
        NotFound
            If there is none.
        """
        if key not in self.jobs:
            raise NotFound(f"There is no job {key!r} in {self.root}/resources. {suggestion(key, self.jobs)}")
        return self.jobs[key]

    @property
    def others(self) -> int:
        """How many resources there are besides jobs."""
        resources = self.document.data.get("resources")
        entries = [one for kind, one in resources.items() if kind != "jobs"] if isinstance(resources, dict) else []
        return sum(len(one) for one in entries if isinstance(one, dict))

    def key_of(self, number: int) -> str | None:
        """The resource key of the job with this id; ``None`` if there is no such job."""
        return next((key for key in (*self.jobs, *self.unread) if job_id(key) == number), None)

    def place(self, *path: str | int) -> Place | None:
        """Where something about the jobs is written."""
        return self.document.place(("resources", "jobs", *path))


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds ``databricks.yml``.

    Raises
    ------
    NotFound
        If there is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise NotFound(f"There is no {FILE} in {start} or above it. Go to the project's folder and try again.")


def load_bundle(
    root: Path, *, target: str | None = None, variables: Mapping[str, str] | None = None
) -> tuple[Bundle, list[Problem]]:
    """Read the bundle at ``root``, with everything that is wrong in its files.

    Raises
    ------
    InvalidFile
        If the files cannot be read as one bundle at all.
    NotFound
        If the target or a variable does not exist.
    """
    document, problems = _read_all(root)
    top = {key: value for key, value in document.data.items() if key != "resources"}
    file, found = parse(BundleFile, top, at=(), document=document)
    if file is None:
        unresolved = Problem(document.place(()), "a ${…} stands where the bundle's own structure is expected")
        raise InvalidFile([*problems, *found] or [unresolved])
    name = _target_name(file, target)
    lay_over(document, name)
    values, found = _variable_values(file, name, variables or {}, document)
    problems += found
    known = known_values(document, target=name, variables=values, root=str(root))
    problems += substitute(top, known, at=(), document=document)[1]
    jobs, unread, found = _jobs(document, known)
    found += [problem for problem in resource_problems(document, known, root) if not _is_told(problem, found)]
    bundle = Bundle(file.bundle.name, name, jobs, root, document, frozenset(unread))
    return bundle, [*problems, *found]


def _read_all(root: Path) -> tuple[Document, list[Problem]]:
    document = read_yaml(root / FILE, shown_as=FILE)
    problems: list[Problem] = []
    include = document.data.get("include")
    patterns = [pattern for pattern in include if isinstance(pattern, str)] if isinstance(include, list) else []
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        try:
            problems += merge(document, read_yaml(file, shown_as=file.relative_to(root).as_posix()))
        except InvalidFile as error:
            problems += error.problems
    return document, problems


def _target_name(file: BundleFile, asked: str | None) -> str:
    if asked is not None:
        if asked not in file.targets:
            raise NotFound(f"There is no target {asked!r} in {FILE}. {suggestion(asked, file.targets)}")
        return asked
    default = [name for name, target in file.targets.items() if target.default]
    if len(default) == 1 or len(file.targets) == 1:
        return (default or list(file.targets))[0]
    raise NotFound(f"Name a target with -t, since {FILE} has no single default. {suggestion('', file.targets)}")


def _variable_values(
    file: BundleFile, target: str, given: Mapping[str, str], document: Document
) -> tuple[dict[str, Data], list[Problem]]:
    """Each variable's value: as given, from BUNDLE_VAR_<name>, from the target, or its default, in that order."""
    problems, values = [], dict[str, Data]()
    for name in [*file.targets[target].variables, *given]:
        if name not in file.variables:
            place = None if name in given else document.place(("targets", target, "variables", name))
            problems.append(Problem(place, f"variable {name!r} is not declared. {suggestion(name, file.variables)}"))
    for name, declared in file.variables.items():
        options = [
            given.get(name),
            os.environ.get(f"BUNDLE_VAR_{name}"),
            _value(document.data, ("targets", target, "variables", name)),
            _value(document.data, ("variables", name, "default")),
            _looked_up(declared),
        ]
        value = next((option for option in options if option is not None), None)
        if value is None:
            about = f" ({declared.description})" if declared and declared.description else ""
            place = document.place(("variables", name))
            problems.append(Problem(place, f"variable {name}{about} has no value; give it with --var {name}=…"))
        values[name] = "" if value is None else value
    return values, problems


def _looked_up(declared: Variable | None) -> str | None:
    """What stands for the id of something that is looked up by its name when the bundle is deployed."""
    return next((str(name) for name in (declared.lookup or {}).values()), None) if declared else None


def _value(data: Data, path: KeyPath) -> Data:
    """What stands at ``path``; a mapping with ``default`` in a target's variables counts as that default."""
    for part in path:
        data = data.get(str(part)) if isinstance(data, dict) else None
    return data.get("default") if isinstance(data, dict) and path[0] == "targets" else data


def _is_told(problem: Problem, others: list[Problem]) -> bool:
    """Whether something is told of the same line already."""
    return any(problem.place is not None and problem.place == other.place for other in others)


def _jobs(document: Document, known: Mapping[str, Data]) -> tuple[dict[str, Job], list[str], list[Problem]]:
    resources = document.data.get("resources")
    entries = resources.get("jobs") if isinstance(resources, dict) else None
    if entries is not None and not isinstance(entries, dict):
        raise InvalidFile([Problem(document.place(("resources", "jobs")), "resources.jobs must be a mapping")])
    jobs: dict[str, Job] = {}
    unread: list[str] = []
    problems: list[Problem] = []
    for key, entry in (entries or {}).items():
        path: KeyPath = ("resources", "jobs", key)
        data, found = substitute(entry, known, at=path, document=document)
        job, wrong = parse(Job, data, at=path, document=document)
        problems += [*found, *wrong]
        if job is None or found:
            unread.append(key)
        if job is not None:
            jobs[key] = job
    return jobs, unread, problems
