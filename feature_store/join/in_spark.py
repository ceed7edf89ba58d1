"""The point-in-time join by Spark alone: one shuffle for all tables that share a lookup key and a timestamp.

What nobody can find is not shuffled: rows after the last moment asked for, those older than the earliest less the lookback, and,
for a small data frame, those of other keys. For that the data frame is computed once and held on the workers' disks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from feature_store.join.once import computed_once
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.tables.protocol import Tables

_AT = "__at"
_MICROSECOND = timedelta(microseconds=1)
_DAY, _YEAR_ONE, _LONGEST = 86_400_000_000, -62_135_596_800_000_000, 2**63 - 1
MOST_ROWS_TO_FILTER_BY_KEY = 100_000
"""Of a data frame of at most so many rows the keys are sent to all workers, and feature rows of others not shuffled."""


@dataclass(frozen=True)
class _Asked:
    """The data frame, computed once; its number of rows, and by moment column the first and the last, in microseconds."""

    frame: DataFrame
    rows: int
    ends: dict[str, tuple[int, int] | None]

    @classmethod
    def of(cls, spine: DataFrame, moments: Sequence[str]) -> "_Asked":
        frame = spine if spine.is_cached else computed_once(spine)
        micros = [F.unix_micros(F.col(f"`{moment}`").cast("timestamp")) for moment in moments]
        ends = [column for one in micros for column in (F.min(one), F.max(one))]
        rows, *found = frame.agg(F.count("*"), *ends).collect()[0]
        by_moment = zip(moments, found[::2], found[1::2], strict=True)
        return cls(frame, rows, {moment: None if first is None else (first, last) for moment, first, last in by_moment})

    def may_find(self, known_at: Column, kind: DataType, moment: str, lookback: timedelta | None) -> Column:
        """Whether a row known then can be found at all; a day more on either side, whatever the columns' types and zones are."""
        ends = self.ends[moment]
        if ends is None:
            return F.lit(False)

        def at(micros: int) -> Column:
            return F.timestamp_micros(F.lit(micros)).cast(kind)

        possible = known_at <= at(ends[1] + _DAY)
        oldest = _YEAR_ONE if lookback is None else ends[0] - lookback // _MICROSECOND - _DAY
        return possible & (known_at >= at(oldest)) if oldest > _YEAR_ONE else possible

    def keys(self, askable: Column, columns: Sequence[str], names: Sequence[str]) -> DataFrame | None:
        """The keys of the rows that ask, under these names, if they are few enough for each worker to have them all."""
        if self.rows > MOST_ROWS_TO_FILTER_BY_KEY:
            return None
        named = [F.col(f"`{column}`").alias(name) for column, name in zip(columns, names, strict=True)]
        return F.broadcast(self.frame.where(askable).select(*named).distinct())


def union_and_last(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables) -> DataFrame:
    """The join by Spark alone: one shuffle for all tables that share a lookup key and a timestamp."""

    def group_key(lookup: ResolvedLookup) -> tuple[tuple[str, ...], str]:
        return tuple(column for column, _ in lookup.keys), lookup.times[0] if lookup.times else ""

    moments = sorted({lookup.times[0] for lookup in lookups if lookup.times})
    asked = _Asked.of(spine, moments) if moments else None
    spine = asked.frame if asked else spine
    for (columns, moment), group in groupby(sorted(lookups, key=group_key), key=group_key):
        members = list(group)
        if asked and moment:
            spine = _as_of(spine, members, columns, moment, tables, asked)
        else:
            for lookup in members:
                spine = by_key(spine, lookup, tables)
    return spine


def by_key(spine: DataFrame, lookup: ResolvedLookup, tables: Tables) -> DataFrame:
    """``spine`` with the outputs of a lookup in a table without time."""
    features = tables.read(lookup.table, version=lookup.version).select(
        *(F.col(f"`{key}`").alias(f"__key_{key}") for _, key in lookup.keys),
        *(F.col(f"`{feature}`").alias(name) for feature, name in lookup.outputs),
    )
    condition = F.lit(True)
    for ours, theirs in lookup.keys:
        condition &= F.col(f"`{ours}`") == F.col(f"`__key_{theirs}`")
    return spine.join(features, condition, "left").drop(*(f"__key_{key}" for _, key in lookup.keys))


def _as_of(
    spine: DataFrame,
    lookups: Sequence[ResolvedLookup],
    columns: Sequence[str],
    moment: str,
    tables: Tables,
    asked: _Asked,
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
    wanted = asked.keys(askable, columns, keys)
    for slot, lookup in enumerate(lookups):
        rows = _slot_rows(slot, lookup, keys, tables, asked)
        rows = rows if wanted is None else rows.join(wanted, keys, "left_semi")
        stacked = stacked.unionByName(rows, allowMissingColumns=True)
    # Feature rows sort before data frame rows of the same moment: a tie is included.
    so_far = Window.partitionBy(*keys).orderBy(_AT, "__order").rowsBetween(Window.unboundedPreceding, 0)
    newest = [
        F.last(f"__slot{slot}", ignorenulls=True).over(so_far).alias(f"__slot{slot}") for slot in range(len(lookups))
    ]
    found = stacked.select("__spine", _AT, *newest).where("__spine IS NOT NULL")
    joined = found.select("__spine.*", *(_output(slot, lookup) for slot, lookup in enumerate(lookups)))
    around = spine.where(~askable)
    return joined.select(*quoted(spine.columns), *_names(lookups)).unionByName(around, allowMissingColumns=True)


def _slot_rows(slot: int, lookup: ResolvedLookup, keys: Sequence[str], tables: Tables, asked: _Asked) -> DataFrame:
    assert lookup.times is not None
    moment, column = lookup.times
    known_at = F.col(f"`{column}`")
    values = [F.col(f"`{feature}`").alias(name) for feature, name in lookup.outputs]
    stored = tables.read(lookup.table, version=lookup.version)
    findable = asked.may_find(known_at, stored.schema[column].dataType, moment, lookup.lookback)
    return stored.where(findable).select(
        *(F.col(f"`{theirs}`").alias(key) for (_, theirs), key in zip(lookup.keys, keys, strict=True)),
        known_at.alias(_AT),
        F.lit(0).alias("__order"),
        F.struct(known_at.alias(_AT), F.struct(*values).alias("values")).alias(f"__slot{slot}"),
    )


def _output(slot: int, lookup: ResolvedLookup) -> Column:
    values = F.col(f"__slot{slot}.values")
    if lookup.lookback is not None:
        micros = min(lookup.lookback // _MICROSECOND, _LONGEST)
        age = F.unix_micros(F.col(_AT).cast("timestamp")) - F.unix_micros(
            F.col(f"__slot{slot}.{_AT}").cast("timestamp")
        )
        values = F.when(age <= micros, values)
    return values.alias(f"__values{slot}")


def quoted(names: Iterable[str]) -> list[str]:
    """The names as Spark takes them, whatever stands in them."""
    return [f"`{name}`" for name in names]


def _names(lookups: Sequence[ResolvedLookup]) -> list[Column]:
    return [
        F.col(f"__values{slot}.`{name}`").alias(name)
        for slot, lookup in enumerate(lookups)
        for _, name in lookup.outputs
    ]
