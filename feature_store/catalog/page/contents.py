"""What the page knows, as one JSON document: nodes (tables, models, monitors) in words, and what is made of what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from feature_store.catalog.described import Described, describe
from feature_store.catalog.edges import edges, node_id
from feature_store.catalog.facts import ColumnFacts
from feature_store.catalog.model import MODEL, MONITOR, Catalog, Column, Reader, Table, first_line
from feature_store.catalog.page.history import History
from feature_store.catalog.printing import size, span, value
from feature_store.catalog.search import around
from feature_store.pages.page import share
from feature_store.store import FeatureStore

LONGEST = 600
"""So many letters of a description are kept: the page is one file, whatever people write."""
_MINUTE = "%Y-%m-%d %H:%M"
Node = dict[str, Any]
Histories = Mapping[tuple[str, str], Sequence[History]]
"""By full name of the table and name of the feature."""


def contents(
    store: FeatureStore,
    catalog: Catalog,
    *,
    as_of: datetime,
    histories: Histories | None = None,
    on_table: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """All that the page shows, without what is empty; ``on_table`` is told which table is being read."""
    nodes = []
    said = around(catalog)
    for table in catalog.tables.values():
        on_table(table.short)
        node = table_node(store, catalog, table, as_of, histories or {})
        columns = [one | {"around": said.get((table.name, one["name"]))} for one in node["columns"]]
        nodes.append(node | {"around": said.get((table.name, None)), "columns": [*map(_without_empty, columns)]})
    nodes += [_reader(one) for one in catalog.readers if one.kind in (MODEL, MONITOR)]
    made_of = list(edges(catalog))
    there = {node["id"] for node in nodes}
    for name in sorted({name for edge in made_of for name in edge[:2]} - there):
        kind = "missing table" if name.startswith(f"{catalog.place}.") else "foreign table"
        nodes.append({"id": name, "short": name.removeprefix(f"{catalog.place}."), "kind": kind})
    return {
        "place": catalog.place,
        "as_of": f"{as_of:{_MINUTE}}",
        "nodes": [_without_empty(node) for node in nodes],
        "edges": [list(edge) if edge[2] is not None else list(edge[:2]) for edge in made_of],
    }


def table_node(store: FeatureStore, catalog: Catalog, table: Table, as_of: datetime, histories: Histories) -> Node:
    """A table in words: what it is, what it holds, what was recorded of it; why it cannot be read is its ``problem``."""
    node: Node = {
        "id": table.name, "short": table.short, "kind": table.kind, "about": _cut(table.description), "owner": table.owner,
        "keys": list(table.keys), "time": table.time, "problem": table.problem,
        "as_of": f"{table.commit.as_of:{_MINUTE}}" if table.commit else "",
    }  # fmt: skip
    try:
        told = describe(store, catalog, table, as_of=as_of)
    except Exception as error:  # whatever is wrong with one table, the others are still to be seen
        columns = [_column(one, ColumnFacts(), ()) for one in table.columns]
        return node | {"columns": columns, "problem": table.problem or first_line(error)}
    return node | {
        "problem": table.problem or told.facts.problem,
        "rows": told.facts.rows,
        "facts": [list(fact) for fact in _facts(told, as_of)],
        "checks": [[one.passed, one.check, one.found] for one in told.checks],
        "columns": [
            _column(one, told.facts.columns.get(one.name, ColumnFacts()), histories.get((table.name, one.name), ()))
            for one in table.columns
        ],
        "dropped": {name: [node_id(reader) for reader in readers] for name, readers in told.dropped.items()},
    }


def _facts(told: Described, as_of: datetime) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
    """What there is to say of a table: what, in which words, and whether that is good or bad."""
    table, made, fresh = told.table, told.publishing, told.freshness
    if table.tags:
        yield "tags", ", ".join(f"{key}={text}" for key, text in sorted(table.tags.items()))
    if table.commit:
        by = [made.module or table.commit.verb, *([f"job {made.job}"] if made.job else [])]
        until = f", until {made.until[:16].replace('T', ' ')}" if made.until else ""
        yield "made by", f"{', '.join(by)}, as of {table.commit.as_of:{_MINUTE}}{until}"
    if table.version is not None:
        yield "version", f"{table.version}" + (f", written {table.at:{_MINUTE}}" if table.at else "")
    if fresh.newest:
        age = f", {span(fresh.age)} before {as_of:{_MINUTE}}" if fresh.age is not None else ""
        yield "newest row", f"{fresh.newest:{_MINUTE}}{age}"
    if fresh.within is not None:
        kept = {True: "good", False: "bad", None: ""}[fresh.is_kept]
        yield "freshness", f"{'too old: ' * (kept == 'bad')}at most {span(fresh.within)} is declared", kept
    if told.facts.rows is not None:
        yield "rows", f"{told.facts.rows:,}, {size(told.facts.bytes)}"
    if made.seconds is not None:
        yield "publishing", f"{made.seconds:,.1f} s"
    for miss in told.misses:
        part = f"{miss.misses:,} of {miss.rows:,} ({share(miss.misses / miss.rows)})"
        yield "lookups", f"{part} found nothing when {miss.population} was scored as of {miss.as_of:{_MINUTE}}"
    if told.is_sampled:
        yield "read", f"of columns marked ~ the {told.facts.read:,} newest rows; of all else, all rows"


def _column(column: Column, known: ColumnFacts, histories: Sequence[History]) -> Node:
    nulls = "" if known.nulls is None else share(known.nulls) + " ~" * (not known.of_all)
    node = {"name": column.name, "type": column.type, "about": _cut(column.description), "nulls": nulls}
    node["values"] = _values(known)
    return _without_empty(node | {"history": [_without_empty(asdict(one)) for one in histories]})


def _values(known: ColumnFacts) -> str:
    """The commonest values with their shares, or the range."""
    mark = "" if known.of_all else " ~"
    if known.commonest:
        return ", ".join(f"{value(one)} {share(part)}" for one, part in known.commonest) + mark
    return "" if known.least is None else f"{value(known.least)} to {value(known.greatest)}{mark}"


def _reader(reader: Reader) -> Node:
    return {
        "id": node_id(reader), "short": reader.short, "kind": reader.kind, "owner": reader.owner, "problem": reader.problem,
        "aliases": sorted(reader.aliases), "as_of": f"{reader.as_of:{_MINUTE}}" if reader.as_of else "",
    }  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _without_empty(node: Node) -> Node:
    return {key: told for key, told in node.items() if told not in ("", None, [], {}, ())}
