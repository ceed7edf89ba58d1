"""How a table is written to: what both writers share, Spark's merge, and one sentence for each way to fail."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce

import deltalake
from delta.tables import DeltaTable
from deltalake.exceptions import CommitFailedError
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from feature_store.errors import ConcurrentWrite, Misuse, SchemaMismatch, StorageError, listed
from feature_store.lineage import Commit

USER_METADATA = "userMetadata"


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn what storage and Delta say about a failed write into one sentence."""
    try:
        yield
    except CommitFailedError as error:
        raise ConcurrentWrite(f"Another writer changed {name} first: {error}. Run the job again.") from error
    except (PermissionError, OSError) as error:
        raise StorageError(f"{name} cannot be written: {error}. Check the workspace's disk and permissions.") from error
    except deltalake.exceptions.DeltaError as error:
        raise Misuse(f"{name} refuses these rows: {error}. Nothing was written.") from error
    except (Py4JJavaError, PySparkException) as error:
        if "Concurrent" in type(error).__name__ or "DELTA_CONCURRENT" in str(error):
            raise ConcurrentWrite(f"Another writer changed {name} first. Run the job again.") from error
        if "DELTA_REPLACE_WHERE_MISMATCH" in str(error) or "DELTA_NOT_NULL_CONSTRAINT" in str(error):
            reason = "a key is null, or a row lies outside of the window"
            raise Misuse(f"{name} refuses these rows: {reason}. Nothing was written.") from error
        raise


def commit_properties(commit: Commit) -> deltalake.CommitProperties:
    """The commit's metadata under the key where Spark's history shows it."""
    return deltalake.CommitProperties(custom_metadata={USER_METADATA: commit.to_json()}, max_commit_retries=5)


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


def merge_with_spark(path: str, df: DataFrame, keys: Sequence[str], commit: Commit) -> int:
    """Merge by key what differs from the table at ``path``; without any difference there is no commit."""
    spark = df.sparkSession
    kinds = _kinds(df.schema)
    same = reduce(Column.__and__, (_same(name, kinds[name]) for name in df.columns))
    current = spark.read.format("delta").load(path)
    changed = df.alias("s").join(current.alias("t"), same, "left_anti").persist()
    setting = f"spark.databricks.delta.commitInfo.{USER_METADATA}"
    spark.conf.set(setting, commit.to_json())
    try:
        rows = changed.count()
        if rows:
            matches = reduce(Column.__and__, (F.col(f"t.`{key}`") == F.col(f"s.`{key}`") for key in keys))
            merge = DeltaTable.forPath(spark, path).alias("t").merge(changed.alias("s"), matches)
            merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
        return rows
    finally:
        spark.conf.unset(setting)
        changed.unpersist()


def _same(name: str, kind: str) -> Column:
    ours, theirs = F.col(f"s.`{name}`"), F.col(f"t.`{name}`")
    if "map<" in kind:  # Spark does not compare maps.
        return F.to_json(F.struct(ours)) == F.to_json(F.struct(theirs))
    return ours.eqNullSafe(theirs)


def _kinds(schema: StructType) -> Mapping[str, str]:
    return {field.name: field.dataType.simpleString() for field in schema}
