"""Delta tables in a folder, of a disk or of an object store: ``<warehouse>/<catalog>/<schema>/<table>``, no metastore.

What a table is, and what it was, is read through delta-rs; Spark is started when a data frame is first asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import deltalake
import pyarrow as pa
from deltalake.exceptions import TableNotFoundError

from feature_store import names as naming
from feature_store.errors import NotFound, StorageError, suggestion
from feature_store.moments import utc
from feature_store.tables import workers
from feature_store.tables.commit import FORMAT, Commit, TableVersion
from feature_store.tables.folders import check_log, damaged, is_table, tables_in
from feature_store.tables.objects import Place
from feature_store.tables.properties import FORMAT_PROPERTY
from feature_store.tables.protocol import USER_METADATA, Engine, TableInfo
from feature_store.tables.reading import frame
from feature_store.tables.time_travel import check_readable, no_such_version

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_EMPTY = "The schema is empty: run ingest-sources first, or name another --workspace, --catalog or --schema."


class DeltaFolder:
    """What can be read of a folder of Delta tables."""

    def __init__(self, warehouse: Place, *, catalog: str, schema: str, engine: Engine) -> None:
        self.warehouse = warehouse
        self.engine = engine
        self.catalog = naming.check_simple_name(catalog, "catalog")
        self.schema = naming.check_simple_name(schema, "schema")

    @functools.cached_property
    def spark(self) -> SparkSession:
        """The session, started when a data frame is first asked for."""
        return self.engine.spark_session()

    @functools.cached_property
    def in_process(self) -> bool:
        """Whether Spark runs in this process."""
        return workers.are_here(self.spark)

    # ---- names and what exists

    def full_name(self, name: str) -> str:
        return naming.full_name(name, catalog=self.catalog, schema=self.schema)

    def path(self, name: str) -> Place:
        """The folder of the table; its name is checked, so it cannot lead out of the warehouse."""
        return self.warehouse.joinpath(*self.full_name(name).split("."))

    def exists(self, name: str) -> bool:
        return is_table(self.path(name))

    def names(self) -> list[str]:
        return tables_in(self.warehouse.joinpath(self.catalog, self.schema))

    def open(self, name: str, *, version: int | None = None) -> deltalake.DeltaTable:
        """The table through delta-rs.

        Raises
        ------
        NotFound
            If there is no such table.
        StorageError
            If a newer version of this pipeline wrote it, or its log is damaged.
        """
        if not self.exists(name):
            existing = self.names()
            hint = suggestion(name.split(".")[-1], existing) if existing else _EMPTY
            raise NotFound(f"There is no table {self.full_name(name)}. {hint}")
        check_log(self.full_name(name), self.path(name))
        try:
            found = deltalake.DeltaTable(str(self.path(name)), version=version)
        except (TableNotFoundError, deltalake.exceptions.DeltaError) as error:
            if version is not None:
                self.open(name)
                raise no_such_version(self.full_name(name), self.path(name), version) from error
            raise damaged(self.full_name(name), self.path(name), str(error).split("\n")[0]) from error
        written_as = found.metadata().configuration.get(FORMAT_PROPERTY, "1")
        if int(written_as) > FORMAT:
            raise StorageError(
                f"Table {self.full_name(name)} has format {written_as}; this version of the pipeline reads up to "
                f"{FORMAT}. Upgrade it, or point --workspace elsewhere."
            )
        return found

    def rows(self, name: str, *, version: int | None = None) -> int:
        """How many rows the table has, from its log."""
        return self.open(name, version=version).count()

    def info(self, name: str, *, version: int | None = None) -> TableInfo:
        found = self.open(name, version=version)
        meta = found.metadata()
        description, properties = meta.description or "", dict(meta.configuration)
        return TableInfo(
            self.full_name(name), columns_of(found), description, properties, found.version(), str(meta.id)
        )

    def version(self, name: str) -> int:
        return self.open(name).version()

    def columns(self, name: str, *, version: int | None = None) -> StructType:
        return columns_of(self.open(name, version=version))

    def history(self, name: str) -> list[TableVersion]:
        return [
            TableVersion(
                version=entry["version"],
                at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                operation=entry.get("operation", ""),
                commit=Commit.from_json(entry.get(USER_METADATA)),
            )
            for entry in self.open(name).history()
        ]

    # ---- reading

    def read(self, name: str, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        if timestamp is not None:
            version = self._version_at(name, utc(timestamp))
        # Without a version, each action on a frame would read the newest one: a frame is of one version.
        found = self._open_whole(name, version)
        self.engine.expect(self.spark, rows=found.count())
        return frame(self.spark, self.path(name), found, columns_of(found))

    def collect(self, name: str, columns: Sequence[str], *, only: Mapping[str, object] | None = None) -> pa.Table:
        import polars as pl

        wanted = [pl.col(column) == pl.lit(value) for column, value in (only or {}).items()]
        return self.arrow(name, columns, where=pl.all_horizontal(wanted) if wanted else None).to_arrow()

    def _open_whole(self, name: str, version: int | None) -> deltalake.DeltaTable:
        """The table, all of whose data files are known to be there."""
        found = self.open(name, version=version)
        check_readable(self.full_name(name), self.path(name), found)
        return found

    def _version_at(self, name: str, moment: datetime) -> int:
        versions = [entry.version for entry in self.history(name) if entry.at <= moment]
        if not versions:
            raise NotFound(f"Table {self.full_name(name)} had not been written by {moment:%Y-%m-%d %H:%M:%S} UTC.")
        return max(versions)

    def arrow(
        self, name: str, columns: Sequence[str], *, version: int | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """The columns asked for, read without Spark; ``where`` prunes files by their statistics."""
        from feature_store.tables.scanning import scan

        lazy = scan(self._open_whole(name, version))
        return (lazy if where is None else lazy.filter(where)).select(columns).collect()


def columns_of(table: deltalake.DeltaTable) -> StructType:
    """The table's columns, as Spark has them."""
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(table.schema().to_json()))
