"""For which rows a lookup finds nothing, and how old it is what it finds: told beside the join, which does not say.

A null feature may be a row that was not found, or a null in the row that was. So each lookup is asked for what is never null
in its table: the moment at which the row was known, or a key where there is no time. No feature is read for it, and the
search is the join's own, in whichever way fits: the same lookback, the same ties, the same versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from feature_store.join.definition import Definition, compute
from feature_store.join.passes import needed, passes
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import Rows, selected_rows
from feature_store.tables.protocol import Tables

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class TableMisses:
    """Of one feature table: the rows for which a lookup in it found no row, and those for which one found an old row.

    ``stale`` is None where nobody said how old a row may be.
    """

    table: str
    misses: int
    stale: int | None = None


@dataclass(frozen=True)
class _Witness:
    """The column that is null where a lookup found nothing; ``within``: older than this is stale."""

    table: str
    column: str
    asked_at: str | None
    within: timedelta | None


def count_misses(
    df: DataFrame, definition: Definition, tables: Tables, *, fresh: Mapping[str, timedelta]
) -> list[TableMisses]:
    """The misses of each table of ``definition``, in the order of its lookups; a row that misses twice in one counts once.

    ``fresh`` says by full name how old a table's row may be at the moment it is looked up as of.
    """
    looked, by_table = _witnessed(df, definition, tables, fresh)
    counted = _in_arrow(looked.arrow, by_table) if isinstance(looked, Rows) else _in_spark(looked, by_table)
    return [
        TableMisses(table, counted[0][table], counted[1][table] if any(one.within for one in found) else None)
        for table, found in by_table.items()
    ]


def ages(df: DataFrame, definition: Definition, tables: Tables) -> pa.Table:
    """How old what was found is, in seconds: a row for each of ``df``, a column for each table, by full name.

    Null where a lookup in that table found no row; NaN where its rows have no moment. The oldest counts where there are
    several lookups in one table.
    """
    looked, by_table = _witnessed(df, definition, tables, {})
    return _ages(selected_rows(looked, _columns_of(by_table)).arrow, by_table)


def rows_and_ages(
    df: DataFrame, definition: Definition, tables: Tables, columns: Sequence[str]
) -> tuple[Rows, pa.Table]:
    """``columns`` of ``df`` with all that is defined, defaults not filled in, and what :func:`ages` gives: by one search."""
    lookups, by_table = _with_witnesses(definition.lookups, {})
    looked = compute(df, passes(df.columns, lookups, definition.functions), tables)
    rows = selected_rows(looked, list(dict.fromkeys([*columns, *_columns_of(by_table)])))
    return rows.select(columns), _ages(rows.arrow, by_table)


def _columns_of(by_table: Mapping[str, Sequence[_Witness]]) -> list[str]:
    """The witnesses' columns and those that hold the moments which were asked for."""
    witnesses = [witness for found in by_table.values() for witness in found]
    return list(dict.fromkeys(name for one in witnesses for name in (one.asked_at, one.column) if name is not None))


def _ages(rows: pa.Table, by_table: Mapping[str, Sequence[_Witness]]) -> pa.Table:
    def seconds(witness: _Witness) -> pa.ChunkedArray:
        found = rows.column(witness.column)
        if witness.asked_at is None:
            return pc.if_else(pc.is_valid(found), pa.scalar(float("nan")), pa.scalar(None, pa.float64()))
        asked_at, known_at = (_micros(column) for column in (rows.column(witness.asked_at), found))
        return pc.divide(pc.subtract(asked_at, known_at).cast(pa.float64()), 1_000_000.0)

    def oldest(found: Sequence[_Witness]) -> pa.ChunkedArray:
        return reduce(lambda one, other: pc.max_element_wise(one, other, skip_nulls=False), map(seconds, found))

    return pa.table({table: oldest(found) for table, found in by_table.items()})


def _witnessed(
    df: DataFrame, definition: Definition, tables: Tables, fresh: Mapping[str, timedelta]
) -> tuple[DataFrame | Rows, Mapping[str, Sequence[_Witness]]]:
    """``df`` with a witness for each lookup and no feature but for what keys need, and the witnesses by table."""
    made = {name for lookup in definition.lookups for name in lookup.inputs if name not in df.columns}
    for_keys, functions = needed(made, definition.lookups, definition.functions)
    kept = {name for lookup in for_keys for name in lookup.output_names}
    lookups, by_table = _with_witnesses([lookup.only(kept) for lookup in definition.lookups], fresh)
    return compute(df, passes(df.columns, lookups, functions), tables), by_table


def _with_witnesses(
    lookups: Sequence[ResolvedLookup], fresh: Mapping[str, timedelta]
) -> tuple[list[ResolvedLookup], Mapping[str, Sequence[_Witness]]]:
    """The lookups with a witness more for each, and the witnesses by table, in the order of the lookups."""
    seen, by_table = list[ResolvedLookup](), dict[str, list[_Witness]]()
    for number, lookup in enumerate(lookups):
        never_null, column = (lookup.times or lookup.keys[0])[1], f"__found{number}"
        seen.append(replace(lookup, outputs=(*lookup.outputs, (never_null, column))))
        within = fresh.get(lookup.table) if lookup.times else None
        witness = _Witness(lookup.table, column, lookup.times[0] if lookup.times else None, within)
        by_table.setdefault(lookup.table, []).append(witness)
    return seen, by_table


_Counts = tuple[dict[str, int], dict[str, int]]


def _micros(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    return moments.cast(pa.timestamp("us")).cast(pa.int64())


def _in_arrow(rows: pa.Table, by_table: Mapping[str, Sequence[_Witness]]) -> _Counts:
    def old(witness: _Witness) -> pa.ChunkedArray:
        if witness.within is None or witness.asked_at is None:
            return pa.chunked_array([pa.repeat(False, rows.num_rows)])
        asked_at, known_at = (_micros(rows.column(name)) for name in (witness.asked_at, witness.column))
        age = pc.subtract(asked_at, known_at)
        return pc.fill_null(pc.greater(age, pa.scalar(witness.within // _MICROSECOND, pa.int64())), False)

    def count(flags: Sequence[pa.ChunkedArray]) -> int:
        return int(pc.sum(reduce(pc.or_, flags)).as_py() or 0)

    return (
        {table: count([pc.is_null(rows.column(one.column)) for one in found]) for table, found in by_table.items()},
        {table: count([old(one) for one in found]) for table, found in by_table.items()},
    )


def _in_spark(df: DataFrame, by_table: Mapping[str, Sequence[_Witness]]) -> _Counts:
    def micros(name: str) -> Column:
        return F.unix_micros(F.col(f"`{name}`").cast("timestamp"))

    def old(witness: _Witness) -> Column:
        if witness.within is None or witness.asked_at is None:
            return F.lit(False)
        age = micros(witness.asked_at) - micros(witness.column)
        return F.coalesce(age > witness.within // _MICROSECOND, F.lit(False))

    numbered = list(enumerate(by_table.items()))
    flags = [reduce(Column.__or__, [F.col(one.column).isNull() for one in found]) for _, (_, found) in numbered]
    aged = [reduce(Column.__or__, [old(one) for one in found]) for _, (_, found) in numbered]
    (row,) = df.agg(
        *(F.count_if(flag).alias(f"m{number}") for number, flag in enumerate(flags)),
        *(F.count_if(flag).alias(f"s{number}") for number, flag in enumerate(aged)),
    ).collect()
    return (
        {table: row[f"m{number}"] for number, (table, _) in numbered},
        {table: row[f"s{number}"] for number, (table, _) in numbered},
    )
