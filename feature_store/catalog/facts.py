"""What the columns of one table hold: of all rows where Delta's own statistics of the files say it, of the newest rows otherwise.

Delta counts nulls and keeps the least and the greatest value for each file, of the first 32 columns by default. Texts it cuts
short, so that of these, and of what it does not tell, a bounded number of the newest rows is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from feature_store.catalog.model import Column, Table, first_line
from feature_store.tables.delta_folder import DeltaFolder
from feature_store.tables.protocol import Tables
from feature_store.tables.without_pandas import added_files, value_of

if TYPE_CHECKING:
    import deltalake

MOST_ROWS = 100_000
"""So many rows are read, of the newest files."""
COMMONEST = 3
_ORDERED = ("tinyint", "byte", "smallint", "int", "bigint", "float", "double", "decimal", "date", "timestamp")
_NESTED = ("array", "map", "struct", "binary")
_READER_WITHOUT_FEATURES = 1


@dataclass(frozen=True)
class ColumnFacts:
    """The share of nulls, the range, and the commonest values with their shares; None or empty: not known.

    ``of_all``: of all rows; otherwise of the newest ones.
    """

    nulls: float | None = None
    least: Any = None
    greatest: Any = None
    commonest: Sequence[tuple[Any, float]] = ()
    of_all: bool = True


@dataclass(frozen=True)
class TableFacts:
    """Rows and bytes at the table's version, the newest moment, and the columns; ``read`` rows were read for some of them.

    ``opened`` is the table at that version, for who wants more of it.
    """

    rows: int | None = None
    bytes: int | None = None
    newest: datetime | None = None
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    read: int = 0
    problem: str = ""
    opened: deltalake.DeltaTable | None = field(default=None, repr=False, compare=False)


def _opened(tables: Tables, table: Table) -> deltalake.DeltaTable | None:
    """The table through delta-rs at its version; None where its files are the platform's."""
    if not isinstance(tables, DeltaFolder):
        return None
    return tables.open(table.name, version=None if table.is_newest else table.version)


def table_facts(tables: Tables, table: Table, *, only: str | None = None, most: int = MOST_ROWS) -> TableFacts:
    """What the table holds, or this column of it alone; why it cannot be told is in ``problem``.

    At most so many rows are read; with ``most=0``, only what is known without reading any is told.
    """
    if table.problem:
        return TableFacts(problem=table.problem)
    wanted = [one for one in table.columns if only in (None, one.name) or one.name == table.time]
    try:
        opened = _opened(tables, table)
        if opened is None:
            return TableFacts(problem="what its files hold is told by the platform's own catalog")
        return _facts(opened, table, wanted, most=most)
    except Exception as error:  # what is known of the table without its files is still to be seen
        return TableFacts(problem=first_line(error))


def _facts(opened: deltalake.DeltaTable, table: Table, wanted: Sequence[Column], *, most: int) -> TableFacts:
    files = added_files(opened)
    is_plain = opened.protocol().min_reader_version == _READER_WITHOUT_FEATURES
    known = {column.name: facts for column in wanted if (facts := _told(files, column, is_plain=is_plain))}
    unknown = [column for column in wanted if most and _needs_rows(column, known.get(column.name))]
    read, found, problem = 0, dict[str, ColumnFacts](), ""
    try:
        read, found = _read(opened, unknown, most=most)
    except Exception as error:  # as of data files that are gone: what the log says of them is still to be seen
        problem = first_line(error)
    columns = found | {
        name: replace(facts, commonest=found[name].commonest) if name in found else facts
        for name, facts in known.items()
    }
    newest = columns[table.time].greatest if table.time in columns else None
    size = pc.sum(files.column("size_bytes")).as_py() or 0
    counted = files.column("num_records")
    rows = opened.count() if counted.null_count else pc.sum(counted).as_py() or 0
    return TableFacts(rows, size, as_moment(newest), columns, read, problem, opened)


def _told(files: pa.Table, column: Column, *, is_plain: bool) -> ColumnFacts | None:
    """What the statistics of all files say of a column; None if one of them says nothing."""
    names = [f"{what}.{column.name}" for what in ("null_count", "min", "max")]
    if not is_plain or names[0] not in files.column_names:
        return None
    nulls, rows = files.column(names[0]), files.column("num_records")
    if nulls.null_count or rows.null_count:
        return None
    total = pc.sum(rows).as_py() or 0
    share = (pc.sum(nulls).as_py() or 0) / total if total else None
    if not _has_order(column) or names[1] not in files.column_names or names[2] not in files.column_names:
        return ColumnFacts(share)
    least, greatest = files.column(names[1]), files.column(names[2])
    without = pc.and_(pc.or_(pc.is_null(least), pc.is_null(greatest)), pc.less(nulls, rows))
    if pc.any(without).as_py():
        return None  # as of files with values that are not numbers
    return ColumnFacts(share, value_of(pc.min(least)), value_of(pc.max(greatest)))


def _has_order(column: Column) -> bool:
    return column.type.split("(")[0] in _ORDERED


def _needs_rows(column: Column, known: ColumnFacts | None) -> bool:
    return known is None or not (_has_order(column) or column.type.split("<")[0] in _NESTED)


def _read(opened: deltalake.DeltaTable, columns: Sequence[Column], *, most: int) -> tuple[int, dict[str, ColumnFacts]]:
    """What at most so many of the newest rows hold, and how many these were."""
    if not columns:
        return 0, {}
    from feature_store.tables.scanning import newest_rows

    rows = newest_rows(opened, [column.name for column in columns], most=most)
    found, all_of_them = {}, rows.height == opened.count()
    for column in columns:
        values = rows[column.name]
        nulls = values.null_count() / rows.height if rows.height else None
        if column.type.split("<")[0] in _NESTED:
            found[column.name] = ColumnFacts(nulls, of_all=all_of_them)
        elif _has_order(column):
            numbers = values.fill_nan(None) if values.dtype.is_float() else values
            found[column.name] = ColumnFacts(nulls, numbers.min(), numbers.max(), of_all=all_of_them)
        else:
            counted = values.drop_nulls().value_counts(sort=True).sort(["count", column.name], descending=[True, False])
            top = [(value, count / rows.height) for value, count in counted.head(COMMONEST).iter_rows()]
            found[column.name] = ColumnFacts(nulls, commonest=top, of_all=all_of_them)
    return rows.height, found


def as_moment(value: Any) -> datetime | None:
    """A value of a time column as an instant in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None
