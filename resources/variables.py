"""What ``${var.…}`` stands for: as given, by the environment, the target's file of values, the target, or by default, in that order."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feature_store.errors import StorageError, suggestion
from feature_store.yaml_files import Data, Document, KeyPath, Place, Problem
from resources.settings import BundleFile, Variable
from resources.substitution import Awaited
from resources.validation import parse

OVERRIDES = ".databricks/bundle/{target}/variable-overrides.json"
"""Values of one machine, as Databricks' command line reads them: a JSON object, by variable."""


@dataclass(frozen=True)
class MissingValue(Problem):
    """A variable to which nobody has given a value."""

    variable: str


def variable_values(
    file: BundleFile, target: str, given: Mapping[str, str], document: Document, root: Path
) -> tuple[dict[str, Data], list[Problem]]:
    """Each variable's value in the target of the bundle at ``root``, and what is wrong with what is said of them.

    Raises
    ------
    StorageError
        If the target's file of values is there and cannot be read.
    """
    shown_as = OVERRIDES.format(target=target)
    overrides, problems = _overrides(root / shown_as, shown_as)
    values = dict[str, Data]()
    for name in overrides:
        if name not in file.variables:
            text = f"{shown_as}: variable {name!r} is not declared. {suggestion(name, file.variables)}"
            problems.append(Problem(None, text))
    for name in [*file.targets[target].variables, *given]:
        if name not in file.variables:
            place = None if name in given else document.place(("targets", target, "variables", name))
            problems.append(Problem(place, f"variable {name!r} is not declared. {suggestion(name, file.variables)}"))
    for name, declared in file.variables.items():
        of_target, found = _of_target(name, declared, target, document)
        problems += found
        if overrides.get(name) is not None:
            said = _at(document.data, ("targets", target, "variables", name))
            refusal = _refusal(name, overrides[name], declared, said)
            problems += [Problem(None, f"{shown_as}: {refusal}")] if refusal else []
        options = [
            given.get(name),
            os.environ.get(f"BUNDLE_VAR_{name}"),
            overrides.get(name),
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


def _overrides(path: Path, shown_as: str) -> tuple[dict[str, Data], list[Problem]]:
    """The values in the file; none if it is not there."""
    try:
        read = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise StorageError(f"{shown_as} cannot be read: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        return {}, [Problem(Place(shown_as, error.lineno), f"not valid JSON: {error.msg}")]
    except UnicodeDecodeError as error:
        return {}, [Problem(Place(shown_as, 1), f"not valid JSON: {error.reason}")]
    if not isinstance(read, dict):
        return {}, [Problem(Place(shown_as, 1), 'a JSON object is expected: {"variable": "value"}')]
    return read, []


def _refusal(name: str, value: Data, declared: Variable | None, of_target: Data) -> str:
    """Why Databricks' command line does not take the value from the file; empty if it does."""
    definition = of_target if isinstance(of_target, dict) and _is_definition(of_target) else None
    looked_up = "lookup" in definition if definition else declared and declared.lookup and of_target is None
    if looked_up:
        return f"variable {name} is looked up, and its value here is not used. Give it with --var {name}=… or as BUNDLE_VAR_{name}."
    is_complex, has_parts = declared is not None and declared.type == "complex", isinstance(value, dict | list)
    if is_complex and not has_parts:
        return f"variable {name} is of type complex, and its value here is neither an object nor a list"
    if has_parts and not is_complex:
        return f"variable {name} is not of type complex, and its value here is an object or a list"
    return ""


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
