"""Feature tables held against what a model was trained on: keys, timeseries column, features and their types."""

import warnings
from collections.abc import Callable, Iterator, Mapping

from feature_store.errors import SchemaMismatch, listed
from feature_store.join.columns import FeatureColumn
from feature_store.join.definition import Definition, packaged
from feature_store.package.contents import Package
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.training_set import key_types
from feature_store.tables.protocol import Tables
from feature_store.tables.stored import StoredFeatureTable


def still_defined(
    package: Package,
    tables: Tables,
    table_at: Callable[[str, int | None], StoredFeatureTable],
    versions: Mapping[str, int],
    *,
    what: str,
) -> Definition:
    """What the package defines, once its tables are known to be those it was made with, as of ``versions``.

    Raises
    ------
    SchemaMismatch
        As :func:`check_tables` does; ``what`` ends its sentence.
    """
    stored = {
        name: table_at(name, versions.get(name)) if tables.exists(name) else None
        for name in dict.fromkeys(column.table for column in package.spec.features)
    }
    check_tables(package.spec, package.keys, stored, what=what)
    there = {name: table for name, table in stored.items() if table is not None}
    return packaged(package.spec.features, package.spec.functions, package.code, there)


def check_tables(
    spec: FeatureSpec,
    keys: Mapping[str, Mapping[str, str]],
    stored: Mapping[str, StoredFeatureTable | None],
    *,
    what: str = "the model was trained with",
) -> None:
    """Refuse tables that are no longer those of ``spec``; warn of one that was dropped and made again.

    ``keys`` has the primary keys and their types at training, by table; a model packaged by the vendor's client has
    none of it, and is checked by what its lookups say. None in ``stored`` is a table that does not exist. ``what``
    ends the sentence "The feature tables are not those that".

    Raises
    ------
    SchemaMismatch
        If anything changed; the text lists what, table by table.
    """
    by_table: dict[str, list[FeatureColumn]] = {}
    for column in spec.features:
        by_table.setdefault(column.table, []).append(column)
    brought = {column.name: column.data_type for column in spec.sources}
    wrong: list[str] = []
    for name, columns in by_table.items():
        table = stored[name]
        if table is None:
            wrong.append(f"{name} does not exist any more")
            continue
        trained = keys.get(name)
        changes = [] if trained is None else list(_changed_keys(trained, table))
        changes = changes or list(_lookups_that_do_not_fit(columns, brought, table))
        changes += _changed_features(columns, table)
        if changes:
            wrong.append(f"{name}: {', '.join(changes)}")
        if spec.table_ids.get(name) and table.table_id and spec.table_ids[name] != table.table_id:
            warnings.warn(f"{name} was dropped and made again since the model was trained on it.", stacklevel=2)
    if wrong:
        raise SchemaMismatch(
            f"The feature tables are not those that {what}. {'; '.join(wrong)}. "
            "Publish them as they were, or begin again with those that there are: train the model, or make the feature spec, anew."
        )


def _changed_keys(trained: Mapping[str, str], table: StoredFeatureTable) -> Iterator[str]:
    now = key_types(table)
    if list(trained) != list(now):
        yield f"its keys were {listed(trained)} and are {listed(now)}"
        return
    for key, kind in trained.items():
        if now[key] != kind:
            yield f"the key {key!r} was {kind} and is {now[key]}"


def _lookups_that_do_not_fit(
    columns: list[FeatureColumn], brought: Mapping[str, str], table: StoredFeatureTable
) -> Iterator[str]:
    """What can be known without the keys at training: their number, whether there is a time, and the callers' types."""
    for lookup in {(tuple(one.lookup_key), one.timestamp_lookup_key) for one in columns}:
        keys, moment = lookup
        if len(keys) != len(table.entity_keys):
            yield f"it is looked up by {listed(keys)} and its keys are {listed(table.entity_keys)}"
            continue
        if (moment is None) != (table.timeseries_column is None):
            now = f"{table.timeseries_column!r}" if table.timeseries_column else "none"
            asked = "without a moment" if moment is None else f"as of {moment!r}"
            yield f"it is looked up {asked} and its timeseries column is {now}"
            continue
        theirs = [*table.entity_keys, *([table.timeseries_column] if table.timeseries_column else [])]
        for ours, key in zip([*keys, *([moment] if moment else [])], theirs, strict=True):
            now = table.schema[key].dataType.simpleString()
            if brought.get(ours, now) not in ("", now):
                yield f"the key {key!r} is {now} and is looked up by {ours!r}, which was {brought[ours]}"


def _changed_features(columns: list[FeatureColumn], table: StoredFeatureTable) -> Iterator[str]:
    for column in columns:
        if column.feature not in table.feature_columns:
            yield f"the feature {column.feature!r} is gone"
            continue
        now = table.schema[column.feature].dataType.simpleString()
        if column.data_type not in ("", now):
            yield f"the feature {column.feature!r} was {column.data_type} and is {now}"
