"""``databricks.yml`` and the files it includes, read for one target and checked as a whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feature_store.errors import NotFound, suggestion
from feature_store.yaml_files import Data, Document, InvalidFile, KeyPath, Place, Problem, read_yaml
from resources.every_resource import resource_problems
from resources.merging import lay_over, merge, without_other_targets
from resources.models import Job
from resources.settings import BundleFile
from resources.substitution import job_id, known_values, substitute
from resources.validation import parse
from resources.variables import variable_values
from resources.wheels import built_wheels

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

    @property
    def contents(self) -> str:
        """How much there is, in words."""
        jobs, tasks, others = len(self.jobs), sum(len(job.tasks) for job in self.jobs.values()), self.others
        also = f" and {others} other resource{'s' * (others != 1)}" if others else ""
        return f"{jobs} job{'s' * (jobs != 1)} with {tasks} task{'s' * (tasks != 1)}{also}"

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


@dataclass(frozen=True)
class BundleFiles:
    """All files of a bundle put together, before a target is chosen."""

    root: Path
    document: Document
    settings: BundleFile
    problems: tuple[Problem, ...]

    @property
    def default_target(self) -> str | None:
        """The target that is meant where none is named."""
        targets = self.settings.targets
        default = [name for name, target in targets.items() if target.default]
        return (default or list(targets))[0] if len(default) == 1 or len(targets) == 1 else None


def read_files(root: Path) -> BundleFiles:
    """Read the files of the bundle at ``root``.

    Raises
    ------
    InvalidFile
        If they cannot be read as one bundle at all.
    """
    document, problems = _read_all(root)
    settings, found = parse(BundleFile, _settings(document), at=(), document=document)
    if settings is None:
        unresolved = Problem(document.place(()), "a ${…} stands where the bundle's own structure is expected")
        raise InvalidFile([*problems, *_once(found)] or [unresolved])
    return BundleFiles(root, document, settings, tuple(problems))


def load_bundle(
    root: Path, *, target: str | None = None, variables: Mapping[str, str] | None = None
) -> tuple[Bundle, list[Problem]]:
    """Read the bundle at ``root``, with everything that is wrong in its files.

    Raises
    ------
    InvalidFile
        If the files cannot be read as one bundle at all.
    NotFound
        If the target does not exist.
    """
    files = read_files(root)
    return bundle_of_target(files, _target_name(files, target), variables or {})


def bundle_of_target(files: BundleFiles, name: str, variables: Mapping[str, str]) -> tuple[Bundle, list[Problem]]:
    """The bundle as the target has it, with everything that is wrong in it."""
    root, document = files.root, Document(dict(files.document.data), dict(files.document.places))
    lay_over(document, name)
    values, problems = variable_values(files.settings, name, variables, document, root)
    known = known_values(document, target=name, variables=values, root=str(root))
    filled, found = substitute(_settings(document, target=name), known, at=(), document=document)
    _, wrong = parse(BundleFile, filled, at=(), document=document)
    jobs, unread, of_jobs = _jobs(document, known)
    of_resources = resource_problems(document, known, root, built_wheels(filled, document, root))
    problems += [*files.problems, *found, *wrong, *of_jobs]
    problems += [problem for problem in of_resources if not _is_told(problem, of_jobs)]
    return Bundle(files.settings.bundle.name, name, jobs, root, document, frozenset(unread)), problems


def _read_all(root: Path) -> tuple[Document, list[Problem]]:
    document = read_yaml(root / FILE, shown_as=FILE)
    problems: list[Problem] = []
    include = document.data.get("include")
    patterns = [pattern for pattern in include if isinstance(pattern, str)] if isinstance(include, list) else []
    declared = document.data.get("targets")
    targets = [*declared] if isinstance(declared, dict) else []
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        try:
            other = read_yaml(file, shown_as=file.relative_to(root).as_posix())
            problems += [*without_other_targets(other, targets), *merge(document, other)]
        except InvalidFile as error:
            problems += error.problems
    return document, problems


def _once(problems: list[Problem]) -> list[Problem]:
    """Without those that say the same of the same line for another target, which has it by an anchor."""
    said = {(problem.place, re.sub(r"targets\.[^.]+", "targets", problem.text)): problem for problem in problems[::-1]}
    return [*said.values()][::-1]


def _settings(document: Document, target: str | None = None) -> dict[str, Data]:
    """All but the resources; of the targets only this one, if one is named: the others' references are their own."""
    settings = {key: value for key, value in document.data.items() if key != "resources"}
    targets = settings.get("targets")
    if target is not None and isinstance(targets, dict):
        settings["targets"] = {target: targets[target]}
    return settings


def _target_name(files: BundleFiles, asked: str | None) -> str:
    targets = files.settings.targets
    if asked is not None and asked not in targets:
        raise NotFound(f"There is no target {asked!r} in {FILE}. {suggestion(asked, targets)}")
    name = asked or files.default_target
    if name is None:
        raise NotFound(f"Name a target with -t, since {FILE} has no single default. {suggestion('', targets)}")
    return name


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
