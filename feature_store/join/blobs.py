"""Rows on their way between Spark's workers: Arrow streams in binaries, each to a target and of a slot.

A target is whoever gets the rows, one for each task; a slot is the lookup they are of, from 0, or :data:`OURS`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

BLOBS = "target int, slot int, rows binary"
OURS = -1
Numbers = npt.NDArray[np.int32] | npt.NDArray[np.int64]


def scattered(
    rows: pl.DataFrame, places: npt.NDArray[np.int64], number: int, first: int, slot: int
) -> Iterator[pa.RecordBatch]:
    """The rows, a blob for each of their ``places``, which are below ``number``; targets are numbered from ``first``."""
    # Of 16 bits, if they fit, so that NumPy sorts by radix.
    order = np.argsort(places.astype(np.uint16 if number <= 2**16 else np.int64), kind="stable")
    sizes = np.bincount(places, minlength=number)
    present, starts = np.flatnonzero(sizes), np.cumsum(sizes) - sizes
    if len(present):
        ordered = as_arrow(rows[order])
        parts = [[ordered.slice(int(starts[place]), int(sizes[place]))] for place in present]
        yield batch_of(present + first, slot, streams(parts))


def to_groups(
    rows: pl.DataFrame, question: int, names: Sequence[str], groups: int, slot: int
) -> Iterator[pa.RecordBatch]:
    """The rows, a blob for each group of keys; the groups of a question are numbered after those before it."""
    # The same number on every worker that has the same Polars.
    group = (rows.select(names).hash_rows(seed=0).to_numpy() % np.uint64(groups)).astype(np.int64)
    yield from scattered(rows, group, groups, question * groups, slot)


def batch_of(targets: Sequence[int] | Numbers, slot: int, blobs: pa.Array) -> pa.RecordBatch:
    """Rows of :data:`BLOBS`, all of one slot."""
    slots = pa.array(np.full(len(targets), slot, np.int32))
    return pa.record_batch([pa.array(targets, pa.int32()), slots, blobs], ["target", "slot", "rows"])


def streams(parts: Sequence[Sequence[pa.Table]]) -> pa.Array:
    """For each of ``parts`` its Arrow streams, one after the other, in one array of binaries."""
    sink, ends = pa.BufferOutputStream(), [0]
    for tables in parts:
        for rows in tables:
            with pa.ipc.new_stream(sink, rows.schema) as writer:
                writer.write_table(rows)
        ends.append(sink.tell())
    offsets = pa.py_buffer(np.array(ends, np.int64))
    wide = pa.Array.from_buffers(pa.large_binary(), len(parts), [None, offsets, sink.getvalue()])
    return wide.cast(pa.binary())


def received(batches: Iterable[pa.RecordBatch]) -> tuple[int, dict[int, list[pa.Buffer]]]:
    """The target, one for each task, and the blobs of each slot."""
    target, slots = 0, dict[int, list[pa.Buffer]]()
    for batch in batches:
        for one, slot, blob in zip(
            batch.column(0).to_pylist(), batch.column(1).to_pylist(), batch.column(2), strict=True
        ):
            target = one
            slots.setdefault(slot, []).append(blob.as_buffer())
    return target, slots


def unpacked(blob: pa.Buffer) -> pa.Table:
    """The rows of the first stream; no byte is copied."""
    return pa.ipc.open_stream(blob).read_all()


def gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Spark's small batches, gathered; none is empty."""
    waiting: list[pa.RecordBatch] = []
    height = 0
    for batch in batches:
        if batch.num_rows:
            waiting.append(batch)
            height += batch.num_rows
        if height >= rows:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, height = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def micros(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments as microseconds; a date is its first moment."""
    zone = getattr(column.type, "tz", None)
    return column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())


def frame_of(columns: Sequence[pa.ChunkedArray], names: Sequence[str]) -> pl.DataFrame:
    """A frame of columns, under these names."""
    return as_polars(pa.table(list(columns), names=list(names)))


def as_polars(table: pa.Table) -> pl.DataFrame:
    """The same rows for Polars."""
    return cast(pl.DataFrame, pl.from_arrow(table))


def as_arrow(rows: pl.DataFrame) -> pa.Table:
    """The same rows for Arrow of any version, in one chunk."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
