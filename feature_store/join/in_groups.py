"""The point-in-time join by groups of keys, on a cluster whose workers have Polars and this package.

No table is pulled to the driver but one known to be small.

    origin  known_at  wind              flight  origin  decided_at
    JFK     08:00        5              B6-1    JFK     10:00
    JFK     10:00        9              DL-7    LGA     10:00
    LGA     09:00        7

What costs is moving feature rows, so they move as blobs of Arrow columns. Each task that reads a table gathers its rows
by a hash of the key and writes, for each group of keys, one blob; Spark shuffles a few blobs where it would shuffle
millions of rows, once for all tables that share a lookup key. Here JFK may be in group 0 and LGA in group 1:

    group  slot  rows                                  slot 0: the data frame; slot 1: the first lookup; …
    0      0     [(B6-1, JFK, 10:00)]
    0      1     [(JFK, 08:00, 5), (JFK, 10:00, 9)]
    1      0     [(DL-7, LGA, 10:00)]
    1      1     [(LGA, 09:00, 7)]

A group then has all that its keys need: its searches are vectorised, and whole rows are taken by number, whatever their
types. No row is sorted by Spark, no struct is built, and a key with many rows is no group of its own in Spark's sense.

Before that, rows that nobody can find are left out: those after the last moment asked for; those older than the earliest
less the lookback; of those before the earliest, all but the newest of each key in each chunk; and, for a small data
frame, those of other keys. For this the data frame is computed once and held (by Spark, on its workers).

On request, tables of few cells go whole to every worker, which searches them batch by batch: the data frame is not shuffled.
Tables without time are Spark's own left join.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import and_

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from feature_store.join import arrow as join_arrow
from feature_store.join.arrow import BLOBS, Search, Side
from feature_store.join.in_spark import by_key, quoted
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.tables.protocol import TablesInFiles

_MOST_CELLS_TO_BROADCAST = 2_000_000
_MOST_ROWS_TO_FILTER_BY_KEY = 100_000
_CELLS_OF_A_GROUP = 4_000_000
_MOST_GROUPS = 4096
Batches = Iterator[pa.RecordBatch]


def join_in_groups(
    spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles, *, broadcast: bool
) -> DataFrame:
    """``spine`` with the outputs of ``lookups`` after its own columns, in some order.

    With ``broadcast``, tables of few cells go to every worker; without, every table with time is shuffled.
    """
    small = _small([lookup for lookup in lookups if lookup.times], tables) if broadcast else []
    large = [lookup for lookup in lookups if lookup.times and lookup not in small]
    asked = _Asked.of(spine, large) if large else None
    joined = asked.frame if asked else spine
    for lookup in lookups:
        if not lookup.times:
            joined = by_key(joined, lookup, tables)
    if small:
        joined = _broadcast(joined, small, tables)
    for _, group in groupby(sorted(large, key=_lookup_key), key=_lookup_key):
        assert asked is not None
        joined = _shuffled(joined, list(group), tables, asked)
    return joined


@dataclass(frozen=True)
class _Asked:
    """The data frame, computed once, and what it asks for: the first and the last moment of each moment column."""

    frame: DataFrame
    rows: int
    moments: dict[str, tuple[date | datetime | None, date | datetime | None]]

    @classmethod
    def of(cls, spine: DataFrame, lookups: Iterable[ResolvedLookup]) -> "_Asked":
        # Held even if it could be computed twice: it might give other rows then, and the cut would lose features.
        frame = spine if spine.is_cached else spine.localCheckpoint()
        names = sorted({lookup.times[0] for lookup in lookups if lookup.times})
        ends = [end(F.col(f"`{name}`")) for name in names for end in (F.min, F.max)]
        numbered = [end.alias(f"c{number}") for number, end in enumerate(ends)]
        # By Arrow: moments with their time zone, where rows would come in that of this machine.
        rows, *found = (column[0].as_py() for column in frame.agg(F.count("*").alias("rows"), *numbered).toArrow())
        return cls(frame, rows, dict(zip(names, zip(found[::2], found[1::2], strict=True), strict=True)))

    def cut(self, features: DataFrame, lookup: ResolvedLookup) -> DataFrame:
        """``features`` without rows that nobody can find, as far as Spark can tell cheaply."""
        assert lookup.times is not None
        known_at = F.col(f"`{lookup.times[1]}`")
        first, last = self.moments[lookup.times[0]]
        if first is None or last is None:
            return features.where(F.lit(False))
        needed = known_at <= F.lit(last)
        if lookup.lookback is not None and (oldest := _oldest(first, lookup.lookback)):
            needed &= known_at >= F.lit(oldest)
        features = features.where(needed).where(_all_known(theirs for _, theirs in lookup.keys))
        if self.rows > _MOST_ROWS_TO_FILTER_BY_KEY:
            return features
        names = [f"__key{position}" for position in range(len(lookup.keys))]
        keys = self.frame.select(*(F.col(f"`{k}`").alias(n) for (k, _), n in zip(lookup.keys, names, strict=True)))
        same = [F.col(f"`{k}`") == F.col(n) for (_, k), n in zip(lookup.keys, names, strict=True)]
        return features.join(F.broadcast(keys.distinct()), reduce(and_, same), "left_semi")

    def earliest(self, lookup: ResolvedLookup) -> date | datetime | None:
        """The first moment that the lookup is asked for."""
        assert lookup.times is not None
        return self.moments[lookup.times[0]][0]


def _oldest(first: date | datetime, lookback: timedelta) -> date | datetime | None:
    """The oldest moment that can be seen from ``first``, None if there is no such date; whole days, for dates' sake."""
    try:
        return first - timedelta(days=lookback.days + 1)
    except OverflowError:
        return None


