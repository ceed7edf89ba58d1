"""What is made of what, by the newest commits and by what the models carry; and all that is above or below something."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from feature_store.catalog.model import MODEL, MONITOR, Catalog, Reader

_SCORE_TABLE, _MONITORING_TABLE = "score table", "monitoring table"
MadeOf = tuple[str, str, Sequence[str] | None]
"""Source, target, and the columns that are read; None: all of them, or it is not known which."""


def node_id(reader: Reader) -> str:
    """What a reader is called among all others: a monitor may have the name of anything else."""
    return f"{MONITOR} {reader.name}" if reader.kind == MONITOR else reader.name


def edges(catalog: Catalog) -> Iterator[MadeOf]:
    """All of them. Scores are made by their model, which reads the feature tables for them."""
    readers = {reader.name: reader for reader in catalog.readers if reader.kind == MODEL}
    for reader in catalog.readers:
        if reader.kind in (MODEL, MONITOR):
            for read, columns in sorted(reader.reads.items()):
                yield read, node_id(reader), None if columns is None else sorted(columns)
    for table in catalog.tables.values():
        if table.commit is None or table.kind == _MONITORING_TABLE:
            continue
        details, by_model = table.commit.details, dict[str, Any]()
        name = f"{details.get('model')}/{details.get('model_version')}"
        if table.kind == _SCORE_TABLE and name in readers:
            yield name, table.name, None
            by_model = dict(readers[name].reads)
        for source in sorted(set(table.commit.sources) - set(by_model) - {table.name}):
            yield source, table.name, None


def reached(made_of: Iterable[MadeOf], start: str, *, upward: bool, feature: str = "") -> list[MadeOf]:
    """The edges above ``start``, or below it: then of this feature only, as far as that is known."""
    known = list(made_of)
    found, here, seen = list[MadeOf](), [start], {start}
    while here:
        name = here.pop(0)
        for edge in known:
            source, target, columns = edge
            near, far = (target, source) if upward else (source, target)
            is_its = upward or name != start or not feature or columns is None or feature in columns
            if near == name and is_its:
                found.append(edge)
                if far not in seen:
                    seen.add(far)
                    here.append(far)
    return found
