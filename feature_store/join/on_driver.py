"""The point-in-time join on Arrow buffers in this process: no row crosses into the JVM before it is done.

Of each table only the columns asked for are read, and only rows that can be needed; :mod:`newest_row` says which of them
belong to the data frame's, and these alone are kept. So the most that is in memory at once is the data frame, the result
and two tables.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import reduce
from itertools import chain
from operator import and_
from typing import cast

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame

from feature_store.join.memory import TABLES_AT_ONCE
from feature_store.join.newest_row import Asked, find
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import Rows, joined_schema
from feature_store.tables.protocol import TablesInFiles

_FEW_KEYS = 10_000
_AGES = timedelta(days=1_000_000)


def join_on_driver(
    spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles, *, rows: pa.Table | None = None
) -> Rows:
    """The join in this process; the data frame, the result and each table must fit in memory.

    ``rows`` are the data frame's, if they are here already.
    """
    result = spine.toArrow() if rows is None else rows
    frame = _polars(result.select(list(dict.fromkeys(ours for lookup in lookups for ours, _ in lookup.pairs))))
    questions = {key: Asked.of(frame, *key) for key in dict.fromkeys(map(_question, lookups))}
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        parts = pool.map(lambda lookup: _outputs(questions[_question(lookup)], lookup, tables, frame), lookups)
        for name, column in chain.from_iterable(parts):
            result = result.append_column(name, column)
    return Rows(result, joined_schema(spine.schema, lookups, tables), spine.sparkSession)


def _question(lookup: ResolvedLookup) -> tuple[tuple[str, ...], str | None]:
    """The data frame's columns by which rows are asked for; lookups that share them share a sort."""
    return tuple(ours for ours, _ in lookup.keys), lookup.times[0] if lookup.times else None


def _outputs(
    asked: Asked, lookup: ResolvedLookup, tables: TablesInFiles, frame: pl.DataFrame
) -> list[tuple[str, pa.ChunkedArray]]:
    """The outputs of one lookup by name, a value for each row of the data frame."""
    needed = list(_needed(asked, lookup, frame))
    where = reduce(and_, needed) if needed else None
    features = tables.arrow(lookup.table, lookup.table_columns, version=lookup.version, where=where)
    keys = [theirs for _, theirs in lookup.keys]
    rows = find(asked, features, keys, lookup.times[1] if lookup.times else None, lookup.lookback)
    wanted = list(dict.fromkeys(feature for feature, _ in lookup.outputs))
    found = features.select(pl.col(wanted).gather(rows)).to_arrow()
    return [(name, found.column(feature)) for feature, name in lookup.outputs]


def _needed(asked: Asked, lookup: ResolvedLookup, frame: pl.DataFrame) -> Iterator[pl.Expr]:
    """What can be said of the feature rows that some row of the data frame may find.

    Row groups and files whose statistics do not allow it are not read; what is read too much, the search leaves out.
    """
    if asked.keys.height <= _FEW_KEYS:
        for number, (_, theirs) in enumerate(lookup.keys):
            values = asked.keys[str(number)]
            if values.dtype.is_integer() or values.dtype in (pl.String, pl.Date):
                yield pl.col(theirs).is_in(values.unique().implode())
    if lookup.times is None or asked.keys.is_empty():
        return
    moments, known_at = frame[lookup.times[0]], pl.col(lookup.times[1])
    yield known_at <= pl.lit(moments.max())
    if lookup.lookback is not None and lookup.lookback < _AGES:
        # Whole days, for the sake of dates.
        yield known_at >= pl.lit(moments.min()) - timedelta(days=lookup.lookback.days + 1)


def _polars(arrow: pa.Table) -> pl.DataFrame:
    return cast(pl.DataFrame, pl.from_arrow(arrow))
