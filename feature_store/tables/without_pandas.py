"""Arrow's rows as Python has them, without pandas.

To see whether it was given a data frame, and for every moment with a time zone, pyarrow imports pandas: a third of a
second of a command that only reads.
"""

from datetime import UTC
from typing import Any

import deltalake
import pyarrow as pa

_UTC_WALL = pa.timestamp("us")


def added_files(table: deltalake.DeltaTable, *, flat: bool = True) -> pa.Table:
    """A row of what the table's log says of each data file; in the ``flat`` form each statistic has a column."""
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=flat)).read_all()


def value_of(scalar: pa.Scalar) -> Any:
    """As ``as_py``; a moment with a zone is in UTC."""
    if not _has_zone(scalar.type):
        return scalar.as_py()
    moment = scalar.cast(_UTC_WALL).as_py()
    return None if moment is None else moment.replace(tzinfo=UTC)


def dicts_of(rows: pa.Table) -> list[dict[str, Any]]:
    """As ``to_pylist``; moments with a zone are in UTC."""
    zoned = [field.name for field in rows.schema if _has_zone(field.type)]
    naive = [field.with_type(_UTC_WALL) if field.name in zoned else field for field in rows.schema]
    found: list[dict[str, Any]] = rows.cast(pa.schema(naive)).to_pylist()
    for row in found:
        for name in zoned:
            row[name] = row[name] and row[name].replace(tzinfo=UTC)
    return found


def _has_zone(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz)
