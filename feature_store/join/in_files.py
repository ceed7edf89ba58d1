"""The point-in-time join on a cluster: search slim, fetch in place.

What costs in a join is moving feature rows. Here they do not move: Spark's workers read the tables' files themselves, first only
keys and moments, and later, of the rows that were found, the features. Spark moves keys, moments and addresses:

    origin  known_at  wind   at row          flight  origin  decided_at   chunk, place
    JFK     08:00        5   file 0, row 0   B6-1    JFK     10:00        0, 0
    JFK     10:00        9   file 0, row 1   DL-7    LGA     10:00        0, 1

    1  pack          the data frame is computed once and held in chunks of Arrow columns
    2  ask           (JFK, 10:00, chunk 0, place 0)     to the group that JFK's hash names
       read_keys     (JFK, 10:00, file 0, row 1)        to the same group
    3  search        (file 0, row 1, chunk 0, place 0)  to the bin that file 0 is in
    4  fetch         (chunk 0, place 0, wind 9)         to chunk 0
    5  put_together  (B6-1, JFK, 10:00, 9)

All lookups of a training set, by whatever keys and moments, are answered in one go. What is moved does not depend on how wide the tables
are. A worker holds one chunk with its features, one group's keys, or one bin's addresses and some rows of a file: never a table.

Before that, files and rows that nobody can find are left out: those after the last moment asked for; those older than the
earliest less the lookback; of those before the earliest, all but the newest of each key; and, for a small data frame, those of
other keys.
"""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from feature_store import errors
from feature_store.join import addresses, blobs, newest_row, parquet_rows
from feature_store.join.addresses import HELD, Question, Sought
from feature_store.join.blobs import BLOBS
from feature_store.join.in_spark import MOST_ROWS_TO_FILTER_BY_KEY
from feature_store.join.memory import row_bytes
from feature_store.join.once import computed_once
from feature_store.join.parquet_rows import credentials
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import joined_schema
from feature_store.tables.data_files import DataFile, data_files, why_not_plain
from feature_store.tables.delta_folder import columns_of
from feature_store.tables.protocol import TablesInFiles

_BYTES_OF_A_CHUNK, _MOST_ROWS_OF_A_CHUNK = 64 * 2**20, 500_000
_ROWS_OF_A_GROUP, _MOST_GROUPS = 2_000_000, 4096
_ROWS_OF_A_BIN = 1_000_000
_TASKS_PER_CORE, _TASKS_PER_CORE_OF_FEW = 4, 2
_DAY = 86_400_000_000


def why_not(spark: SparkSession, lookups: Sequence[ResolvedLookup], tables: TablesInFiles) -> str | None:
    """Why workers cannot read the files of all tables by themselves; None if they can, which on a cluster is tried."""
    paths = []
    for lookup in lookups:
        table = tables.open(lookup.table, version=lookup.version)
        if reason := why_not_plain(table):
            return f"{lookup.table} cannot be read file by file: {reason}"
        paths += [file.path for file in data_files(table, None)[:1]]
    return None if tables.in_process else _tried(spark, sorted(set(paths)))


def _tried(spark: SparkSession, paths: Sequence[str]) -> str | None:
    """What a worker says that cannot open these files, or is not like the others; None if all can."""
    with _sent():
        attempt = _function(partial(parquet_rows.attempt, paths=paths, storage=credentials()))
        cores = spark.sparkContext.defaultParallelism
        try:
            rows = spark.range(0, cores, 1, cores).mapInArrow(attempt, "polars string, problem string").collect()
        except PySparkException as error:
            return f"The workers cannot run the join's code: {str(error).strip().splitlines()[-1]}"
    problems = sorted({row.problem for row in rows if row.problem})
    if problems:
        return f"The workers cannot read the tables' files: {problems[0]}"
    # A hash of a key is the same wherever Polars is.
    versions = sorted({row.polars for row in rows})
    return f"The workers have different versions of Polars: {', '.join(versions)}" if len(versions) > 1 else None


