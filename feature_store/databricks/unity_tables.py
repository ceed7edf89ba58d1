"""The tables of Unity Catalog: three-level names that Spark itself resolves, Delta's SQL and nothing of a path."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from feature_store import names as naming
from feature_store.databricks.sql import column_of, pairs, text
from feature_store.errors import NotFound, StorageError, suggestion
from feature_store.moments import utc
from feature_store.tables.commit import FORMAT, Commit, TableVersion
from feature_store.tables.properties import FORMAT_PROPERTY
from feature_store.tables.protocol import MANY_FILES, USER_METADATA, TableInfo
from feature_store.tables.spark_writing import check_schema, committing, merge_differing, refusal


class UnityTables:
    """:class:`feature_store.tables.protocol.Tables` over the catalogs that ``spark`` knows."""

    in_process = False
    """Rows are never gathered in this process, whatever Spark's master is."""

    def __init__(self, spark: SparkSession, *, catalog: str, schema: str) -> None:
        self.spark = spark
        self.catalog = naming.check_simple_name(catalog, "catalog")
        self.schema = naming.check_simple_name(schema, "schema")
        self._details: dict[str, tuple[object, Row]] = {}

    # ---- names and what exists

    def full_name(self, name: str) -> str:
        return naming.full_name(name, catalog=self.catalog, schema=self.schema)

    def exists(self, name: str) -> bool:
        try:
            return bool(self.spark.catalog.tableExists(self.quoted(name)))
        except AnalysisException:
            return False

    def names(self) -> list[str]:
        try:
            found = self.spark.sql(f"SHOW TABLES IN `{self.catalog}`.`{self.schema}`").collect()
        except AnalysisException:
            return []
        return sorted(row.tableName for row in found if not row.isTemporary)

    def quoted(self, name: str) -> str:
        """The full name as SQL takes it; a checked name has no quotes in it."""
        return ".".join(f"`{part}`" for part in self.full_name(name).split("."))

    def info(self, name: str, *, version: int | None = None) -> TableInfo:
        """The table at ``version``; description, properties and id are always those of now, as Delta tells no others."""
        schema = self.columns(name, version=version)
        newest = self._newest(name)
        detail = self._detail(name, newest)
        return TableInfo(
            self.full_name(name),
            schema,
            detail.description or "",
            self._known_format(name, dict(detail.properties)),
            newest.version if version is None else version,
            str(detail.id),
        )

    def properties(self, name: str) -> dict[str, str]:
        """The table's properties, which cost Delta a fraction of what :meth:`info` does."""
        told = self.spark.sql(f"SHOW TBLPROPERTIES {self.quoted(name)}").collect()
        return self._known_format(name, {row.key: row.value for row in told})

    def version(self, name: str) -> int:
        return int(self._newest(name).version)

    def columns(self, name: str, *, version: int | None = None) -> StructType:
        return self.read(name, version=version).schema

    def _known_format(self, name: str, properties: dict[str, str]) -> dict[str, str]:
        written_as = properties.get(FORMAT_PROPERTY, "1")
        if int(written_as) > FORMAT:
            raise StorageError(
                f"Table {self.full_name(name)} has format {written_as}; this version of the pipeline reads up to "
                f"{FORMAT}. Upgrade it."
            )
        return properties

    def have_moved(self, versions: Mapping[str, int]) -> bool:
        """Whether any of the tables is no longer at the version given."""
        return any(self.version(name) != version for name, version in versions.items())

    def _newest(self, name: str) -> Row:
        """The newest commit's ``version`` and ``timestamp``."""
        try:
            return self.spark.sql(f"DESCRIBE HISTORY {self.quoted(name)} LIMIT 1").collect()[0]
        except AnalysisException:
            self.check_is_there(name)
            raise

    def _detail(self, name: str, newest: Row) -> Row:
        """What Delta tells of the table; it is not asked again before there is another commit."""
        full, commit = self.full_name(name), (newest.version, newest.timestamp)
        known, detail = self._details.get(full, (None, None))
        if detail is None or known != commit:
            detail = self.spark.sql(f"DESCRIBE DETAIL {self.quoted(name)}").collect()[0]
            self._details[full] = commit, detail
        return detail

    def history(self, name: str) -> list[TableVersion]:
        self.check_is_there(name)
        told = self.spark.sql(f"DESCRIBE HISTORY {self.quoted(name)}")
        # As a number: Python would show moments in the machine's own time zone.
        micros = F.unix_micros("timestamp").alias("micros")
        rows = told.select("version", micros, "operation", USER_METADATA).orderBy(F.desc("version")).collect()
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return [
            TableVersion(
                version=row.version,
                at=epoch + timedelta(microseconds=row.micros),
                operation=row.operation,
                commit=Commit.from_json(row.userMetadata),
            )
            for row in rows
        ]

    def check_is_there(self, name: str) -> None:
        """Refuse a table that does not exist; the closest name is suggested.

        Raises
        ------
        NotFound
            If it is not there.
        """
        if not self.exists(name):
            existing = self.names()
            hint = suggestion(name.split(".")[-1], existing) if existing else "The schema is empty."
            raise NotFound(f"There is no table {self.full_name(name)}. {hint}")

    # ---- reading

    def read(self, name: str, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        self.check_is_there(name)
        if timestamp is not None:
            version = self._version_at(name, utc(timestamp))
        reader = self.spark.read.format("delta")
        if version is None:
            return reader.table(self.quoted(name))
        try:
            return reader.option("versionAsOf", version).table(self.quoted(name))
        except AnalysisException as error:
            there = [entry.version for entry in self.history(name)]
            raise NotFound(
                f"Table {self.full_name(name)} has no version {version} to read. There are: {there[-1]} to {there[0]}; "
                "older ones may have been vacuumed."
            ) from error

    def collect(self, name: str, columns: Sequence[str], *, only: Mapping[str, object] | None = None) -> pa.Table:
        found = self.read(name)
        for column, value in (only or {}).items():
            found = found.where(F.col(f"`{column}`") == F.lit(value))
        return found.select(*(f"`{column}`" for column in columns)).toArrow()

    def _version_at(self, name: str, moment: datetime) -> int:
        versions = [entry.version for entry in self.history(name) if entry.at <= moment]
        if not versions:
            raise NotFound(f"Table {self.full_name(name)} had not been written by {moment:%Y-%m-%d %H:%M:%S} UTC.")
        return max(versions)

    # ---- writing

    def create(
        self, name: str, schema: StructType, *, description: str = "", properties: Mapping[str, str] | None = None
    ) -> None:
        settings = {FORMAT_PROPERTY: str(FORMAT), **(properties or {})}
        columns = ", ".join(column_of(field) for field in schema)
        self._change(
            name,
            f"CREATE TABLE {self.quoted(name)} ({columns}) USING delta COMMENT {text(description)} "
            f"TBLPROPERTIES ({pairs(settings)})",
        )

    def set_properties(self, name: str, properties: Mapping[str, str]) -> None:
        """Add or replace table properties."""
        self._change(name, f"ALTER TABLE {self.quoted(name)} SET TBLPROPERTIES ({pairs(properties)})")

    def describe(self, name: str, *, description: str | None = None, comments: Mapping[str, str]) -> None:
        if description is not None:
            self._change(name, f"COMMENT ON TABLE {self.quoted(name)} IS {text(description)}")
        for column, comment in comments.items():
            self._change(name, f"ALTER TABLE {self.quoted(name)} ALTER COLUMN `{column}` COMMENT {text(comment)}")

    def add_columns(self, name: str, schema: StructType) -> None:
        """Add those columns of ``schema`` that the table does not have yet, as nullable ones."""
        stored = set(self.columns(name).names)
        new = [column_of(StructField(f.name, f.dataType, True, f.metadata)) for f in schema if f.name not in stored]
        if new:
            self._change(name, f"ALTER TABLE {self.quoted(name)} ADD COLUMNS ({', '.join(new)})")

    def append(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int:
        with self._counted(name, self._frame(name, df)) as (rows, counted):
            counted.writeTo(self.quoted(name)).option(USER_METADATA, commit.to_json()).append()
            return rows

    def overwrite(self, name: str, df: DataFrame | pa.Table, *, commit: Commit) -> int:
        return self._replace(name, self._frame(name, df), F.lit(True), commit)

    def replace_window(
        self,
        name: str,
        df: DataFrame | pa.Table,
        *,
        column: str,
        start: datetime,
        end: datetime,
        commit: Commit,
        rows: int | None = None,
    ) -> int:
        df = self._frame(name, df)
        by_day = df.schema[column].dataType.simpleString() == "date"
        first, last = (_first_midnight(m) if by_day else utc(m) for m in (start, end))
        within = (F.col(f"`{column}`") >= F.lit(first)) & (F.col(f"`{column}`") < F.lit(last))
        return self._replace(name, df, within, commit, rows)

    def merge(self, name: str, df: DataFrame | pa.Table, *, keys: Sequence[str], commit: Commit) -> int:
        """Insert new keys and update rows that changed; rows that did not are not touched. Rows written."""
        from delta.tables import DeltaTable

        df = self._frame(name, df)
        check_schema(self.full_name(name), df.schema, self.columns(name))
        with self._writing(name):
            return merge_differing(DeltaTable.forName(self.spark, self.quoted(name)), df, keys, commit)

    def compact(self, name: str, *, commit: Commit) -> None:
        detail = self._detail(name, self._newest(name))
        if detail.numFiles >= MANY_FILES:
            with committing(self.spark, commit):
                self._change(name, f"OPTIMIZE {self.quoted(name)}")

    def drop(self, name: str) -> None:
        self.check_is_there(name)
        self._change(name, f"DROP TABLE {self.quoted(name)}")

    def _replace(self, name: str, df: DataFrame, condition: Column, commit: Commit, rows: int | None = None) -> int:
        with self._counted(name, df, rows) as (counted, kept):
            kept.writeTo(self.quoted(name)).option(USER_METADATA, commit.to_json()).overwrite(condition)
            return counted

    def _frame(self, name: str, rows: DataFrame | pa.Table) -> DataFrame:
        return self.spark.createDataFrame(rows, schema=self.columns(name)) if isinstance(rows, pa.Table) else rows

    def _change(self, name: str, statement: str) -> None:
        with self._writing(name):
            self.spark.sql(statement)

    @contextmanager
    def _counted(self, name: str, df: DataFrame, rows: int | None = None) -> Iterator[tuple[int, DataFrame]]:
        """The rows and, unless it is known, their number; computed once."""
        check_schema(self.full_name(name), df.schema, self.columns(name))
        cached = df if df.is_cached or rows is not None else df.persist()
        try:
            with self._writing(name):
                yield cached.count() if rows is None else rows, cached
        finally:
            if cached is not df:
                cached.unpersist()

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except (Py4JJavaError, PySparkException) as error:
            told = refusal(self.full_name(name), error)
            if told is not None:
                raise told from error
            raise


def _first_midnight(moment: datetime) -> object:
    """The first day that begins at ``moment`` or later: a day is a row's moment by its first instant."""
    return (utc(moment) + timedelta(days=1, microseconds=-1)).date()
