"""How much memory the join in this process would take, by the Delta logs, against how much there is.

Nothing is read for it but the logs, and of the data frame only its number of rows. Numbers, moments and booleans have
their width; of texts, lists and the like the log knows only the files' size, so these are taken generously.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql.types import StructField, StructType

from feature_store.errors import Misuse
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.tables.handing_over import room_on_disk
from feature_store.tables.protocol import TablesInFiles
from feature_store.tables.without_pandas import added_files

MEMORY_SETTING = "pipeline.join.memory"
"""Spark setting: the most bytes that a join may take in this process, such as ``4g``; half of what is free if not set."""

TABLES_AT_ONCE = 2
"""So many tables are searched at the same time."""

_WIDTHS = {"boolean": 1, "tinyint": 1, "smallint": 2, "int": 4, "float": 4, "date": 4, "bigint": 8, "double": 8,
           "timestamp": 8, "timestamp_ntz": 8}  # fmt: skip
_WIDTH_OF_A_TEXT = 64
_GROWTH = 4  # of texts and lists, from compressed files to memory
_SEARCH = 48  # bytes that the search holds for each feature row: codes, moments and their order
_COPIES = 2  # of data frame and result: as they come and as they are handed on
_HEAP_SHARE = 4  # Spark keeps the result's Arrow batches in its heap, and copies those that are in work
_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True)
class Room:
    """Bytes that the join may take in this process, in Spark's heap, and on the disk by which its result is handed on."""

    here: int
    heap: int
    disk: int = 0

    @classmethod
    def of(cls, spine: DataFrame, costs: Iterable["Cost"]) -> "Room":
        """What the settings allow, or else the machine has, for the rows of ``spine`` with all outputs."""
        spark = spine.sparkSession
        result = StructType([*spine.schema, *(output for cost in costs for output in cost.outputs)])
        given = spark.conf.get(MEMORY_SETTING, "")
        heap = size(spark.conf.get("spark.driver.memory", "1g") or "1g", "spark.driver.memory")
        limit = size(spark.conf.get("spark.driver.maxResultSize", "1g") or "1g", "spark.driver.maxResultSize")
        here = size(given, MEMORY_SETTING) if given else _free_memory() // 2
        return cls(here, min(heap // _HEAP_SHARE, limit or heap), room_on_disk(spark, result))

    def holds(self, result: int, *, besides: int, collected: int) -> bool:
        """Whether so many bytes fit as a result, others beside it, and in the heap what is collected from Spark first."""
        handed_on = result <= max(self.heap, self.disk)
        return handed_on and collected <= self.heap and result * _COPIES + besides <= self.here


def size(text: str, setting: str) -> int:
    """The bytes that ``4g``, ``512m`` or ``1000`` are, as Spark writes sizes.

    Raises
    ------
    Misuse
        If ``text`` is no such size.
    """
    digits = text.strip().lower().removesuffix("b")
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    number = digits.removesuffix(unit)
    if not number.isdigit() or unit not in _UNITS:
        raise Misuse(f"{setting} is {text!r}, which is no size. Write a number of bytes, or one such as 512m or 4g.")
    return int(number) * _UNITS[unit]


@dataclass(frozen=True)
class Cost:
    """Of one lookup: the bytes of its table while it is searched, and of its ``outputs`` for one row, on average."""

    table: int
    output: int
    outputs: StructType = field(default_factory=StructType)

    @classmethod
    def of(cls, lookup: ResolvedLookup, tables: TablesInFiles) -> "Cost | None":
        """What the table's log says; None where it does not say how many rows there are."""
        from feature_store.tables.delta_folder import columns_of

        opened = tables.open(lookup.table, version=lookup.version)
        files = added_files(opened)
        if files.column("num_records").null_count:
            return None
        rows = sum(files.column("num_records").to_pylist())
        read = sum(files.column("size_bytes").to_pylist()) * _GROWTH
        schema = columns_of(opened)
        asked = StructType([schema[name] for name in lookup.table_columns])
        outputs = StructType([StructField(name, schema[feature].dataType) for feature, name in lookup.outputs])
        return cls(
            rows * (row_bytes(asked) + _SEARCH) + (read if _has_texts(asked) else 0),
            row_bytes(outputs) + (read // max(rows, 1) if _has_texts(outputs) else 0),
            outputs,
        )


def costs(lookups: Iterable[ResolvedLookup], tables: TablesInFiles) -> list[Cost] | None:
    """Of all ``lookups``; None if one is not known."""
    found = [Cost.of(lookup, tables) for lookup in lookups]
    known = [cost for cost in found if cost is not None]
    return known if len(known) == len(found) else None


def fits(room: Room, costs: Sequence[Cost], spine: StructType, *, rows: int, in_files: bool = False) -> bool:
    """Whether a data frame of ``rows`` rows, all that is added to it and the tables, a few at a time, fit.

    Rows that lie ``in_files`` of this machine are not collected from Spark.
    """
    asked = rows * row_bytes(spine)
    result = asked + rows * sum(cost.output for cost in costs)
    searched = sum(sorted(cost.table for cost in costs)[-TABLES_AT_ONCE:])
    return room.holds(result, besides=searched, collected=0 if in_files else asked)


def row_bytes(schema: StructType) -> int:
    """The bytes of one row, the length of texts and lists aside."""
    return sum(_WIDTHS.get(field.dataType.simpleString(), _WIDTH_OF_A_TEXT) for field in schema)


def _has_texts(schema: StructType) -> bool:
    return any(field.dataType.simpleString() not in _WIDTHS for field in schema)


def _free_memory() -> int:
    """Bytes that can be taken without swapping, within the container's limit; a quarter of the machine's elsewhere."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4] if hasattr(os, "sysconf") else [2**30]
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = [int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024]
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        found.append(max(0, limit - used))
    return min(found)
