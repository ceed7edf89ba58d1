"""Stored feature specs: lookups and functions kept under a three-level name, for training sets to come.

A spec is the folder ``<warehouse>/<catalog>/<schema>/<name>.feature_spec``, beside the tables and never mistaken for
one, since a table's name has no dot. It holds the documented ``feature_spec.yaml``, the code of the functions, and
``info.json``. It appears whole or not at all.
"""

import getpass
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feature_store.errors import Misuse, NotFound, StorageError, suggestion
from feature_store.join.columns import SourceColumn
from feature_store.join.definition import Definition, check_names, function_columns
from feature_store.package.contents import FeatureSpecInfo, Package
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.training_set import key_types
from feature_store.tables.delta_tables import DeltaTables

_ENDING = ".feature_spec"
_INFO = "info.json"


def folder_of(name: str, tables: DeltaTables) -> Path:
    """Where the spec of that name is, or would be."""
    path = tables.path(name)
    if not isinstance(path, Path):
        raise Misuse(
            f"Feature specs are kept in folders, and {tables.full_name(name)} would be on an object store. Give the lookups to "
            "create_training_set(feature_lookups=…); models carry their own."
        )
    return path.with_name(path.name + _ENDING)


def create(
    name: str,
    definition: Definition,
    exclude: Sequence[str],
    extra_pip_requirements: Sequence[str],
    tables: DeltaTables,
) -> FeatureSpecInfo:
    """Write the spec; its columns of the data frame are those that something is looked up by or computed from.

    Raises
    ------
    Misuse
        If the spec contradicts itself, or there is one of that name.
    StorageError
        If the warehouse cannot be written.
    """
    full = tables.full_name(name)
    check_names(definition, given=None, exclude=exclude)
    folder = folder_of(name, tables)
    if folder.exists():
        raise Misuse(
            f"There is a feature spec {full} already. Choose another name, or delete it first: "
            f'delete_feature_spec(name="{full}").'
        )
    kept = definition.only([output for output in definition.outputs if output not in exclude])
    info = FeatureSpecInfo(full, _user(), int(datetime.now(UTC).timestamp() * 1000))
    told = {**vars(info), "extra_pip_requirements": list(extra_pip_requirements)}
    package = Package(
        spec=_spec(kept, exclude),
        code={one.name: one.code for one in kept.functions if one.code is not None},
        keys={lookup.table: key_types(kept.stored[lookup.table]) for lookup in kept.lookups},
    )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as unfinished:
            package.save(Path(unfinished) / folder.name)
            (Path(unfinished) / folder.name / _INFO).write_text(json.dumps(told, indent=2), encoding="utf-8")
            (Path(unfinished) / folder.name).rename(folder)
    except OSError as error:
        raise StorageError(
            f"Feature spec {full} cannot be written: {error}. Check the disk and permissions."
        ) from error
    return info


def _spec(definition: Definition, exclude: Sequence[str]) -> FeatureSpec:
    outputs = definition.outputs
    kinds: dict[str, str] = {}
    for lookup in definition.lookups:
        schema = definition.stored[lookup.table].schema
        kinds |= {ours: schema[theirs].dataType.simpleString() for ours, theirs in lookup.pairs}
    sources = [name for name in dict.fromkeys(name for name, _ in definition.inputs()) if name not in outputs]
    return FeatureSpec(
        sources=[SourceColumn(name=n, data_type=kinds.get(n, ""), include=n not in exclude) for n in sources],
        features=[replace(one, include=one.name not in exclude) for one in definition.columns],
        functions=[replace(one, include=one.name not in exclude) for one in function_columns(definition.functions)],
        table_ids={lookup.table: definition.stored[lookup.table].table_id for lookup in definition.lookups},
    )


def load(name: str, tables: DeltaTables) -> tuple[Package, Mapping[str, Any]]:
    """The spec, and what else is told of it: creator, creation time, requirements.

    Raises
    ------
    NotFound
        If there is no spec of that name.
    """
    folder = _existing(name, tables)
    return Package.load(folder), json.loads((folder / _INFO).read_text(encoding="utf-8"))


def delete(name: str, tables: DeltaTables) -> None:
    """Take the spec away; models that were trained with it carry their own.

    Raises
    ------
    NotFound
        If there is no spec of that name.
    """
    folder = _existing(name, tables)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(f"Feature spec {tables.full_name(name)} cannot be deleted: {error}.") from error


def _existing(name: str, tables: DeltaTables) -> Path:
    folder = folder_of(name, tables)
    if not folder.is_dir():
        others = [path.name.removesuffix(_ENDING) for path in folder.parent.glob("*" + _ENDING)]
        hint = suggestion(name.split(".")[-1], others) if others else "There are none; see create_feature_spec()."
        raise NotFound(f"There is no feature spec {tables.full_name(name)}. {hint}")
    return folder


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
