"""Whom a window is about: keys and moments of decision, read once, and refused where no score could belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from feature_store.errors import InvalidRows, listed
from feature_store.moments import is_within
from inference.scoring.chunks import Window

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

_SHOWN = 3


@dataclass(frozen=True)
class Entities:
    """The entities decided in a window, and their number; ``without_moment`` are in no window, and in no frame."""

    frame: DataFrame
    rows: int
    without_moment: int


def read_entities(store: FeatureStore, spec: ScoringSpec, *, as_of: datetime, version: int, window: Window) -> Entities:
    """The entities of the window that were known by ``as_of``.

    Raises
    ------
    InvalidRows
        If a primary key is null or there twice in the window: a score is asked for, and replaced, by it.
    """
    from pyspark.sql import functions as F

    from feature_store.tables.gathering import rows_if_few

    # Read first: columns cannot be spoken of before Spark has started.
    everybody = spec.entities.read(store.tables, as_of=as_of, version=version)
    decided_at = F.col(f"`{spec.training.decided_at}`")
    inside = is_within(decided_at, *window)
    asked = everybody.where(decided_at.isNull() | inside).select(*(f"`{name}`" for name in spec.entity_columns))
    few = rows_if_few(asked) if store.tables.in_process else None
    if few is None:
        return _counted_by_spark(asked, spec, window)
    dated = few.filter(few.column(spec.training.decided_at).is_valid())
    _check_rows(dated, spec, window)
    return Entities(store.spark.createDataFrame(dated, asked.schema), dated.num_rows, few.num_rows - dated.num_rows)


def _check_rows(rows: pa.Table, spec: ScoringSpec, window: Window) -> None:
    import pyarrow.compute as pc

    keys = rows.select(list(spec.primary_keys))
    null = reduce(pc.or_, [pc.is_null(column) for column in keys.columns])
    nameless = rows.filter(null)
    found = keys.filter(pc.invert(null)).group_by(keys.column_names).aggregate([([], "count_all")])
    twice = found.filter(pc.greater(found.column("count_all"), 1))
    _refuse(
        spec,
        window,
        nameless.num_rows,
        nameless.slice(0, _SHOWN).to_pylist(),
        twice.num_rows,
        twice.sort_by([(key, "ascending") for key in spec.primary_keys]).slice(0, _SHOWN).to_pylist(),
    )


def _counted_by_spark(asked: DataFrame, spec: ScoringSpec, window: Window) -> Entities:
    from pyspark.sql import Column
    from pyspark.sql import functions as F

    decided_at = F.col(f"`{spec.training.decided_at}`")
    keys: list[Column] = [F.col(f"`{key}`") for key in spec.primary_keys]
    null = reduce(Column.__or__, [key.isNull() for key in keys])
    dated = asked.where(decided_at.isNotNull())
    (counted,) = asked.agg(
        F.count_if(decided_at.isNotNull()).alias("rows"),
        F.count_if(decided_at.isNull()).alias("without"),
        F.count_if(decided_at.isNotNull() & null).alias("nameless"),
    ).collect()
    twice = dated.where(~null).groupBy(*keys).agg(F.count("*").alias("count_all")).where("count_all > 1")
    # By Arrow: Python would give moments in the machine's own time zone.
    examples = twice.orderBy(*keys).limit(_SHOWN).toArrow().to_pylist()
    nameless = dated.where(null).limit(_SHOWN).toArrow().to_pylist() if counted["nameless"] else []
    _refuse(spec, window, counted["nameless"], nameless, twice.count() if examples else 0, examples)
    return Entities(dated, counted["rows"], counted["without"])


def _refuse(
    spec: ScoringSpec,
    window: Window,
    nameless: int,
    nameless_rows: list[dict[str, object]],
    twice: int,
    twice_rows: list[dict[str, object]],
) -> None:
    wrong = []
    if nameless:
        wrong.append(
            f"{nameless:,} of them lack{'s' * (nameless == 1)} a primary key ({listed(spec.primary_keys)}), for example "
            f"{'; '.join(_told(row) for row in nameless_rows)}"
        )
    if twice:
        there = "; ".join(
            f"{_told({key: row[key] for key in spec.primary_keys})} ({row['count_all']} times)" for row in twice_rows
        )
        wrong.append(f"{twice:,} primary key{'s are' if twice > 1 else ' is'} there more than once: {there}")
    if wrong:
        raise InvalidRows(
            f"The entities of {spec.entities.name!r} decided from {window[0]:%Y-%m-%d %H:%M} to {window[1]:%Y-%m-%d %H:%M} cannot "
            f"be scored: {'. And '.join(wrong)}. Nothing was written. Put the source right, and score the window again."
        )


def _told(row: dict[str, object]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in row.items())


def _text(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else "null" if value is None else str(value)
