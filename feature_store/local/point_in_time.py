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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import polars as pl
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from feature_store.local.tables import DeltaTables

MOST_ROWS_ON_DRIVER = 30_000_000
_MICROSECONDS = timedelta(microseconds=1)
_ROW, _AT = "__row", "__at"


@dataclass(frozen=True)
class ResolvedLookup:
    """A lookup with everything known of its table: ``outputs`` maps feature columns to output names.

    ``keys`` pairs the data frame's columns with the table's; ``times`` does so for the timestamp, None without time.
    """

    table: str
    version: int
    keys: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    times: tuple[str, str] | None = None
    lookback: timedelta | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """``keys`` and, last, ``times``."""
        return [*self.keys, *([self.times] if self.times else [])]

    @property
    def table_columns(self) -> list[str]:
        """The columns of the table that the join reads."""
        return list(dict.fromkeys([*(theirs for _, theirs in self.pairs), *(feature for feature, _ in self.outputs)]))


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
    return union_and_last(spine, used, tables).select(*_quoted([*spine.columns, *outputs]))


def _rows(lookups: Iterable[ResolvedLookup], tables: DeltaTables) -> int:
    """How many rows the tables hold, from their Delta logs; nothing is read."""
    return sum(tables.rows(lookup.table, version=lookup.version) for lookup in lookups)


# ---- on the driver


