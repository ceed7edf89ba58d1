"""The rows of a frame, in this process where they are known to fit, computed once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from pyspark.sql import DataFrame

_MOST_BYTES = 256 * 2**20
"""A quarter of what Spark lets a driver collect (1 GiB by default); the writer holds the rows twice."""


@contextmanager
def gathered(
    df: DataFrame | pa.Table, *, rows: int | pa.Table | None, here: bool
) -> Iterator[tuple[int, pa.Table | None]]:
    """The number of rows and, if they may come ``here`` and fit, the rows; None where Spark has to write them.

    Those that are here already stay here. ``rows`` is the number of rows, or the rows, if known: then whoever counted them
    keeps them cached. Otherwise they are cached as long as the context lasts, and counted; the size of what is cached is
    known, not estimated.
    """
    if isinstance(df, pa.Table):
        yield df.num_rows, df
        return
    if isinstance(rows, pa.Table):
        yield rows.num_rows, rows if here else None
        return
    ours = rows is None and not df.is_cached
    cached = df.persist() if ours else df
    try:
        count = cached.count() if rows is None else rows
        yield count, (cached.toArrow() if here and _most_bytes(cached) <= _MOST_BYTES else None)
    finally:
        if ours:
            cached.unpersist()


def _most_bytes(df: DataFrame) -> int:
    """An upper bound of the frame's size: exact for what is cached, and a filter counts as if it kept all."""
    # A frame of its own: the plan of ``df`` itself may have been made before the rows were cached.
    plan = df.select("*")._jdf.queryExecution().optimizedPlan()
    return int(str(plan.stats().sizeInBytes()))
