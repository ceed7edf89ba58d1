"""What Spark's Python workers do in the join by files: pack, ask, read keys, search, fetch, put together.

Each function is one ``mapInArrow``. What they hand on are rows of blobs: to whom (``target``), of which lookup
(``slot``, from 0; the data frame's own have :data:`OURS`), and Arrow streams. An address is a feature row's file, by its number in the
lookup, and its row there. Workers need no more than NumPy, Polars and pyarrow: what is sent to them is imported by name, since
a module that is imported whole would not be sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext

from feature_store.join.blobs import (
    OURS,
    as_arrow,
    as_polars,
    batch_of,
    frame_of,
    gathered,
    micros,
    received,
    scattered,
    streams,
    to_groups,
    unpacked,
)
from feature_store.join.newest_row import Asked, find
from feature_store.join.parquet_rows import Integers, columns_of_file

HELD = "partition int, number int, rows bigint, first array<bigint>, last array<bigint>, blob binary"
_ROWS_AT_ONCE = 1_000_000
_OUTPUT_ROWS = 16_384
_ROW_BITS = 40


@dataclass(frozen=True)
class Question:
    """The data frame's columns, by position, that some lookups share as keys, and the moments these go by."""

    keys: tuple[int, ...]
    moments: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """The keys, as they are called on their way."""
        return [f"key{number}" for number in range(len(self.keys))]


@dataclass(frozen=True)
class Sought:
    """A lookup as a worker needs it.

    ``question`` and ``moment`` say by what it asks; ``files``, ``keys``, ``time`` and ``features`` (with their types in
    the table) where it looks; ``target`` is the first of the ``bins`` that its files are fetched in; rows outside
    ``oldest`` to ``last`` are found by nobody, and of those before ``first`` only the newest (microseconds).
    """

    table: str
    question: int
    moment: int | None
    files: tuple[str, ...]
    keys: pa.Schema
    time: pa.Field | None
    features: pa.Schema
    lookback: timedelta | None
    storage: Mapping[str, str] = field(repr=False)
    target: int
    bins: int
    oldest: int | None
    first: int | None
    last: int | None

    @property
    def names(self) -> list[str]:
        """The keys, as they are called on their way."""
        return [f"key{number}" for number in range(len(self.keys))]


