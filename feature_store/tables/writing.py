"""How delta-rs writes to a table in a folder, and one sentence for each way that a write can fail, by either writer.

Each function here works on one version of the table, the one that it is given: what is compared, replaced and
committed upon is the same version, and delta-rs refuses the commit if another writer was faster.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import deltalake
import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from feature_store.errors import ConcurrentWrite, Misuse, PipelineError, StorageError
from feature_store.moments import utc
from feature_store.tables.commit import Commit
from feature_store.tables.objects import Place
from feature_store.tables.protocol import USER_METADATA, TableInfo
from feature_store.tables.spark_writing import merge_differing, refusal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField, StructType

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK = (*_FULL, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE)


@contextmanager
def writing(name: str, folder: Place) -> Iterator[None]:
    """Turn what storage and Delta say about a failed write into one sentence."""
    try:
        yield
    except CommitFailedError as error:
        raise ConcurrentWrite(f"Another writer changed {name} first: {error}. Run the job again.") from error
    except Exception as error:
        of_spark = type(error).__module__.split(".")[0] in ("pyspark", "py4j", "delta")
        if isinstance(error, PipelineError) or not (of_spark or isinstance(error, DeltaError | OSError)):
            raise
        reason = _trouble_with_disk(error)
        if reason is not None:
            raise StorageError(
                f"{name} cannot be written in {folder}: {reason}. The table is as it was. {_remedy(reason)}, and run the "
                "job again."
            ) from error
        told = refusal(name, error)
        if isinstance(error, DeltaError):
            told = Misuse(f"{name} refuses these rows: {error}. Nothing was written.")
        if told is None:
            raise
        raise told from error


def _trouble_with_disk(error: Exception) -> str | None:
    """What the operating system said; Rust and Java pass it on in their texts only."""
    text = str(error)
    said = next((os.strerror(number) for number in _DISK if os.strerror(number) in text), None)
    return said or (text if isinstance(error, OSError) else None)


def _remedy(reason: str) -> str:
    if reason in (os.strerror(number) for number in _FULL):
        return "Free space there (Delta's VACUUM removes what no version needs)"
    return "Check the folder's permissions and the disk"


def commit_properties(commit: Commit) -> deltalake.CommitProperties:
    """The commit's metadata under the key where Spark's history shows it."""
    return deltalake.CommitProperties(custom_metadata={USER_METADATA: commit.to_json()}, max_commit_retries=5)


def is_just_so(stored: TableInfo, schema: StructType, properties: Mapping[str, str]) -> bool:
    """Whether another process has just made the same table.

    Raises
    ------
    Misuse
        If it is another table.
    """
    here, there = ([(field.name, field.dataType) for field in columns] for columns in (stored.schema, schema))
    if here == there and properties.items() <= stored.properties.items():
        return True
    raise Misuse(
        f"There is a table {stored.name} already, with other columns or properties. Drop it first, or name another."
    )


def within(column: str, field: StructField, *, start: datetime, end: datetime) -> str:
    """The condition for ``[start, end)``; a day belongs to the window that its midnight lies in."""
    if field.dataType.simpleString() == "date":
        first, last = (f"{utc(m) + timedelta(days=1, microseconds=-1):%Y-%m-%d}" for m in (start, end))
    else:
        first, last = (f"{utc(m):%Y-%m-%dT%H:%M:%S.%fZ}" for m in (start, end))
    return f"`{column}` >= '{first}' AND `{column}` < '{last}'"


def write_rows(
    name: str, table: deltalake.DeltaTable, arrow: pa.Table, *, mode: str, predicate: str | None, commit: Commit
) -> None:
    """Append, or replace what ``predicate`` names; only the files that hold such rows are rewritten."""
    deltalake.write_deltalake(  # type: ignore[call-overload]
        table,
        as_stored(name, table, arrow),
        mode=mode,
        predicate=predicate,
        commit_properties=commit_properties(commit),
    )


def merge_rows(name: str, table: deltalake.DeltaTable, arrow: pa.Table, *, keys: Sequence[str], commit: Commit) -> int:
    """Insert new keys and update rows that differ; without any difference there is no commit. Rows written."""
    import polars as pl

    from feature_store.tables.scanning import scan

    current = scan(table).select(arrow.column_names).collect()
    given = cast(pl.DataFrame, pl.from_arrow(arrow))
    changed = given.join(current, on=given.columns, how="anti", nulls_equal=True)
    if changed.is_empty():
        return 0
    (
        table.merge(
            as_stored(name, table, changed.to_arrow()),
            predicate=" AND ".join(f"t.`{key}` = s.`{key}`" for key in keys),
            source_alias="s",
            target_alias="t",
            commit_properties=commit_properties(commit),
        )
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )
    return changed.height


def merge_with_spark(name: str, folder: Place, df: DataFrame, *, keys: Sequence[str], commit: Commit) -> int:
    """:func:`merge_rows` by Spark, which may commit upon a later version than it compared with: then look again."""
    from delta.tables import DeltaTable

    before = deltalake.DeltaTable(str(folder)).version()
    written = merge_differing(DeltaTable.forPath(df.sparkSession, str(folder)), df, keys, commit)
    if written and deltalake.DeltaTable(str(folder)).version() != before + 1:
        raise ConcurrentWrite(f"Another writer changed {name} during the merge.")
    return written


def as_stored(name: str, table: deltalake.DeltaTable, arrow: pa.Table) -> pa.Table:
    """``arrow`` with the table's own column order, types and nullability."""
    schema = pa.schema(table.schema().to_arrow())
    try:
        return arrow.select(schema.names).cast(schema)
    except ValueError as error:
        raise Misuse(f"{name} refuses these rows: {error}. Nothing was written.") from error
