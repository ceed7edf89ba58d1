"""The rows of a frame, in this process where they are known to fit, computed once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

_MOST_BYTES = 256 * 2**20
"""A quarter of what Spark lets a driver collect (1 GiB by default); the writer holds the rows twice."""
_MOST_BYTES_READ = 32 * 2**20
"""What is computed from so much compressed data is asked for at once: to count it first would take as long."""
_UNKNOWN = 2**62
"""Spark says that a frame is as large as can be where it does not know."""


def rows_if_few(df: DataFrame, *, of_unknown: int = 0) -> pa.Table | None:
    """All rows, computed now, if they are computed from little; None if not, or if Spark's limit for a driver is passed.

    Of what is in memory Spark does not know the size: then up to ``of_unknown`` rows are few.
    """
    size = _bytes_read(df)
    if size >= _UNKNOWN and of_unknown:
        first = df.limit(of_unknown + 1).toArrow()
        return first if first.num_rows <= of_unknown else None
    if size > _MOST_BYTES_READ:
        return None
    try:
        return df.toArrow()
    except (PySparkException, Py4JJavaError) as error:
        if "spark.driver.maxResultSize" in str(error):
            return None
        raise


@contextmanager
def gathered(df: DataFrame, *, rows: int | None, here: bool) -> Iterator[tuple[int, pa.Table | None]]:
    """The number of rows and, if they may come ``here`` and fit, the rows; None where Spark has to write them.

    ``rows`` is their number, if known: then whoever counted them keeps them cached. Otherwise they are cached as long as the
    context lasts, and counted, unless they are computed from little; the size of what is cached is known, not estimated.
    """
    arrow = rows_if_few(df) if here and rows is None and not df.is_cached else None
    if arrow is not None:
        yield arrow.num_rows, arrow
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


def _bytes_read(df: DataFrame) -> int:
    """How much data the frame is computed from, as it lies in files or in memory; what is not known counts as very much."""
    leaves = df._jdf.queryExecution().optimizedPlan().collectLeaves()
    return sum(int(str(leaves.apply(number).stats().sizeInBytes())) for number in range(leaves.size()))