def pack(batches: Iterable[pa.RecordBatch], *, rows: int, moments: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The data frame as :data:`HELD`: in chunks of about ``rows`` rows, each with the ends of its ``moments``."""
    context = TaskContext.get()
    assert context is not None
    for number, chunk in enumerate(gathered(batches, rows)):
        ends = [pc.min_max(micros(chunk.column(position))) for position in moments]
        columns = [
            pa.array([context.partitionId()], pa.int32()),
            pa.array([number], pa.int32()),
            pa.array([chunk.num_rows]),
            pa.array([[end["min"].as_py() for end in ends]], pa.list_(pa.int64())),
            pa.array([[end["max"].as_py() for end in ends]], pa.list_(pa.int64())),
            streams([[chunk]]),
        ]
        yield pa.record_batch(columns, ["partition", "number", "rows", "first", "last", "blob"])


def held_chunks(batches: Iterable[pa.RecordBatch], starts: Mapping[int, int]) -> Iterator[tuple[int, pa.Buffer]]:
    """The chunks held, numbered through, as they were packed."""
    for batch in batches:
        for chunk, blob in zip(_numbered(batch, starts), batch.column(5), strict=True):
            yield chunk, blob.as_buffer()


def hand_on(batches: Iterable[pa.RecordBatch], *, starts: Mapping[int, int]) -> Iterator[pa.RecordBatch]:
    """Each chunk, to where it is put together."""
    for batch in batches:
        yield batch_of(_numbered(batch, starts), OURS, batch.column(5))


def _numbered(batch: pa.RecordBatch, starts: Mapping[int, int]) -> list[int]:
    partitions, numbers = batch.column(0).to_pylist(), batch.column(1).to_pylist()
    return [starts[partition] + number for partition, number in zip(partitions, numbers, strict=True)]


def distinct(batches: Iterable[pa.RecordBatch], *, questions: Sequence[Question]) -> Iterator[pa.RecordBatch]:
    """Of each chunk and question the different keys, none of them null; the slot is the question."""
    for blob in (blob for batch in batches for blob in batch.column(5)):
        rows = unpacked(blob.as_buffer())
        for number, question in enumerate(questions):
            keys = frame_of([rows.column(position) for position in question.keys], question.names)
            yield batch_of([0], number, streams([[as_arrow(keys.drop_nulls().unique())]]))


def ask(
    batches: Iterable[pa.RecordBatch], *, questions: Sequence[Question], starts: Mapping[int, int], groups: int
) -> Iterator[pa.RecordBatch]:
    """Of each chunk the keys and moments, and where they stand, to the group of their keys; nulls find nothing."""
    for chunk, blob in held_chunks(batches, starts):
        rows = unpacked(blob)
        for number, question in enumerate(questions):
            columns = [rows.column(position) for position in question.keys]
            moments = [micros(rows.column(position)) for position in question.moments]
            names = [*question.names, *(f"moment{position}" for position in question.moments)]
            asked = frame_of([*columns, *moments], names).with_columns(
                pl.lit(chunk, pl.Int32).alias("chunk"), pl.int_range(rows.num_rows, dtype=pl.Int32).alias("place")
            )
            yield from to_groups(asked.drop_nulls(question.names), number, question.names, groups, OURS)


def read_keys(
    batches: Iterable[pa.RecordBatch],
    *,
    tasks: Sequence[Sequence[tuple[int, int]]],
    sought: Sequence[Sought],
    groups: int,
    few: Mapping[int, pa.Table],
) -> Iterator[pa.RecordBatch]:
    """Of the files that are this task's, keys, moments and addresses, to the group of the keys.

    A task is a list of lookups and files; ``few`` has for a question, if they are few, all keys that are asked for.
    """
    for batch in batches:
        for task in batch.column(0).to_pylist():
            waiting: list[pl.DataFrame] = []
            for at, (slot, file) in enumerate(tasks[task]):
                lookup = sought[slot]
                wanted = as_polars(few[lookup.question]) if lookup.question in few else None
                last_of_slot = at + 1 == len(tasks[task]) or tasks[task][at + 1][0] != slot
                for rows in _keys_of_file(lookup, file, wanted):
                    waiting.append(rows)
                    if sum(one.height for one in waiting) >= _ROWS_AT_ONCE:
                        yield from to_groups(pl.concat(waiting), lookup.question, lookup.names, groups, slot)
                        waiting = []
                if last_of_slot and waiting:
                    yield from to_groups(pl.concat(waiting), lookup.question, lookup.names, groups, slot)
                    waiting = []


def _keys_of_file(lookup: Sought, file: int, wanted: pl.DataFrame | None) -> Iterator[pl.DataFrame]:
    """The rows of the file that somebody may find: keys, moment and address."""
    names = lookup.names
    schema = pa.schema([*lookup.keys, *([lookup.time] if lookup.time else [])])
    for numbers, rows in columns_of_file(lookup.files[file], schema, table=lookup.table, storage=lookup.storage):
        address = pl.Series(numbers + (file << _ROW_BITS))
        if wanted is not None:
            # Before anything else is done with the rows: most are nobody's.
            keys = frame_of(rows.columns[: len(names)], names).with_row_index("place")
            places = keys.join(wanted, on=names, how="semi")["place"]
            rows, address = rows.take(places.to_arrow()), address.gather(places)
        columns, moment = list(rows.columns), []
        if lookup.time:
            moment = [micros(columns.pop())]
        frame = frame_of([*columns, *moment], [*names, *(["moment"] if moment else [])])
        frame = frame.with_columns(address.alias("address")).drop_nulls()
        if lookup.last is not None:
            frame = frame.filter(pl.col("moment") <= lookup.last)
        if lookup.oldest is not None:
            frame = frame.filter(pl.col("moment") >= lookup.oldest)
        if lookup.first is not None:
            old = frame.filter(pl.col("moment") < lookup.first)
            if old.height:
                newest = old.group_by(names).agg(pl.all().get(pl.col("moment").arg_max()))
                frame = pl.concat([frame.filter(pl.col("moment") >= lookup.first), newest.select(frame.columns)])
        yield frame


def search(
    batches: Iterable[pa.RecordBatch], *, questions: Sequence[Question], sought: Sequence[Sought], groups: int
) -> Iterator[pa.RecordBatch]:
    """The addresses that one group of keys finds, to the bins of their files."""
    target, slots = received(batches)
    if OURS not in slots:
        return
    asks = as_polars(pa.concat_tables(map(unpacked, slots.pop(OURS))))
    names = questions[target // groups].names
    asked: dict[int | None, Asked] = {}
    for slot, blobs in sorted(slots.items()):
        lookup = sought[slot]
        if lookup.moment not in asked:
            moment = None if lookup.moment is None else f"moment{lookup.moment}"
            asked[lookup.moment] = Asked.of(asks, names, moment)
        features = as_polars(pa.concat_tables(map(unpacked, blobs)))
        time = "moment" if lookup.time else None
        found = find(asked[lookup.moment], features, names, time, lookup.lookback)
        (who,) = np.nonzero(found.is_not_null().to_numpy())
        answers = asks.select("chunk", "place")[who].with_columns(
            features["address"].gather(found.drop_nulls()).alias("address")
        )
        bins = (answers["address"].to_numpy() >> _ROW_BITS) % lookup.bins
        yield from scattered(answers, bins, lookup.bins, lookup.target, slot)


def fetch(batches: Iterable[pa.RecordBatch], *, sought: Sequence[Sought]) -> Iterator[pa.RecordBatch]:
    """The rows at the addresses of one bin, to the chunks of the data frame that they were found for."""
    _, slots = received(batches)
    for slot, blobs in slots.items():
        lookup = sought[slot]
        wanted = as_polars(pa.concat_tables(map(unpacked, blobs))).sort("address")
        addresses = wanted["address"].to_numpy()
        chunks, places = wanted["chunk"].to_numpy(), wanted["place"].to_numpy()
        files = addresses >> _ROW_BITS
        for file in np.unique(files):
            begin, end = np.searchsorted(files, [file, file + 1])
            rows = addresses[begin:end] - (file << _ROW_BITS)
            path = lookup.files[file]
            for numbers, read in columns_of_file(
                path, lookup.features, table=lookup.table, storage=lookup.storage, wanted=rows
            ):
                low, high = begin + np.searchsorted(rows, [numbers[0], numbers[-1] + 1])
                if low < high:
                    here = np.searchsorted(numbers, rows[low - begin : high - begin])
                    yield from _to_chunks(read, here, chunks[low:high], places[low:high], slot)


def _to_chunks(
    read: pa.Table, rows: Integers, chunks: npt.NDArray[np.int32], places: npt.NDArray[np.int32], slot: int
) -> Iterator[pa.RecordBatch]:
    """For each chunk the rows found, each once, and which of them belongs to which place."""
    order = np.argsort(chunks, kind="stable")
    targets, begins = np.unique(chunks[order], return_index=True)
    parts = []
    for mine in np.split(order, begins[1:]):
        # Sorted by row already: the first of each run is the row, and the runs are counted.
        new = np.concatenate([[True], np.diff(rows[mine]) != 0])
        index = pa.table({"place": places[mine], "row": (np.cumsum(new) - 1).astype(np.int32)})
        parts.append([index, read.take(pa.array(rows[mine][new]))])
    yield batch_of(targets, slot, streams(parts))


def put_together(
    batches: Iterable[pa.RecordBatch], *, sought: Sequence[Sought], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """A chunk of the data frame and, after its columns, what each lookup found for it."""
    _, slots = received(batches)
    if OURS not in slots:
        return
    (ours,) = map(unpacked, slots.pop(OURS))
    columns = list(ours.columns)
    for slot, lookup in enumerate(sought):
        columns += _values(slots.pop(slot, []), ours.num_rows, lookup.features)
    cast_to = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    yield from pa.table(cast_to, schema=schema).to_batches(max_chunksize=_OUTPUT_ROWS)


def _values(blobs: Sequence[pa.Buffer], height: int, features: pa.Schema) -> list[pa.ChunkedArray]:
    if not blobs:
        return [pa.nulls(height, field.type) for field in features]
    row_of, parts, before = np.full(height, -1, np.int64), [], 0
    for blob in blobs:
        stream = pa.BufferReader(blob)
        index, rows = pa.ipc.open_stream(stream).read_all(), pa.ipc.open_stream(stream).read_all()
        row_of[index.column(0).to_numpy()] = index.column(1).to_numpy() + before
        parts.append(rows)
        before += rows.num_rows
    found = pa.concat_tables(parts)
    take = pa.array(row_of, mask=row_of < 0)
    # Column by column: gathered into one array, taken, and let go.
    return [pa.chunked_array([column.combine_chunks().take(take)]) for column in found.columns]
