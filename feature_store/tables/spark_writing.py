"""How Spark writes to a Delta table, by path or by name: rows held against the table, merged, and refused in one sentence."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from feature_store.errors import ConcurrentWrite, Misuse, PipelineError, SchemaMismatch, listed
from feature_store.tables.protocol import USER_METADATA

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from feature_store.tables.commit import Commit


_one_at_a_time = threading.Lock()


def check_schema(name: str, given: StructType, stored: StructType) -> None:
    """Refuse rows whose columns are not the table's.

    Raises
    ------
    SchemaMismatch
        If a column is missing, unknown or of another type.
    """
    there, here = _kinds(stored), _kinds(given)
    wrong = [f"{column!r} is missing" for column in there if column not in here]
    wrong += [f"{column!r} is not a column of the table" for column in here if column not in there]
    wrong += [
        f"{column!r} is {here[column]} and the table has {kind}"
        for column, kind in there.items()
        if column in here and here[column] != kind
    ]
    if wrong:
        raise SchemaMismatch(f"The rows do not fit {name}: {listed(wrong)}. Nothing was written.")


def merge_differing(table: DeltaTable, df: DataFrame, keys: Sequence[str], commit: Commit) -> int:
    """Merge by key what differs from the table; without any difference there is no commit. Rows written."""
    from pyspark.sql import functions as F

    changed = differing(df, table.toDF()).persist()
    try:
        rows = changed.count()
        if rows:
            matches = reduce(and_, (F.col(f"t.`{key}`") == F.col(f"s.`{key}`") for key in keys))
            merge = table.alias("t").merge(changed.alias("s"), matches)
            with committing(df.sparkSession, commit):
                merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
        return rows
    finally:
        changed.unpersist()


@contextmanager
def committing(spark: SparkSession, commit: Commit) -> Iterator[None]:
    """Whatever is written meanwhile carries ``commit``, for the verbs that take no options."""
    setting = f"spark.databricks.delta.commitInfo.{USER_METADATA}"
    with _one_at_a_time:  # the setting is the session's, and so other threads' too
        spark.conf.set(setting, commit.to_json())
        try:
            yield
        finally:
            spark.conf.unset(setting)


def differing(df: DataFrame, current: DataFrame) -> DataFrame:
    """The rows of ``df`` that ``current`` does not have just so."""
    kinds = _kinds(df.schema)
    same = reduce(and_, (_same(name, kinds[name]) for name in df.columns))
    return df.alias("s").join(current.alias("t"), same, "left_anti")


def refusal(name: str, error: Exception) -> PipelineError | None:
    """What Spark's refusal to write means, where the user can put it right."""
    if "Concurrent" in type(error).__name__ or "DELTA_CONCURRENT" in str(error):
        return ConcurrentWrite(f"Another writer changed {name} first. Run the job again.")
    if "DELTA_REPLACE_WHERE_MISMATCH" in str(error) or "DELTA_NOT_NULL_CONSTRAINT" in str(error):
        reason = "a key is null, or a row lies outside of the window"
        return Misuse(f"{name} refuses these rows: {reason}. Nothing was written.")
    return None


def _same(name: str, kind: str) -> Column:
    from pyspark.sql import functions as F

    ours, theirs = F.col(f"s.`{name}`"), F.col(f"t.`{name}`")
    if "map<" in kind:  # Spark does not compare maps.
        return F.to_json(F.struct(ours)) == F.to_json(F.struct(theirs))
    return ours.eqNullSafe(theirs)


def _kinds(schema: StructType) -> Mapping[str, str]:
    return {field.name: field.dataType.simpleString() for field in schema}