def join_on_driver(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> DataFrame:
    """The join by Polars, on Arrow buffers in this process."""
    given = spine.toArrow()
    rows = _polars(given).with_row_index(_ROW)
    keys = rows.select(_ROW, *_spine_columns(lookups))
    parts = [_join_one(keys, lookup, tables) for lookup in lookups]
    joined = pl.concat([rows.drop(_ROW), *parts], how="horizontal")
    schema = _output_schema(spine.schema, lookups, tables)
    return spine.sparkSession.createDataFrame(_arrow_like(joined, schema), schema)


def _join_one(keys: pl.DataFrame, lookup: ResolvedLookup, tables: DeltaTables) -> pl.DataFrame:
    """The outputs of one lookup, one row for each of ``keys``, in their order."""
    ours = [column for column, _ in lookup.keys]
    theirs = [column for _, column in lookup.keys]
    outputs = [pl.col(f"__feature_{feature}").alias(name) for feature, name in lookup.outputs]
    usable = keys.drop_nulls([*ours, *([lookup.times[0]] if lookup.times else [])])
    features = tables.arrow(lookup.table, lookup.table_columns, version=lookup.version, where=_range(usable, lookup))
    features = features.select(
        *(pl.col(key).alias(f"__key_{key}") for key in theirs),
        *([pl.col(lookup.times[1]).alias(_AT)] if lookup.times else []),
        *(pl.col(feature).alias(f"__feature_{feature}") for feature, _ in lookup.outputs),
    )
    right_on = [f"__key_{key}" for key in theirs]
    if lookup.times is None:
        found = usable.join(features, left_on=ours, right_on=right_on, how="left", validate="m:1")
    else:
        found = usable.sort(lookup.times[0]).join_asof(
            features.sort(_AT), left_on=lookup.times[0], right_on=_AT, by_left=ours, by_right=right_on,
            strategy="backward", coalesce=False, check_sortedness=False,
        )  # fmt: skip
        if lookup.lookback is not None:
            newest, asked = _instants(found, _AT, lookup.times[0])
            found = found.filter(newest >= asked - lookup.lookback)
    return keys.select(_ROW).join(found, on=_ROW, how="left", maintain_order="left").select(outputs)


def _range(usable: pl.DataFrame, lookup: ResolvedLookup) -> pl.Expr | None:
    """Feature rows after the last moment asked for, or before the earliest lookback, cannot be needed."""
    if lookup.times is None or usable.is_empty():
        return None
    moments, column = usable[lookup.times[0]], pl.col(lookup.times[1])
    needed = column <= moments.max()
    if lookup.lookback is not None:
        # Whole days, for the sake of dates; what is read too much, the join leaves out.
        needed &= column >= pl.lit(moments.min()) - timedelta(days=lookup.lookback.days + 1)
    return needed


def _instants(frame: pl.DataFrame, *names: str) -> Iterator[pl.Expr]:
    """The columns as moments with a time of day: a date less twelve hours would be a date again."""
    for name in names:
        yield pl.col(name).cast(pl.Datetime("us")) if frame.schema[name] == pl.Date else pl.col(name)


def _spine_columns(lookups: Sequence[ResolvedLookup]) -> list[str]:
    columns = [column for lookup in lookups for column, _ in lookup.keys]
    return list(dict.fromkeys([*columns, *(lookup.times[0] for lookup in lookups if lookup.times)]))


def _polars(arrow: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(arrow)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _arrow_like(frame: pl.DataFrame, schema: StructType) -> pa.Table:
    from pyspark.sql.pandas.types import to_arrow_schema

    return frame.to_arrow().cast(to_arrow_schema(schema, timezone="UTC"))


def _output_schema(spine: StructType, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> StructType:
    schema = StructType(list(spine.fields))
    for lookup in lookups:
        stored = tables.info(lookup.table, version=lookup.version).schema
        for feature, name in lookup.outputs:
            schema = schema.add(name, stored[feature].dataType, True)
    return schema


# ---- union and last


def union_and_last(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> DataFrame:
    """The join by Spark alone: one shuffle for all tables that share a lookup key and a timestamp."""

    def group_key(lookup: ResolvedLookup) -> tuple[tuple[str, ...], str]:
        return tuple(column for column, _ in lookup.keys), lookup.times[0] if lookup.times else ""

    for (columns, moment), group in groupby(sorted(lookups, key=group_key), key=group_key):
        members = list(group)
        if moment:
            spine = _as_of(spine, members, columns, moment, tables)
        else:
            for lookup in members:
                spine = _by_key(spine, lookup, tables)
    return spine


def _by_key(spine: DataFrame, lookup: ResolvedLookup, tables: DeltaTables) -> DataFrame:
    features = tables.read(lookup.table, version=lookup.version).select(
        *(F.col(f"`{key}`").alias(f"__key_{key}") for _, key in lookup.keys),
        *(F.col(f"`{feature}`").alias(name) for feature, name in lookup.outputs),
    )
    condition = F.lit(True)
    for ours, theirs in lookup.keys:
        condition &= F.col(f"`{ours}`") == F.col(f"`__key_{theirs}`")
    return spine.join(features, condition, "left").drop(*(f"__key_{key}" for _, key in lookup.keys))


def _as_of(
    spine: DataFrame, lookups: Sequence[ResolvedLookup], columns: Sequence[str], moment: str, tables: DeltaTables
) -> DataFrame:
    """All tables of one lookup key at once. A struct of nulls is itself not null, so ``last`` takes whole rows."""
    keys = [f"__key{position}" for position in range(len(columns))]
    whole = F.struct(*(F.col(f"`{name}`") for name in spine.columns)).alias("__spine")
    askable = F.col(f"`{moment}`").isNotNull()
    for column in columns:
        askable &= F.col(f"`{column}`").isNotNull()
    asking = spine.where(askable)
    stacked = asking.select(
        *(F.col(f"`{column}`").alias(key) for column, key in zip(columns, keys, strict=True)),
        F.col(f"`{moment}`").alias(_AT),
        F.lit(1).alias("__order"),
        whole,
    )
    for slot, lookup in enumerate(lookups):
        stacked = stacked.unionByName(_slot_rows(slot, lookup, keys, tables), allowMissingColumns=True)
    # Feature rows sort before data frame rows of the same moment: a tie is included.
    so_far = Window.partitionBy(*keys).orderBy(_AT, "__order").rowsBetween(Window.unboundedPreceding, 0)
    newest = [
        F.last(f"__slot{slot}", ignorenulls=True).over(so_far).alias(f"__slot{slot}") for slot in range(len(lookups))
    ]
    found = stacked.select("__spine", _AT, *newest).where("__spine IS NOT NULL")
    joined = found.select("__spine.*", *(_output(slot, lookup) for slot, lookup in enumerate(lookups)))
    around = spine.where(~askable)
    return joined.select(*_quoted(spine.columns), *_names(lookups)).unionByName(around, allowMissingColumns=True)


def _slot_rows(slot: int, lookup: ResolvedLookup, keys: Sequence[str], tables: DeltaTables) -> DataFrame:
    assert lookup.times is not None
    values = [F.col(f"`{feature}`").alias(name) for feature, name in lookup.outputs]
    return tables.read(lookup.table, version=lookup.version).select(
        *(F.col(f"`{theirs}`").alias(key) for (_, theirs), key in zip(lookup.keys, keys, strict=True)),
        F.col(f"`{lookup.times[1]}`").alias(_AT),
        F.lit(0).alias("__order"),
        F.struct(F.col(f"`{lookup.times[1]}`").alias(_AT), F.struct(*values).alias("values")).alias(f"__slot{slot}"),
    )


def _output(slot: int, lookup: ResolvedLookup) -> Column:
    values = F.col(f"__slot{slot}.values")
    if lookup.lookback is not None:
        micros = lookup.lookback // _MICROSECONDS
        age = F.unix_micros(F.col(_AT).cast("timestamp")) - F.unix_micros(
            F.col(f"__slot{slot}.{_AT}").cast("timestamp")
        )
        values = F.when(age <= micros, values)
    return values.alias(f"__values{slot}")


def _quoted(names: Iterable[str]) -> list[str]:
    return [f"`{name}`" for name in names]


def _names(lookups: Sequence[ResolvedLookup]) -> list[Column]:
    return [
        F.col(f"__values{slot}.`{name}`").alias(name)
        for slot, lookup in enumerate(lookups)
        for _, name in lookup.outputs
    ]
