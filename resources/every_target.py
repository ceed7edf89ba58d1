"""All targets of a bundle checked at once; what is wrong in all of them is said once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from feature_store.errors import listed
from feature_store.yaml_files import InvalidFile, Problem
from resources.bundle import Bundle, bundle_of_target, find_root, read_files
from resources.checks import check
from resources.entry_points import EntryPoints, installed_entry_points
from resources.variables import MissingValue


@dataclass(frozen=True)
class CheckedTarget:
    """The bundle as a target has it, and the variables that are still to be given."""

    bundle: Bundle
    demanded: tuple[str, ...]

    def __str__(self) -> str:
        still = f" Still to be given there: {listed(self.demanded)}." if self.demanded else ""
        return f"{self.bundle.contents} in target {self.bundle.target}: nothing is wrong with them.{still}"


def checked_targets(
    start: Path, *, variables: Mapping[str, str], entry_points: EntryPoints = installed_entry_points
) -> list[CheckedTarget]:
    """Every target of the bundle at or above ``start``, in which nothing is wrong.

    What a target demands and nobody has given is no fault of the bundle, but in the default target.

    Raises
    ------
    InvalidFile
        With everything that is wrong in any of them.
    """
    files = read_files(find_root(start))
    checked: list[CheckedTarget] = []
    found: dict[Problem, list[str]] = {}
    for target in files.settings.targets:
        bundle, problems = bundle_of_target(files, target, variables)
        demanded = [one for one in problems if isinstance(one, MissingValue) and target != files.default_target]
        checked.append(CheckedTarget(bundle, tuple(one.variable for one in demanded)))
        faults = [one for one in [*problems, *check(bundle, entry_points)] if one not in demanded]
        of_any = [replace(one, text=one.text.replace(f"targets.{target}.", "")) for one in faults]
        for problem in dict.fromkeys(of_any):
            found.setdefault(problem, []).append(target)
    if found:
        raise InvalidFile([_said_where(problem, targets, len(checked)) for problem, targets in found.items()])
    return checked


def _said_where(problem: Problem, targets: list[str], of: int) -> Problem:
    """The problem, and the targets that have it if not all do."""
    if len(targets) == of:
        return problem
    return replace(problem, text=f"{problem.text} (in target{'s' * (len(targets) > 1)} {listed(targets)})")
