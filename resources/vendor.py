"""Each resource held against the vendor's own model of its kind, from the package databricks-bundles; without a workspace.

The vendor's ``bundle validate`` warns of unknown fields and wrong types; here they are problems, with their line and the
closest names.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from importlib import import_module

from feature_store.errors import Misuse
from feature_store.yaml_files import Data, KeyPath, closest

KINDS = {
    "alerts": "Alert",
    "apps": "App",
    "clusters": "Cluster",
    "dashboards": "Dashboard",
    "experiments": "MlflowExperiment",
    "jobs": "Job",
    "model_serving_endpoints": "ModelServingEndpoint",
    "models": "MlflowModel",
    "pipelines": "Pipeline",
    "quality_monitors": "QualityMonitor",
    "registered_models": "RegisteredModel",
    "schemas": "Schema",
    "secret_scopes": "SecretScope",
    "sql_warehouses": "SqlWarehouse",
    "volumes": "Volume",
}
"""The kinds of resources, and what the vendor's models of them are called."""
_PLAIN = {str: "text (put it in quotes)", bool: "true or false", int: "a whole number", float: "a number"}
Found = Iterator[tuple[KeyPath, str]]


def typed(kind: str, key: str, data: Data) -> Found:
    """What is wrong with a resource, and where in it; references that are not filled in are passed over."""
    if kind not in KINDS:
        yield (), f"unknown kind of resources {kind!r}; {closest(kind, KINDS)}"
        return
    yield from _of(_model(kind), data, (), f"{kind}.{key}")


def _model(kind: str) -> type:
    try:
        module = import_module(f"databricks.bundles.{kind}")
    except ImportError as error:
        raise Misuse(
            f"Resources are checked by the vendor's models, which cannot be imported ({error}). "
            "Install them: pip install 'feature-pipelines[local]'."
        ) from error
    model: type = getattr(module, KINDS[kind])
    return model


@cache
def _hints(model: type) -> Mapping[str, object]:
    return typing.get_type_hints(model)


def _of(hint: object, value: Data, path: KeyPath, where: str) -> Found:
    """The problems of ``value``, which is to be of the type ``hint``."""
    if isinstance(value, str) and "${" in value:
        return
    options = [one for one in _options(hint) if not _is_variable(one)]
    if value is None:
        if type(None) not in options:
            yield path, f"{_name(path)} in {where} has no value"
        return
    options = [one for one in options if one is not type(None)]
    if typing.Any in options or not options:
        return
    [option] = options[:1]
    origin, arguments = typing.get_origin(option), typing.get_args(option)
    if origin is list:
        if not isinstance(value, list):
            yield path, f"{_name(path)} in {where} must be a list, not {value!r}"
        else:
            for index, item in enumerate(value):
                yield from _of(arguments[0], item, (*path, index), where)
    elif origin is dict:
        if not isinstance(value, dict):
            yield path, f"{_name(path)} in {where} must be a mapping, not {value!r}"
        else:
            for name, item in value.items():
                yield from _of(arguments[1], item, (*path, name), where)
    elif isinstance(option, type):
        yield from _of_class(option, value, path, where)


def _of_class(option: type, value: Data, path: KeyPath, where: str) -> Found:
    if is_dataclass(option):
        yield from _of_model(option, value, path, where)
    elif issubclass(option, Enum):
        known = [str(one.value) for one in option]
        if value not in known:
            yield path, f"{_name(path)} is {value!r} in {where}; {closest(str(value), known)}"
    elif option in _PLAIN:
        is_plain = isinstance(value, option) and not (option is int and isinstance(value, bool))
        is_whole = option is float and isinstance(value, int) and not isinstance(value, bool)
        if not is_plain and not is_whole:
            yield path, f"{_name(path)} in {where} must be {_PLAIN[option]}, not {value!r}"


def _of_model(option: type, value: Data, path: KeyPath, where: str) -> Found:
    if not isinstance(value, dict):
        yield path, f"{_name(path)} in {where} must be a mapping, not {value!r}"
        return
    inside = f"{_name(path)} of {where}" if path else where
    hints = _hints(option)
    for name, item in value.items():
        if name not in hints:
            yield (*path, name), f"unknown key {name!r} in {inside}; {closest(name, hints)}"
        else:
            yield from _of(hints[name], item, (*path, name), where)
    for one in fields(option):
        if one.default is MISSING and one.default_factory is MISSING and one.name not in value:
            yield path, f"key {one.name!r} is missing in {inside}"


def _options(hint: object) -> list[object]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [option for one in typing.get_args(hint) for option in _options(one)]
    return [hint]


def _is_variable(option: object) -> bool:
    return getattr(typing.get_origin(option) or option, "__name__", "") == "Variable"


def _name(path: KeyPath) -> str:
    """What a person calls the thing at ``path``: its key, with its place where it is one of a list."""
    if not path:
        return "the resource"
    names = [str(part) for part in path if isinstance(part, str)]
    return f"{names[-1]}[{path[-1]}]" if isinstance(path[-1], int) and names else str(path[-1])