def _shuffled(joined: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles, asked: _Asked) -> DataFrame:
    """All lookups of one lookup key: one shuffle of blobs, one task for each group of keys."""
    spark = joined.sparkSession
    cells = sum(_cells(lookup, tables) for lookup in lookups)
    groups = min(max(spark.sparkContext.defaultParallelism, cells // _CELLS_OF_A_GROUP), _MOST_GROUPS)
    blobs = _packed(joined, [ours for ours, _ in lookups[0].keys], slot=0, groups=groups)
    searches = {}
    for slot, lookup in enumerate(lookups, start=1):
        features = tables.read(lookup.table, version=lookup.version).select(*quoted(lookup.table_columns))
        keys = [theirs for _, theirs in lookup.keys]
        searches[slot] = search = _search(joined, lookup)
        needed = asked.cut(features, lookup)
        earliest = asked.earliest(lookup)
        blobs = blobs.union(_packed(needed, keys, slot=slot, groups=groups, side=search.theirs, earliest=earliest))
    schema = _joined_schema(joined, lookups, tables)
    arrow = _arrow_schema(joined, schema)

    def join_group(batches: Batches) -> Batches:
        return join_arrow.join_blobs(batches, searches=searches, schema=arrow)

    return blobs.repartitionById(groups, "group").mapInArrow(join_group, schema)


def _packed(
    rows: DataFrame,
    keys: Sequence[str],
    *,
    slot: int,
    groups: int,
    side: Side | None = None,
    earliest: date | datetime | None = None,
) -> DataFrame:
    """``rows`` as blobs; those with a null key may go to any group, for they find nothing."""
    hashed = F.pmod(F.xxhash64(*quoted(keys)), F.lit(groups)).cast("int")
    columns = [F.col(f"`{name}`").alias(f"c{position}") for position, name in enumerate(rows.columns)]
    grouped = rows.select(F.when(_all_known(keys), hashed).alias("group"), *columns)

    def pack(batches: Batches) -> Batches:
        return join_arrow.pack(batches, slot=slot, groups=groups, side=side, earliest=earliest)

    return grouped.mapInArrow(pack, BLOBS)


def _broadcast(joined: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles) -> DataFrame:
    """Lookups in tables so small that every worker gets them whole."""
    streams = []
    for lookup in lookups:
        features = tables.read(lookup.table, version=lookup.version).select(*quoted(lookup.table_columns))
        rows = features.where(_all_known(theirs for _, theirs in lookup.pairs)).toArrow()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        streams.append(sink.getvalue().to_pybytes())
    schema = _joined_schema(joined, lookups, tables)
    arrow, searches = _arrow_schema(joined, schema), [_search(joined, lookup) for lookup in lookups]
    sent = joined.sparkSession.sparkContext.broadcast(streams)

    def look_up(batches: Batches) -> Batches:
        found = list(zip(searches, sent.value, strict=True))
        return join_arrow.join_broadcast(batches, searches=found, schema=arrow)

    # By position: Spark would read a dot in a name as a step into a struct.
    columns = [F.col(f"`{name}`").alias(f"c{position}") for position, name in enumerate(joined.columns)]
    return joined.select(*columns).mapInArrow(look_up, schema)


def _small(lookups: Iterable[ResolvedLookup], tables: TablesInFiles) -> list[ResolvedLookup]:
    """The lookups in tables small enough to go to every worker, the smallest first, as many as fit together."""
    chosen, total = [], 0
    for cells, lookup in sorted(((_cells(one, tables), one) for one in lookups), key=lambda pair: pair[0]):
        total += cells
        if total <= _MOST_CELLS_TO_BROADCAST:
            chosen.append(lookup)
    return chosen


def _cells(lookup: ResolvedLookup, tables: TablesInFiles) -> int:
    """Rows times columns that the lookup reads, from the Delta log."""
    return tables.rows(lookup.table, version=lookup.version) * len(lookup.table_columns)


def _lookup_key(lookup: ResolvedLookup) -> tuple[str, ...]:
    return tuple(ours for ours, _ in lookup.keys)


def _search(joined: DataFrame, lookup: ResolvedLookup) -> Search:
    assert lookup.times is not None

    def side(columns: Sequence[str], names: Iterable[str]) -> Side:
        *keys, moment = (columns.index(name) for name in names)
        return Side(tuple(keys), moment)

    read = lookup.table_columns
    return Search(
        ours=side(joined.columns, (ours for ours, _ in lookup.pairs)),
        theirs=side(read, (theirs for _, theirs in lookup.pairs)),
        features=tuple(read.index(feature) for feature, _ in lookup.outputs),
        lookback=lookup.lookback,
    )


def _joined_schema(joined: DataFrame, lookups: Iterable[ResolvedLookup], tables: TablesInFiles) -> StructType:
    schema = StructType(list(joined.schema.fields))
    for lookup in lookups:
        stored = tables.info(lookup.table, version=lookup.version).schema
        for feature, name in lookup.outputs:
            schema = schema.add(name, stored[feature].dataType, True)
    return schema


def _arrow_schema(joined: DataFrame, schema: StructType) -> pa.Schema:
    return to_arrow_schema(schema, timezone=joined.sparkSession.conf.get("spark.sql.session.timeZone"))


def _all_known(names: Iterable[str]) -> Column:
    return reduce(and_, (F.col(f"`{name}`").isNotNull() for name in names))
