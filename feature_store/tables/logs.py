"""Tables that only grow, by a few rows in a commit each: logs of what runs did."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType

from feature_store.tables.commit import Commit
from feature_store.tables.protocol import Tables


def commented(columns: Sequence[tuple[str, DataType, str]]) -> StructType:
    """The schema of columns that may be null, each with its comment."""
    return StructType([StructField(name, kind, True, {"comment": comment}) for name, kind, comment in columns])


def append_to_log(
    tables: Tables, name: str, row: Mapping[str, Any], columns: StructType, *, description: str, commit: Commit
) -> None:
    """Append the row, in a commit of its own; the table is made, or given the columns that it lacks. Spark is not needed for it."""
    if not tables.exists(name):
        tables.create(name, columns, description=description)
    tables.add_columns(name, columns)
    rows = pa.Table.from_pylist([row], schema=to_arrow_schema(columns, timezone="UTC"))
    tables.append(name, rows, commit=commit)
    tables.compact(name, commit=commit)