def join_in_files(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: TablesInFiles) -> DataFrame:
    """``spine`` with the outputs of ``lookups`` after its own columns, in their order.

    There is nothing that :func:`why_not` says against it.
    """
    spark, zone = spine.sparkSession, spine.sparkSession.conf.get("spark.sql.session.timeZone")
    cores = spark.sparkContext.defaultParallelism
    schema = joined_schema(spine.schema, lookups, tables)
    questions = _questions(spine.columns, lookups)
    with _sent():
        held = _Held.of(spine, questions, rows_of_a_chunk=_rows_of_a_chunk(schema))
        number = cores * (_TASKS_PER_CORE_OF_FEW if held.few else _TASKS_PER_CORE)
        sought = _sought(spine, lookups, tables, questions, held, number)
        groups = _groups(lookups, tables, held, cores)
        few = _few_keys(held, questions)
        tasks = _tasks(sought, number)
        read = partial(addresses.read_keys, tasks=tasks, sought=sought, groups=groups, few=few)
        asked = partial(addresses.ask, questions=questions, starts=held.starts, groups=groups)
        search = partial(addresses.search, questions=questions, sought=sought, groups=groups)
        fetch = partial(addresses.fetch, sought=sought)
        arrow = to_arrow_schema(schema, timezone=zone)
        last = partial(addresses.put_together, sought=sought, schema=arrow)

        files = spark.range(0, len(tasks), 1, max(len(tasks), 1)).mapInArrow(_function(read), BLOBS)
        keyed = files.union(held.frame.mapInArrow(_function(asked), BLOBS))
        found = keyed.repartitionById(len(questions) * groups, F.col("target")).mapInArrow(_function(search), BLOBS)
        bins = max(sum(one.bins for one in sought), 1)
        fetched = found.repartitionById(bins, F.col("target")).mapInArrow(_function(fetch), BLOBS)
        chunks = held.frame.mapInArrow(_function(partial(addresses.hand_on, starts=held.starts)), BLOBS)
        whole = fetched.union(chunks).repartitionById(max(held.chunks, 1), F.col("target"))
        return whole.mapInArrow(_function(last), schema)


@contextmanager
def _sent() -> Iterator[None]:
    """Send the code of these modules along, since workers may not have this package."""
    modules = (addresses, blobs, newest_row, parquet_rows, errors)
    for module in modules:
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)  # type: ignore[no-untyped-call]


