"""The point-in-time join: for each row of a data frame, the newest feature row known by then.

A flight is decided at 10:00. Of these observations it may see the second, never the third:

    origin  known_at  wind         flight  origin  decided_at        flight  wind
    JFK     08:00        5    +    B6-1    JFK     10:00        =    B6-1       9
    JFK     10:00        9
    JFK     10:01       30

The whole newest row is taken: a null in it stays null. A row exactly as old as the lookback window still counts. Rows of
the data frame are never lost or doubled; one with a null key or a null moment finds nothing.

There are two ways, which give the same rows. *Union and last* works on any cluster: data frame and feature tables of
one lookup key become one frame, shuffled once and sorted once, and the last feature row before each data frame row is
carried along. *On the driver* is taken where Spark runs in this process and the inputs fit in memory: Polars joins
Arrow buffers and no row crosses into the JVM before the join is done.
"""

from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame

from feature_store.local.join_in_spark import quoted, union_and_last
from feature_store.local.join_on_driver import join_on_driver
from feature_store.local.resolved_lookup import ResolvedLookup
from feature_store.local.tables import DeltaTables

MOST_ROWS_ON_DRIVER = 30_000_000


def join(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> DataFrame:
    """``spine`` with the outputs of all ``lookups``, in their order; the number of rows is unchanged."""
    used = [lookup for lookup in lookups if lookup.outputs]
    if not used:
        return spine
    outputs = [name for lookup in used for _, name in lookup.outputs]
    if tables.in_process and _rows(used, tables) <= MOST_ROWS_ON_DRIVER:
        already_cached = spine.is_cached
        cached = spine if already_cached else spine.persist()
        try:
            if cached.count() <= MOST_ROWS_ON_DRIVER:
                return join_on_driver(cached, used, tables)
        finally:
            if not already_cached:
                cached.unpersist()
    return union_and_last(spine, used, tables).select(*quoted([*spine.columns, *outputs]))


def _rows(lookups: Iterable[ResolvedLookup], tables: DeltaTables) -> int:
    """How many rows the tables hold, from their Delta logs; nothing is read."""
    return sum(tables.rows(lookup.table, version=lookup.version) for lookup in lookups)
