"""Features of equal values for equal keys, found by fingerprint, within a table and across tables.

What Delta's statistics tell apart (nulls, least, greatest, rows) is not read. Of the others a bounded number of the newest rows is,
with the keys, and hashed as the training frames' fingerprints are: the order of rows and the names of columns do not count.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import deltalake
import numpy as np
import polars as pl
import pyarrow as pa

from feature_store.catalog.facts import TableFacts
from feature_store.catalog.model import Catalog, Column, Table
from feature_store.lineage.row_hashes import and_then, can_hash, seeds
from feature_store.tables.scanning import newest_rows

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Duplicates:
    """Features as ``table.column`` that are equal in so many rows; ``of_all``: these are all rows."""

    features: Sequence[str]
    rows: int
    of_all: bool


def duplicates(catalog: Catalog, facts: Mapping[str, TableFacts]) -> Sequence[Duplicates]:
    """All features that have a duplicate, by what is known of all tables; one that is always null has none."""
    alike: dict[Hashable, list[tuple[Table, Column]]] = {}
    for table in catalog.feature_tables:
        for column in table.features:
            if (told := _told(table, column, facts[table.name])) is not None:
                alike.setdefault(told, []).append((table, column))
    wanted: dict[str, list[Column]] = {}
    for group in alike.values():
        if len(group) > 1:
            for table, column in group:
                wanted.setdefault(table.name, []).append(column)
    equal: dict[str, list[tuple[str, str]]] = {}
    for name, columns in wanted.items():
        with suppress(OSError, pl.exceptions.PolarsError):  # files that are gone or torn: the table's own page says so
            for feature, fingerprint in _fingerprints(catalog.tables[name], columns, facts[name].opened):
                equal.setdefault(fingerprint, []).append((name, feature))
    found = []
    for fingerprint, features in sorted(equal.items(), key=lambda one: sorted(one[1])):
        if len(features) > 1:
            rows = int(fingerprint.split(":")[0])
            names = [f"{catalog.tables[table].short}.{feature}" for table, feature in sorted(features)]
            found.append(Duplicates(names, rows, of_all=all(facts[table].rows == rows for table, _ in features)))
    return found


def _told(table: Table, column: Column, facts: TableFacts) -> Hashable | None:
    """What is the same of all duplicates of the column, without reading it; None for one that has none."""
    known = facts.columns.get(column.name)
    if not facts.rows or (known is not None and known.nulls == 1):
        return None
    types = {one.name: one.type for one in table.columns}
    keys = tuple(types.get(key, "") for key in table.keys)
    if known is None:
        return keys, column.type, facts.rows
    return keys, column.type, facts.rows, known.nulls, str(known.least), str(known.greatest)


def _fingerprints(
    table: Table, columns: Sequence[Column], opened: deltalake.DeltaTable | None
) -> Iterator[tuple[str, str]]:
    """Rows, sum and exclusive or of the hashes of keys and value, of each column that can be hashed."""
    if opened is None:
        return
    names = [column.name for column in columns]
    rows = newest_rows(opened, [*table.keys, *names], most=MOST_ROWS).to_arrow()
    arrays: Mapping[str, pa.Array] = {name: rows.column(name).combine_chunks() for name in rows.column_names}
    if not all(can_hash(arrays[key].type) for key in table.keys):
        return
    keys = seeds(rows.num_rows, "")
    for key in table.keys:
        keys = and_then(keys, arrays[key])
    for name in names:
        if can_hash(arrays[name].type) and arrays[name].null_count < rows.num_rows:
            hashes = and_then(keys, arrays[name])
            kind = arrays[name].type
            yield name, f"{rows.num_rows}:{kind}:{hashes.sum(dtype=np.uint64)}:{np.bitwise_xor.reduce(hashes)}"
