"""What nobody reads, and what it costs: columns of feature tables, and whole tables."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import deltalake
import pyarrow as pa

from feature_store.catalog.facts import TableFacts
from feature_store.catalog.model import Catalog, Column, Table
from feature_store.catalog.record import publishing
from feature_store.tables.reading import files_of

_MOST_FILES = 8
"""So many of the newest files tell how the bytes are divided among the columns."""


@dataclass(frozen=True)
class Unused:
    """Columns that nobody in office reads; ``whole`` if nobody reads the table at all.

    ``bytes`` are those of the columns, about; ``rows`` and ``seconds`` the table's. None: not known.
    """

    table: Table
    columns: Sequence[Column]
    whole: bool
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None


def unused_columns(catalog: Catalog) -> Sequence[Unused]:
    """The columns that no model in office, score table, monitor or other table reads, without their cost."""
    found = []
    for table in catalog.feature_tables:
        readers = [reader for reader in catalog.readers_of(table.name) if reader.in_office]
        columns = [one for one in table.features if not any(reader.uses(table.name, one.name) for reader in readers)]
        if columns:
            found.append(Unused(table, columns, whole=not readers))
    return found


def with_cost(unused: Unused, facts: TableFacts) -> Unused:
    """The same with what it costs, as far as the table's files tell."""
    names = {column.name for column in unused.columns}
    size = facts.bytes if unused.whole else _bytes(facts, names)
    return replace(unused, rows=facts.rows, bytes=size, seconds=publishing(unused.table).seconds)


def _bytes(facts: TableFacts, names: set[str]) -> int | None:
    shares: Mapping[str, float] = {}
    with suppress(OSError, pa.ArrowException):  # files that are gone or torn: the table's own page says so
        shares = _shares(facts.opened) if facts.opened is not None else {}
    if facts.bytes is None or not shares:
        return None
    return round(facts.bytes * sum(share for name, share in shares.items() if name in names))


def _shares(opened: deltalake.DeltaTable) -> Mapping[str, float]:
    """Which part of the bytes of the newest files is each column's, by the files' own contents; empty if they are elsewhere."""
    import pyarrow.parquet as pq

    paths = (Path(name) for name in files_of(opened))
    there = sorted((path for path in paths if path.is_file()), key=lambda path: path.stat().st_mtime)
    sizes: dict[str, int] = {}
    for path in there[-_MOST_FILES:]:
        contents = pq.read_metadata(path)
        for group in range(contents.num_row_groups):
            for number in range(contents.num_columns):
                part = contents.row_group(group).column(number)
                name = part.path_in_schema.split(".")[0]
                sizes[name] = sizes.get(name, 0) + part.total_compressed_size
    total = sum(sizes.values())
    return {name: size / total for name, size in sizes.items()} if total else {}
