"""The point-in-time join by Spark alone: one shuffle for all tables that share a lookup key and a timestamp."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.tables.protocol import Tables

_AT = "__at"
_MICROSECONDS = timedelta(microseconds=1)


def union_and_last(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: Tables) -> DataFrame:
    """The join by Spark alone: one shuffle for all tables that share a lookup key and a timestamp."""

    def group_key(lookup: ResolvedLookup) -> tuple[tuple[str, ...], str]:
        return tuple(column for column, _ in lookup.keys), lookup.times[0] if lookup.times else ""

    for (columns, moment), group in groupby(sorted(lookups, key=group_key), key=group_key):
        members = list(group)
        if moment:
            spine = _as_of(spine, members, columns, moment, tables)
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
    spine: DataFrame, lookups: Sequence[ResolvedLookup], columns: Sequence[str], moment: str, tables: Tables
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
    return joined.select(*quoted(spine.columns), *_names(lookups)).unionByName(around, allowMissingColumns=True)


def _slot_rows(slot: int, lookup: ResolvedLookup, keys: Sequence[str], tables: Tables) -> DataFrame:
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


def quoted(names: Iterable[str]) -> list[str]:
    """The names as Spark takes them, whatever stands in them."""
    return [f"`{name}`" for name in names]


def _names(lookups: Sequence[ResolvedLookup]) -> list[Column]:
    return [
        F.col(f"__values{slot}.`{name}`").alias(name)
        for slot, lookup in enumerate(lookups)
        for _, name in lookup.outputs
    ]
