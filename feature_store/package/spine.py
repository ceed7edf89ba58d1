"""Whom to learn from: entities and labels from a table and a range of time, without a frame made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from feature_store.declare.source import KNOWN_AT, Readable, Source
from feature_store.errors import Misuse, suggestion
from feature_store.moments import utc

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _HasTables(Protocol):
    @property
    def tables(self) -> Readable: ...


def training_frame(
    store: _HasTables,
    labels: Source,
    between: tuple[datetime, datetime],
    *,
    keys: Sequence[str],
    decided_at: str,
    label: str | None = None,
    every: timedelta | None = None,
    as_of: datetime | None = None,
) -> DataFrame:
    """Entities decided on in ``[start, end)``, for ``create_training_set``: ``keys``, ``decided_at`` and ``label``.

    ``between`` is ``(start, end)``. ``labels`` is read as of ``as_of`` (None: now): what became known later is not there.
    Rows without a label are left out; with ``label=None`` the entities alone are given, as scoring takes them. With
    ``every``, each entity comes at most once in each stretch of that length from ``start`` on: with its first row there.
    Its moment of decision stays its own, so that nothing is looked up earlier or later than it was decided on.

    Raises
    ------
    Misuse
        If a column is none of the source's, ``start`` is not before ``end``, or ``every`` is not longer than nothing.
    """
    start, end = (utc(moment) for moment in between)
    if not start < end:
        raise Misuse(
            f"between={start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} holds no moment: the first is the earlier one."
        )
    columns = [*keys, decided_at, *([label] if label else [])]
    for column in columns:
        if column not in labels.columns:
            raise Misuse(f"Source {labels.name!r} has no column {column!r}. {suggestion(column, labels.columns)}")
    from pyspark.sql import functions as F

    known = labels.read(store.tables, as_of=as_of or datetime.now(UTC))
    moment = F.col(f"`{decided_at}`")
    rows = known.where((moment >= F.lit(start)) & (moment < F.lit(end)))
    if label:
        rows = rows.where(F.col(f"`{label}`").isNotNull())
    if every is not None:
        rows = first_of_each(rows, every, keys=keys, decided_at=decided_at, label=label, start=start)
    return rows.select(*(f"`{column}`" for column in columns))


def first_of_each(
    rows: DataFrame,
    every: timedelta,
    *,
    keys: Sequence[str],
    decided_at: str,
    label: str | None,
    start: datetime = _EPOCH,
) -> DataFrame:
    """Of each entity's rows in each stretch ``every`` from ``start`` on the first: keys, moment, label, ``known_at`` if there.

    Of two at the same moment the one with the smaller label is taken, so that the same rows give the same frame.

    Raises
    ------
    Misuse
        If ``every`` is not longer than nothing.
    """
    if every <= timedelta(0):
        raise Misuse(f"every={every} is not longer than nothing. Write for example timedelta(days=7).")
    from pyspark.sql import functions as F

    since = F.unix_micros(F.col(f"`{decided_at}`").cast("timestamp")) - F.lit((start - _EPOCH) // _MICROSECOND)
    stretch = F.floor(since / F.lit(every // _MICROSECOND))
    kept = [decided_at, *([label] if label else []), *([KNOWN_AT] if KNOWN_AT in rows.columns else [])]
    first = F.min(F.struct(*(F.col(f"`{column}`") for column in kept)))
    grouped = rows.groupBy(*(F.col(f"`{key}`") for key in keys), stretch.alias("__stretch")).agg(first.alias("__first"))
    return grouped.select(*(f"`{key}`" for key in keys), "__first.*")
