"""What ``${var.…}`` stands for: as given, by the environment, by the target, or by default, in that order."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from feature_store.errors import suggestion
from feature_store.yaml_files import Data, Document, KeyPath, Problem
from resources.settings import BundleFile, Variable
from resources.substitution import Awaited
from resources.validation import parse


@dataclass(frozen=True)
class MissingValue(Problem):
    """A variable to which nobody has given a value."""

    variable: str


def variable_values(
    file: BundleFile, target: str, given: Mapping[str, str], document: Document
) -> tuple[dict[str, Data], list[Problem]]:
    """Each variable's value in the target, and what is wrong with what is said of them."""
    problems, values = [], dict[str, Data]()
    for name in [*file.targets[target].variables, *given]:
        if name not in file.variables:
            place = None if name in given else document.place(("targets", target, "variables", name))
            problems.append(Problem(place, f"variable {name!r} is not declared. {suggestion(name, file.variables)}"))
    for name, declared in file.variables.items():
        of_target, found = _of_target(name, declared, target, document)
        problems += found
        options = [
            given.get(name),
            os.environ.get(f"BUNDLE_VAR_{name}"),
            of_target,
            _default(_at(document.data, ("variables", name)), declared),
        ]
        value = next((option for option in options if option is not None), None)
        if value is None and not found:
            about = f" ({declared.description})" if declared and declared.description else ""
            text = f"variable {name}{about} has no value; give it with --var {name}=…"
            problems.append(MissingValue(document.place(("variables", name)), text, name))
        values[name] = Awaited(f"${{var.{name}}}") if value is None else value
    return values, problems


def _of_target(name: str, declared: Variable | None, target: str, document: Document) -> tuple[Data, list[Problem]]:
    """What the target says of the variable: a value, or a mapping that defines it anew."""
    path: KeyPath = ("targets", target, "variables", name)
    said = _at(document.data, path)
    is_complex = declared is not None and declared.type == "complex"
    if not isinstance(said, dict) or (is_complex and not _is_definition(said)):
        return said, []
    definition, problems = parse(Variable, said, at=path, document=document)
    return _default(said, definition), problems


def _is_definition(said: dict[str, Data]) -> bool:
    """Whether a mapping is not a complex variable's value itself."""
    return "default" in said or "lookup" in said or said.get("type") == "complex"


def _default(said: Data, definition: Variable | None) -> Data:
    """The value that a definition has; what is looked up when the bundle is deployed stands here as its name."""
    default = said.get("default") if isinstance(said, dict) else None
    return default if default is not None or not definition or not definition.lookup else definition.lookup.name


def _at(data: Data, path: KeyPath) -> Data:
    for part in path:
        data = data.get(str(part)) if isinstance(data, dict) else None
    return data
