"""The catalog as JSON documents, for programs."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any

from feature_store.catalog.described import Described
from feature_store.catalog.duplicates import Duplicates
from feature_store.catalog.model import Catalog, Reader, Table
from feature_store.catalog.search import Found
from feature_store.catalog.unused import Unused


def as_json(document: Any) -> str:
    """The document as text."""
    return json.dumps(plain(document), indent=2, allow_nan=False)


def table_document(catalog: Catalog, table: Table) -> dict[str, Any]:
    """What a table says of itself, and who reads it."""
    facts = {
        "name": table.name, "kind": table.kind, "description": table.description, "owner": table.owner, "tags": table.tags,
        "keys": table.keys, "time": table.time or None, "version": table.version, "sources": table.sources,
        "as_of": table.commit.as_of if table.commit else None, "written_at": table.at, "problem": table.problem or None,
    }  # fmt: skip
    return facts | {"readers": [_reader(one) for one in catalog.readers_of(table.name)]}


def found_documents(catalog: Catalog, results: Iterable[Found]) -> list[dict[str, Any]]:
    """What was found, the best first."""
    return [
        {
            "name": one.name,
            "table": one.table.name,
            "feature": one.column.name if one.column else None,
            "score": round(one.score, 3),
            "type": one.column.type if one.column else one.table.kind,
            "description": one.column.description if one.column else one.table.description,
            "owner": one.table.owner,
            "readers": [
                _reader(reader)
                for reader in catalog.readers_of(one.table.name, one.column.name if one.column else None)
            ],
        }
        for one in results
    ]


def described_document(catalog: Catalog, told: Described) -> dict[str, Any]:
    """All there is to say of a table or a feature."""
    facts = told.facts
    columns = [
        asdict(column)
        | (asdict(facts.columns[column.name]) if column.name in facts.columns else {})
        | {"readers": [one.short for one in catalog.readers_of(told.table.name, column.name)]}
        for column in told.table.columns
        if told.feature in ("", column.name)
    ]
    return table_document(catalog, told.table) | {
        "columns": columns,
        "dropped": {name: [one.short for one in readers] for name, readers in told.dropped.items()},
        "rows": facts.rows,
        "bytes": facts.bytes,
        "rows_read": facts.read,
        "freshness": asdict(told.freshness) | {"is_kept": told.freshness.is_kept},
        "publishing": told.publishing,
        "checks": told.checks,
        "misses": told.misses,
        "problem": facts.problem or None,
    }


def unused_document(unused: Iterable[Unused], same: Iterable[Duplicates]) -> dict[str, Any]:
    """What nobody reads, and what there is twice."""
    costs = [
        {
            "table": one.table.name, "owner": one.table.owner, "whole": one.whole,
            "columns": [column.name for column in one.columns],
            "rows": one.rows, "bytes": one.bytes, "seconds": one.seconds,
        }
        for one in unused
    ]  # fmt: skip
    return {"unused": costs, "duplicates": list(same)}


def _reader(reader: Reader) -> dict[str, Any]:
    return {
        "name": reader.name, "kind": reader.kind, "owner": reader.owner, "aliases": reader.aliases,
        "in_office": reader.in_office, "problem": reader.problem or None,
    }  # fmt: skip


def plain(value: Any) -> Any:
    """``value`` as JSON has it: moments in ISO 8601, lengths of time in seconds, numbers that are none as null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, Collection) and not isinstance(value, bytes):
        return [plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return str(value)