def _function(part: Any) -> Any:
    """A function, as Spark wants one, of what is left open of ``part``."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # After each task Spark lets its worker look for garbage, among all that was imported too: longer than many a task takes.
        if not gc.get_freeze_count():
            gc.freeze()
        return part(batches)  # type: ignore[no-any-return]

    return run


@dataclass(frozen=True)
class _Held:
    """The data frame in chunks, computed once: it might give other rows if it were computed twice.

    ``starts`` has for each of Spark's partitions the number of its first chunk; ``ends`` for each moment column, by position, the
    first and the last moment, in microseconds.
    """

    frame: DataFrame
    rows: int
    chunks: int
    starts: dict[int, int]
    ends: dict[int, tuple[int, int]]

    @property
    def few(self) -> bool:
        """Whether the rows are so few that each worker may have all their keys."""
        return self.rows <= MOST_ROWS_TO_FILTER_BY_KEY

    @classmethod
    def of(cls, spine: DataFrame, questions: Sequence[Question], *, rows_of_a_chunk: int) -> "_Held":
        moments = sorted({moment for question in questions for moment in question.moments})
        pack = partial(addresses.pack, rows=rows_of_a_chunk, moments=moments)
        # By position: Spark would read a dot in a name as a step into a struct.
        columns = [F.col(f"`{name}`").alias(f"c{position}") for position, name in enumerate(spine.columns)]
        frame = computed_once(spine.select(*columns).mapInArrow(_function(pack), HELD))
        chunks = frame.select("partition", "number", "rows", "first", "last").collect()
        starts, begin = dict[int, int](), 0
        for partition, number in sorted(Counter(chunk.partition for chunk in chunks).items()):
            starts[partition] = begin
            begin += number
        ends = {}
        for place, moment in enumerate(moments):
            first = [chunk.first[place] for chunk in chunks if chunk.first[place] is not None]
            last = [chunk.last[place] for chunk in chunks if chunk.last[place] is not None]
            if first:
                ends[moment] = (min(first), max(last))
        return cls(frame, sum(chunk.rows for chunk in chunks), len(chunks), starts, ends)


def _rows_of_a_chunk(schema: StructType) -> int:
    return max(1, min(_MOST_ROWS_OF_A_CHUNK, _BYTES_OF_A_CHUNK // max(row_bytes(schema), 1)))


def _questions(columns: Sequence[str], lookups: Sequence[ResolvedLookup]) -> list[Question]:
    """By which columns is asked: lookups of the same keys share a question."""
    moments = dict[tuple[int, ...], set[int]]()
    for lookup in lookups:
        found = moments.setdefault(_positions(columns, lookup), set())
        if lookup.times:
            found.add(columns.index(lookup.times[0]))
    return [Question(keys, tuple(sorted(found))) for keys, found in moments.items()]


def _positions(columns: Sequence[str], lookup: ResolvedLookup) -> tuple[int, ...]:
    return tuple(columns.index(ours) for ours, _ in lookup.keys)


def _sought(
    spine: DataFrame,
    lookups: Sequence[ResolvedLookup],
    tables: TablesInFiles,
    questions: Sequence[Question],
    held: _Held,
    tasks: int,
) -> list[Sought]:
    found, target, zone = list[Sought](), 0, spine.sparkSession.conf.get("spark.sql.session.timeZone")
    for lookup in lookups:
        table = tables.open(lookup.table, version=lookup.version)
        stored = columns_of(table)

        def fields(names: Sequence[str], stored: StructType = stored) -> pa.Schema:
            return to_arrow_schema(StructType([stored[name] for name in names]), timezone=zone)

        moment = spine.columns.index(lookup.times[0]) if lookup.times else None
        first, last = held.ends.get(moment, (None, None)) if moment is not None else (None, None)
        oldest = None
        if first is not None and lookup.lookback is not None:
            oldest = first - (lookup.lookback.days + 1) * _DAY
        files = data_files(table, lookup.times[1] if lookup.times else None)
        if moment is not None and last is None:
            files = []  # nobody asks
        paths = tuple(file.path for file in files if _may_hold(file, oldest, last))
        bins = min(len(paths), max(1, tasks // len(lookups), held.rows // _ROWS_OF_A_BIN))
        keys = _positions(spine.columns, lookup)
        found.append(
            Sought(
                table=f"Version {lookup.version} of table {lookup.table}",
                question=next(number for number, one in enumerate(questions) if one.keys == keys),
                moment=moment,
                files=paths,
                keys=fields([theirs for _, theirs in lookup.keys]),
                time=fields([lookup.times[1]]).field(0) if lookup.times else None,
                features=fields([feature for feature, _ in lookup.outputs]),
                lookback=lookup.lookback,
                storage=credentials(),
                target=target,
                bins=bins,
                oldest=oldest,
                first=first,
                last=last,
            )
        )
        target += bins
    return found


def _may_hold(file: DataFile, oldest: int | None, last: int | None) -> bool:
    if last is not None and file.first is not None and file.first > last:
        return False
    return oldest is None or file.last is None or file.last >= oldest


def _tasks(sought: Sequence[Sought], most: int) -> list[list[tuple[int, int]]]:
    """All files of all lookups, dealt out to at most so many tasks."""
    files = [(slot, file) for slot, lookup in enumerate(sought) for file in range(len(lookup.files))]
    number = min(len(files), most)
    return [files[len(files) * one // number : len(files) * (one + 1) // number] for one in range(number)]


def _groups(lookups: Sequence[ResolvedLookup], tables: TablesInFiles, held: _Held, cores: int) -> int:
    rows = held.rows + max(tables.rows(lookup.table, version=lookup.version) for lookup in lookups)
    return min(max(cores, rows // _ROWS_OF_A_GROUP), _MOST_GROUPS)


def _few_keys(held: _Held, questions: Sequence[Question]) -> dict[int, pa.Table]:
    """For each question all keys that are asked for, if the data frame is small."""
    if not held.rows or not held.few:
        return {}
    keys = held.frame.mapInArrow(_function(partial(addresses.distinct, questions=questions)), BLOBS).toArrow()
    parts = defaultdict[int, list[pa.Table]](list)
    for slot, blob in zip(keys.column("slot").to_pylist(), keys.column("rows"), strict=True):
        parts[slot].append(blobs.unpacked(blob.as_buffer()))
    # A key of several chunks comes several times, which the search for equal ones does not mind.
    return {slot: pa.concat_tables(tables) for slot, tables in parts.items()}
