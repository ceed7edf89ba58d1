"""The rows of one window, computed once and counted: in this process where they are few, otherwise in Spark's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
from pyspark.sql import DataFrame

from feature_store.declare.table import FeatureTable
from feature_store.publish.feature_table_checks import check_keys
from feature_store.publish.findings import Measured, is_set_aside, measure
from feature_store.tables.gathering import gathered, rows_if_few


@dataclass(frozen=True)
class Computed:
    """What was counted, and the rows: all of them, and those to publish; ``here``: the latter, if in this process."""

    measured: Measured
    everything: Callable[[], DataFrame]
    kept: Callable[[], DataFrame]
    here: pa.Table | None

    @property
    def to_write(self) -> DataFrame | pa.Table:
        """The rows to publish, wherever they are."""
        return self.kept() if self.here is None else self.here


@contextmanager
def computed(df: DataFrame, table: FeatureTable, *, here: bool) -> Iterator[Computed]:
    """Compute ``df``, which has the table's columns, and hold its keys against each other.

    Raises
    ------
    InvalidRows
        If a key is null, or two rows to publish have the same.
    """
    if not here:
        with _in_cache(df, table, here=False) as found:
            yield found
        return
    # Polars is not there where only Spark is.
    from feature_store.publish.counted_here import counted

    rows = rows_if_few(df)
    if rows is None or (known := counted(rows, table)) is None:
        with _in_cache(df if rows is None else _frame(df, rows)(), table, here=True) as found:
            yield found
        return
    measured, to_publish = known
    kept = _frame(df, to_publish)
    if measured.null_keys or measured.shared_keys:
        check_keys(kept(), list(table.primary_keys), table.name)
    yield Computed(measured, _frame(df, rows), kept, to_publish)


@contextmanager
def _in_cache(df: DataFrame, table: FeatureTable, *, here: bool) -> Iterator[Computed]:
    cached = df.persist()
    try:
        measured = measure(cached, table, by_key=not here)
        kept = cached.where(~is_set_aside(table)) if measured.aside else cached
        with gathered(kept, rows=measured.rows, here=here) as (_, arrow):
            if measured.null_keys or measured.shared_keys or (here and not _is_unique(arrow, table)):
                check_keys(kept, list(table.primary_keys), table.name)
            yield Computed(measured, lambda: cached, lambda: kept, arrow)
    finally:
        cached.unpersist()


def _is_unique(rows: pa.Table | None, table: FeatureTable) -> bool:
    from feature_store.publish.counted_here import is_unique  # Polars, again

    return is_unique(rows, table)


def _frame(df: DataFrame, rows: pa.Table) -> Callable[[], DataFrame]:
    """``rows`` as a frame like ``df``, made when asked for."""
    return cache(lambda: df.sparkSession.createDataFrame(rows, df.schema))
