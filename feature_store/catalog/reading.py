"""The catalog, read from the ends of the tables' logs and from what the models carry; nothing else is kept."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from feature_store.catalog.model import (
    FEATURE_TABLE,
    MODEL,
    MONITOR,
    SCORES,
    TABLE,
    Catalog,
    Column,
    Reader,
    Table,
    first_line,
)
from feature_store.errors import PipelineError
from feature_store.lineage.graph import KINDS
from feature_store.lineage.models import lineage_of
from feature_store.moments import utc
from feature_store.package.registry import RegisteredVersion, registered_versions
from feature_store.store import FeatureStore
from feature_store.tables.commit import TableVersion
from feature_store.tables.log_end import Enough, LogEnd, log_end
from feature_store.tables.properties import KEYS, OWNER, TAG, TIME
from feature_store.tables.protocol import Tables

_SCORE, _CHECK = "score-batch", "check-drift"


def read_catalog(store: FeatureStore, *, as_of: datetime | None = None) -> Catalog:
    """All tables of the store's schema and who reads them; what was made as of a later moment than ``as_of`` is left out."""
    tables = {}
    for name in store.tables.names():
        table = read_table(store, name, as_of=as_of)
        if table is not None:
            tables[table.name] = table
    place = f"{store.catalog}.{store.schema}"
    scored = {_scored_by(table) for table in tables.values()}
    models = [_model(found) for found in _worth_reading(registered_versions(prefix=f"{place}."), scored)]
    known = [model for model in models if as_of is None or model.as_of is None or model.as_of <= as_of]
    return Catalog(place, tables, [*known, *_tables_that_read(tables, {model.name: model for model in models})])


def read_table(store: FeatureStore, name: str, *, as_of: datetime | None = None) -> Table | None:
    """What the table says of itself; None if it was made as of a later moment."""

    def is_known(entry: TableVersion) -> bool:
        return entry.commit is not None and (as_of is None or utc(entry.commit.as_of) <= as_of)

    full = store.tables.full_name(name)
    try:
        end = _log_end(store.tables, name, is_known)
        ours = [entry for entry in end.newest if entry.commit]
        known = next((entry for entry in end.newest if is_known(entry)), None)
        if ours and known is None:
            return None
        later = ours[0] is not known if known else False
        return _described(store, full, end, known, version=known.version if known and later else end.version)
    except Exception as error:  # whatever is wrong with one table, the others are still to be seen
        return Table(full, problem=first_line(error))


def _log_end(tables: Tables, name: str, enough: Enough) -> LogEnd:
    """The end of the table's log, read as it lies if that is in a folder here."""
    from feature_store.tables.delta_folder import DeltaFolder

    folder = tables.path(name) if isinstance(tables, DeltaFolder) else None
    found = log_end(folder, enough) if isinstance(folder, Path) else None
    if found is not None:
        return found
    info, history = tables.info(name), tables.history(name)
    fields = json.loads(info.schema.json())["fields"]
    return LogEnd(info.version, info.description, info.properties, fields, history, is_whole=True)


def _described(store: FeatureStore, full: str, end: LogEnd, known: TableVersion | None, *, version: int) -> Table:
    properties = end.properties
    table = Table(
        name=full,
        description=end.description,
        owner=properties.get(OWNER, ""),
        tags={key.removeprefix(TAG): value for key, value in properties.items() if key.startswith(TAG)},
        columns=[_column(field) for field in end.fields],
        version=version,
        is_newest=version == end.version,
        commit=known.commit if known else None,
        at=known.at if known else None,
    )
    kind = KINDS.get(table.commit.verb, TABLE) if table.commit else TABLE
    if KEYS in properties:
        keys, time = json.loads(properties[KEYS]), properties.get(TIME) or ""
        return replace(table, kind=FEATURE_TABLE, keys=keys, time=time)
    if table.commit is None or kind == FEATURE_TABLE:
        with suppress(PipelineError):  # where the keys are not among the properties, the store knows them
            stored = store.get_table(name=full)
            time = stored.timeseries_column or ""
            return replace(table, kind=FEATURE_TABLE, keys=stored.primary_keys, time=time, tags=stored.tags)
    return replace(table, kind=TABLE if kind == FEATURE_TABLE else kind)


def _column(field: Mapping[str, Any]) -> Column:
    return Column(str(field["name"]), type_name(field["type"]), str(field.get("metadata", {}).get("comment", "")))


def type_name(kind: Any) -> str:
    """A type of Delta's log as SQL says it: ``array<double>``."""
    if not isinstance(kind, dict):
        return {"long": "bigint", "integer": "int", "short": "smallint"}.get(kind, str(kind))
    if kind["type"] == "array":
        return f"array<{type_name(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{type_name(kind['keyType'])},{type_name(kind['valueType'])}>"
    parts = [f"{one['name']}:{type_name(one['type'])}" for one in kind["fields"]]
    return f"struct<{','.join(parts)}>"


def _worth_reading(versions: Sequence[RegisteredVersion], scored: Collection[str]) -> list[RegisteredVersion]:
    """The versions with an alias, that have ``scored``, or that are the newest: to read all that ever were takes seconds."""
    newest = {one.name: one.version for one in sorted(versions, key=lambda one: one.version)}
    return [one for one in versions if one.aliases or one.version == newest[one.name] or _version(one) in scored]


def _version(found: RegisteredVersion) -> str:
    return f"{found.name}/{found.version}"


def _scored_by(table: Table) -> str:
    """The model version that made the table's newest scores; empty for any other table."""
    if table.commit is None or table.commit.verb != _SCORE:
        return ""
    return f"{table.commit.details.get('model')}/{table.commit.details.get('model_version')}"


def _model(found: RegisteredVersion) -> Reader:
    reader = Reader(_version(found), MODEL, aliases=found.aliases)
    try:
        lineage = lineage_of(found)
    except Exception as error:  # one that was registered in another way, or whose files are gone, hides no other
        return replace(reader, problem=first_line(error))
    reads: dict[str, Collection[str] | None] = {}
    for used in lineage.features:
        reads[used.table] = {*(reads.get(used.table) or ()), used.feature}
    owner = str(lineage.document.get("owner") or found.tags.get("owner", ""))
    return replace(reader, owner=owner, reads=reads, as_of=lineage.as_of)


def _tables_that_read(tables: Mapping[str, Table], models: Mapping[str, Reader]) -> Iterator[Reader]:
    """Score tables read what their model does; monitors, and feature tables made of others, whole tables."""
    monitors: dict[str, Reader] = {}
    for table in tables.values():
        if table.commit is None:
            continue
        commit, whole = table.commit, dict.fromkeys(table.commit.sources)
        if commit.verb == _SCORE:
            model = models.get(_scored_by(table))
            reads = {name: model.reads.get(name, ()) if model else None for name in commit.sources}
            yield Reader(table.name, SCORES, table.owner, reads, as_of=commit.as_of)
        elif commit.verb == _CHECK:
            name = str(commit.details.get("monitor", table.short))
            before = monitors.get(name, Reader(name, MONITOR))
            owner, reads = before.owner or table.owner, {**before.reads, **whole}
            monitors[name] = replace(before, owner=owner, reads=reads, as_of=commit.as_of)
        elif table.kind == FEATURE_TABLE:
            yield Reader(table.name, TABLE, table.owner, whole, as_of=commit.as_of)
    yield from monitors.values()
