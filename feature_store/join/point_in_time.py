"""The point-in-time join: for each row of a data frame, the newest feature row known by then.

A flight is decided at 10:00. Of these observations it may see the second, never the third:

    origin  known_at  wind         flight  origin  decided_at        flight  wind
    JFK     08:00        5    +    B6-1    JFK     10:00        =    B6-1       9
    JFK     10:00        9
    JFK     10:01       30

The whole newest row is taken: a null in it stays null. A row exactly as old as the lookback window still counts. Rows of
the data frame are never lost or doubled; one with a null key or a null moment finds nothing.

There are three ways, which give the same rows. *Union and last* works on any cluster: data frame and feature tables of
one lookup key become one frame, shuffled once and sorted once without what nobody can find, and the last feature row
before each data frame row is carried along. *On the driver* is taken where Spark runs in this process and everything is
known to fit in memory: Arrow buffers are searched here and no row crosses into the JVM before the join is done. *By files*
is taken where that is not so and workers can read the tables' files: they search keys and moments only, and fetch the rows
found in place.
Spark's setting ``pipeline.join.way`` names a way for all joins; ``pipeline.join.memory`` says how much memory they may
take.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import pyarrow as pa
from pyspark.sql import DataFrame

from feature_store.errors import Misuse, suggestion
from feature_store.join.in_spark import union_and_last
from feature_store.join.memory import Room, costs, fits
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import Rows, selected
from feature_store.tables.gathering import rows_if_few
from feature_store.tables.plain_scans import plain_scan
from feature_store.tables.protocol import Tables, TablesInFiles

WAY_SETTING, AUTOMATIC = "pipeline.join.way", "automatic"
_log = logging.getLogger(__name__)
Way = Callable[[DataFrame, Sequence[ResolvedLookup], Tables], DataFrame | Rows]


def join(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables) -> DataFrame | Rows:
    """``spine`` with the outputs of all ``lookups``, in their order; the number of rows is unchanged.

    Rows, where the join is done in this process.

    Raises
    ------
    Misuse
        If the setting ``pipeline.join.way`` names no way, or one that cannot read these tables, or
        ``pipeline.join.memory`` is no size.
    """
    used = [lookup for lookup in lookups if lookup.outputs]
    if not used:
        return spine
    way = spine.sparkSession.conf.get(WAY_SETTING, AUTOMATIC) or AUTOMATIC
    if way not in WAYS:
        raise Misuse(f"There is no way {way!r} to join. {suggestion(way, WAYS)} Or unset {WAY_SETTING}.")
    joined, outputs = WAYS[way](spine, used, tables), [name for lookup in used for _, name in lookup.outputs]
    return selected(joined, [*spine.columns, *outputs])


def _on_driver(
    spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables, *, rows: pa.Table | None = None
) -> Rows:
    # Polars is not there where only Spark is.
    from feature_store.join.on_driver import join_on_driver

    return join_on_driver(spine, lookups, _in_files(tables), rows=rows)


def _by_files(
    spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables, *, checked: bool = False
) -> DataFrame:
    if not checked and (reason := _why_not_by_files(spine, lookups, _in_files(tables))):
        raise Misuse(f"{reason}. Set {WAY_SETTING} to union, or unset it.")
    from feature_store.join.in_files import join_in_files

    return join_in_files(spine, lookups, _in_files(tables))


def _why_not_by_files(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles) -> str | None:
    """Why the workers cannot read the files of these tables by themselves; None if they can."""
    try:
        from feature_store.join.in_files import why_not
    except ImportError as error:
        return f"This driver lacks {error.name}"
    return why_not(spine.sparkSession, lookups, tables)


def _automatic(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables) -> DataFrame | Rows:
    """On the driver where Spark runs in this process and everything fits, else by files where workers can read them, else by union."""
    if not isinstance(tables, TablesInFiles):
        return union_and_last(spine, lookups, tables)
    if tables.in_process and (rows := _if_it_fits(spine, lookups, tables)) is not None:
        return rows
    reason = _why_not_by_files(spine, lookups, tables)
    if reason is None:
        return _by_files(spine, lookups, tables, checked=True)
    _log.warning("%s, so Spark alone does the join, which takes longer.", reason)
    return union_and_last(spine, lookups, tables)


def _if_it_fits(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles) -> Rows | None:
    """The join on the driver, if it is known to fit in memory."""
    needed = costs(lookups, tables)
    room = Room.of(spine, needed or ())
    if needed is None or not fits(room, needed, spine.schema, rows=0):
        return None
    few = rows_if_few(spine)
    scan = plain_scan(spine) if few is None else None
    if scan and fits(room, needed, spine.schema, rows=scan.rows, in_files=True):
        few = scan.read()
    with nullcontext((spine, few.num_rows)) if few is not None else _counted(spine) as (counted, rows):
        if fits(room, needed, spine.schema, rows=rows, in_files=few is not None):
            return _on_driver(counted, lookups, tables, rows=few)
    return None


def _in_files(tables: Tables) -> TablesInFiles:
    if not isinstance(tables, TablesInFiles):
        raise Misuse(f"Only Spark can read this store's tables. Set {WAY_SETTING} to union, or unset it.")
    return tables


WAYS: Mapping[str, Way] = {
    AUTOMATIC: _automatic,
    "driver": _on_driver,
    "files": _by_files,
    "union": union_and_last,
}


@contextmanager
def _counted(spine: DataFrame) -> Iterator[tuple[DataFrame, int]]:
    """The data frame and its number of rows; kept in Spark's cache meanwhile where it is costly to make twice."""
    keep = not spine.is_cached and _is_costly(spine)
    counted = spine.persist() if keep else spine
    try:
        yield counted, counted.count()
    finally:
        if keep:
            counted.unpersist()


def _is_costly(df: DataFrame) -> bool:
    """Whether rows are shuffled, or go through Python, on their way; a scan alone is counted faster than it is kept."""
    plan = str(df._jdf.queryExecution().executedPlan().toString())
    return any(word in plan for word in ("Exchange", "Python", "Arrow", "Pandas"))
