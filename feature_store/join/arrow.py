"""What Spark's Python workers do in the point-in-time join: pack rows into blobs, search, take.

Nothing here knows of Spark or of Delta tables. Rows are Arrow tables whose columns go by position, since their names
are the users'. A search looks at keys and moments only; whatever else the rows hold, of any type, is copied as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from feature_store.join.newest_row import Asked, find

BLOBS = "group int, slot int, rows binary"
_CHUNK_BYTES = 32 * 2**20
_OUTPUT_ROWS = 16_384
_MOMENT = "moment"


@dataclass(frozen=True)
class Side:
    """Where keys and moment stand among the columns of the data frame, or of a feature table."""

    keys: tuple[int, ...]
    moment: int

    @property
    def names(self) -> list[str]:
        """The keys' names in :meth:`narrow`."""
        return [f"key{position}" for position in range(len(self.keys))]

    def narrow(self, rows: pa.Table) -> pl.DataFrame:
        """Keys and moments only."""
        columns = [rows.column(position) for position in (*self.keys, self.moment)]
        return cast(pl.DataFrame, pl.from_arrow(pa.table(columns, names=[*self.names, _MOMENT])))


@dataclass(frozen=True)
class Search:
    """One lookup: the two sides, the positions of the features among the columns of theirs, and the lookback."""

    ours: Side
    theirs: Side
    features: tuple[int, ...]
    lookback: timedelta | None = None

    def found(self, asks: pa.Table, features: pa.Table) -> pa.Array:
        """For each of ``asks`` the number of its newest row in ``features``, or null."""
        asked = Asked.of(self.ours.narrow(asks), self.ours.names, _MOMENT)
        return find(asked, self.theirs.narrow(features), self.theirs.names, _MOMENT, self.lookback).to_arrow()


def pack(
    batches: Iterable[pa.RecordBatch],
    *,
    slot: int,
    groups: int,
    side: Side | None = None,
    earliest: date | datetime | None = None,
) -> Iterator[pa.RecordBatch]:
    """``batches`` as :data:`BLOBS`: one Arrow stream for each group of each chunk of rows.

    The first column is the group, null where any will do. Of the rows known before ``earliest``,
    the newest of each key is packed, for no other can be found; ``side`` says where to look.
    """
    for chunk in _chunks(batches):
        group = _groups(chunk.column(0), groups)
        rows = chunk.remove_column(0)
        # Of 16 bits, so that NumPy sorts by radix.
        order = np.argsort(group.astype(np.uint16), kind="stable")
        if side is not None and earliest is not None:
            order = order[_seen(rows, side, earliest)[order]]
        sizes = np.bincount(group[order], minlength=groups)
        present = np.flatnonzero(sizes)
        rows, starts = rows.take(pa.array(order)), np.cumsum(sizes) - sizes
        blobs = _streams([rows.slice(int(starts[number]), int(sizes[number])) for number in present])
        slots = np.full(len(present), slot, np.int32)
        yield pa.record_batch([pa.array(present.astype(np.int32)), pa.array(slots), blobs], ["group", "slot", "rows"])


def join_blobs(
    batches: Iterable[pa.RecordBatch], *, searches: Mapping[int, Search], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The rows of slot 0 with what each search finds in the rows of its slot; all blobs are of one group."""
    slots: dict[int, list[pa.Table]] = {}
    for batch in batches:
        for slot, blob in zip(batch.column(1).to_pylist(), batch.column(2), strict=True):
            slots.setdefault(slot, []).append(pa.ipc.open_stream(blob.as_buffer()).read_all())
    if asks := slots.pop(0, []):
        # One after the other: what has been searched is let go.
        sides = ((search, _rows(slots.pop(slot, []))) for slot, search in sorted(searches.items()))
        yield from joined(_rows(asks), sides, schema)


def join_broadcast(
    batches: Iterable[pa.RecordBatch], *, searches: Sequence[tuple[Search, bytes]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """``batches`` with what each search finds in the table beside it, an Arrow stream of all its rows."""
    sides = [(search, pa.ipc.open_stream(stream).read_all()) for search, stream in searches]
    for chunk in _chunks(batches):
        yield from joined(chunk, sides, schema)


def joined(asks: pa.Table, sides: Iterable[tuple[Search, pa.Table]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The columns of ``asks`` and, after them, the features of each search, as ``schema`` has them."""
    columns = list(asks.columns)
    for search, features in sides:
        if features.num_rows:
            found = search.found(asks, features)
            columns += [features.column(position).take(found) for position in search.features]
        else:
            fields = [schema.field(len(columns) + position) for position in range(len(search.features))]
            columns += [pa.nulls(asks.num_rows, field.type) for field in fields]
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    yield from pa.table(columns, schema=schema).to_batches(max_chunksize=_OUTPUT_ROWS)


def _rows(parts: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts) if parts else pa.table({})


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Spark's small batches, gathered until a chunk is worth a search; none is empty."""
    gathered: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if batch.num_rows:
            gathered.append(batch)
            size += batch.nbytes
        if size >= _CHUNK_BYTES:
            yield pa.Table.from_batches(gathered).combine_chunks()
            gathered, size = [], 0
    if gathered:
        yield pa.Table.from_batches(gathered).combine_chunks()


def _groups(given: pa.ChunkedArray, groups: int) -> npt.NDArray[np.int32]:
    """The group of each row; rows that may go anywhere are spread evenly."""
    anywhere = (np.arange(len(given)) % groups).astype(np.int32)
    return np.where(given.is_null().to_numpy(), anywhere, given.fill_null(0).to_numpy())


def _seen(rows: pa.Table, side: Side, earliest: date | datetime) -> npt.NDArray[np.bool_]:
    """Which rows may be found by somebody who asks at ``earliest`` or later."""
    old = side.narrow(rows).with_row_index("row").filter(pl.col(_MOMENT) < pl.lit(earliest))
    seen = np.ones(rows.num_rows, np.bool_)
    if old.height:
        newest = old.group_by(side.names).agg(pl.col("row").get(pl.col(_MOMENT).arg_max()))
        seen[old["row"].to_numpy()] = False
        seen[newest["row"].to_numpy()] = True
    return seen


def _streams(parts: Sequence[pa.Table]) -> pa.Array:
    """An Arrow stream for each of ``parts``, one after the other in one array of binaries."""
    sink = pa.BufferOutputStream()
    ends = [0]
    for rows in parts:
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        ends.append(sink.tell())
    offsets = pa.py_buffer(np.array(ends, np.int32))
    return pa.Array.from_buffers(pa.binary(), len(parts), [None, offsets, sink.getvalue()])
