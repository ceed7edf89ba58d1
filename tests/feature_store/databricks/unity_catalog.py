"""A small Unity Catalog in memory, for the vendor's real client on open-source Spark and Delta.

What Databricks' servers know of a table (keys, tags, an id) is kept in dictionaries here and served over REST, as they do;
the SQL that open-source Delta lacks is answered from the same dictionaries. Everything else is real. One catalog exists;
its three-level names are resolved by Delta's own catalog class, over Spark's in-memory session catalog.
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import deltalake
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from tests.feature_store.databricks.feature_spec_yaml import feature_spec_yaml

_DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
_ALWAYS_THE_SAME = ("SELECT CURRENT_CATALOG()", "SELECT CURRENT_DATABASE()", "DESCRIBE SCHEMA ")
"""What the client asks before each of its verbs, and Spark answers once."""
_TYPES = {
    "int": "INTEGER", "integer": "INTEGER", "long": "LONG", "short": "SHORT", "float": "FLOAT", "double": "DOUBLE",
    "boolean": "BOOLEAN", "string": "STRING", "binary": "BINARY", "timestamp": "TIMESTAMP", "date": "DATE",
    "array": "ARRAY", "map": "MAP", "struct": "STRUCT",
}  # fmt: skip


@dataclass
class Record:
    """What the catalog knows of a table besides what Delta does."""

    table_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: int = field(default_factory=lambda: int(time.time() * 1000))
    primary_keys: list[str] = field(default_factory=list)
    timeseries: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


class UnitySpark(SparkSession):
    """The running session, which also understands the catalog's own SQL."""

    def __init__(self, spark: SparkSession, unity: "UnityCatalog") -> None:
        super().__init__(spark.sparkContext, spark._jsparkSession)
        self._unity = unity
        self._answers: dict[str, list[Row]] = {}
        self._any_frame = super().sql("SELECT 1")

    def sql(self, sqlQuery: str, *arguments: Any, **options: Any) -> DataFrame:  # noqa: N803
        answer = self._unity.statement(sqlQuery)
        if answer is not None:
            return self._told([answer if isinstance(answer, Row) else Row(answer=answer)])
        if not sqlQuery.startswith(_ALWAYS_THE_SAME):
            return super().sql(sqlQuery, *arguments, **options)
        if sqlQuery not in self._answers:
            self._answers[sqlQuery] = super().sql(sqlQuery).collect()
        return self._told(self._answers[sqlQuery])

    def _told(self, rows: list[Row]) -> DataFrame:
        """A frame that has these rows already: Spark is not asked for them."""
        told = type(self._any_frame)(self._any_frame._jdf, self)
        told.collect = lambda: rows  # type: ignore[method-assign]
        told.first = lambda: rows[0]  # type: ignore[method-assign]
        told.isEmpty = lambda: not rows  # type: ignore[method-assign]
        return told

    def createDataFrame(self, data: Any, schema: Any = None, **options: Any) -> DataFrame:  # type: ignore[override]  # noqa: N802
        """Rows go by Arrow, as Spark Connect sends them: otherwise each query about them starts Python workers."""
        if isinstance(data, list) and isinstance(schema, str | StructType):
            schema = StructType.fromDDL(schema) if isinstance(schema, str) else schema
            none = to_arrow_schema(schema, timezone="UTC").empty_table()
            data = LocalDataToArrowConversion.convert(data, schema, use_large_var_types=False) if data else none
        return super().createDataFrame(data, schema, **options)


class UnityCatalog:
    """Catalog ``name`` with the schemas in it, each a folder of Delta tables in ``folder``."""

    def __init__(self, spark: SparkSession, folder: Path, *, name: str, schemas: tuple[str, ...]) -> None:
        self.name = name
        self.folder = folder
        self.records: dict[str, Record] = {}
        self.functions: dict[str, dict[str, Any]] = {}
        self.spark = UnitySpark(spark, self)
        spark.conf.set(f"spark.sql.catalog.{name}", _DELTA_CATALOG)
        manager = spark._jsparkSession.sessionState().catalogManager()
        manager.catalog(name).setDelegateCatalog(manager.v2SessionCatalog())
        for schema in schemas:
            spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema} LOCATION '{folder / schema}'")
        self.schemas = schemas

    def create_function(self, name: str, parameters: Mapping[str, str], returns: str, body: str) -> None:
        """A function for the client, which takes Python only; Spark runs the SQL of ``body`` for it."""
        arguments = ", ".join(f"{parameter} {kind}" for parameter, kind in parameters.items())
        self.spark.sql(f"CREATE OR REPLACE FUNCTION {name}({arguments}) RETURNS {returns} RETURN {body}")
        told = [
            {"name": parameter, "type_text": kind, "type_name": kind.upper(), "position": position}
            for position, (parameter, kind) in enumerate(parameters.items())
        ]
        self.functions[name] = {
            "full_name": name,
            "external_language": "Python",
            "full_data_type": returns,
            "input_params": {"parameters": told},
        }

    def create_python_function(self, name: str, parameters: str, returns: str, body: str) -> str:
        """What ``return`` says is the same expression in Python and in SQL, as long as it is arithmetic."""
        types = dict(one.lower().split() for one in parameters.split(","))
        self.create_function(name, types, returns.lower(), body.strip().removeprefix("return "))
        return name

    def clear(self) -> None:
        """Drop every table and function."""
        for name, known in self.functions.items():
            if "external_language" in known:
                self.spark.sql(f"DROP FUNCTION {name}")
        for schema in self.schemas:
            for row in self.spark.sql(f"SHOW TABLES IN {self.name}.{schema}").collect():
                self.spark.sql(f"DROP TABLE {self.name}.{schema}.{row.tableName}")
        self.records.clear()
        self.functions.clear()

    def path(self, table: str) -> Path:
        return self.folder.joinpath(*table.split(".")[1:])

    def delta(self, table: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(self.path(table))

    def record(self, table: str) -> Record:
        return self.records.setdefault(table.lower(), Record())

    # ---- SQL that open-source Delta lacks, or takes long for

    def statement(self, text: str) -> str | Row | None:
        """The answer to one of the catalog's own statements; None for a text that Spark answers."""
        words = text.strip().replace("`", "")
        for pattern, verb in _STATEMENTS:
            if found := re.fullmatch(pattern, words, flags=re.DOTALL | re.IGNORECASE):
                answer: str | Row | None = getattr(self, verb)(*found.groups())
                return answer
        return None

    def describe_catalog(self, name: str) -> str:
        if name != self.name:
            raise AnalysisException(f"Catalog {name} was not found.")
        return name

    def set_not_null(self, table: str, column: str) -> str:
        return f"{table}.{column}"

    def add_primary_key(self, table: str, columns: str) -> str:
        record, names = self.record(table), [one.strip() for one in columns.split(",")]
        record.timeseries = [one.removesuffix(" TIMESERIES") for one in names if one.endswith(" TIMESERIES")]
        record.primary_keys = [one.removesuffix(" TIMESERIES") for one in names]
        return table

    def set_tags(self, table: str, pairs: str) -> str:
        found = re.findall(r"'((?:\\.|[^'])*)' = '((?:\\.|[^'])*)'", pairs)
        self.record(table).tags |= {_unescaped(key): _unescaped(value) for key, value in found}
        return table

    def unset_tags(self, table: str, keys: str) -> str:
        for key in re.findall(r"'((?:\\.|[^'])*)'", keys):
            self.record(table).tags.pop(_unescaped(key), None)
        return table

    def show_create_table(self, table: str) -> str:
        keys = ", ".join(f"`{key}`" for key in self.record(table).primary_keys)
        return f"CREATE TABLE {table} (a INT" + (f", CONSTRAINT pk PRIMARY KEY ({keys}))" if keys else ")")

    def newest_version(self, table: str) -> Row | None:
        """By the name of the newest file of the table's log; Delta reads the log in a job of Spark's, which takes a hundred times as long."""
        newest = max(self.path(table).glob("_delta_log/*.json"), default=None)
        if newest is None:
            return None
        return Row(version=int(newest.stem), timestamp=datetime.fromtimestamp(newest.stat().st_mtime))

    def drop_table(self, table: str) -> None:
        """Forget the table, and let Spark drop it."""
        self.records.pop(table.lower(), None)

    # ---- REST

    def answer(self, path: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the servers reply.

        Raises
        ------
        KeyError
            If there is no such thing.
        """
        if path.startswith("/api/2.1/unity-catalog/tables/"):
            return self._table(path.rsplit("/", 1)[1])
        if path.startswith("/api/2.0/unity-catalog/securable-tags/TABLE/"):
            tags = self.record(path.rsplit("/", 1)[1]).tags
            pairs = [{"key": key, "value": value} for key, value in tags.items()]
            return {"tag_assignments": [{"tag_key_value_pairs": pairs}]}
        if "/unity-catalog/functions/" in path:
            return self.functions[path.rsplit("/", 1)[1]]
        return self._feature_store(path.removeprefix("/api/2.0/feature-store/"), given)

    def _table(self, name: str) -> Mapping[str, Any]:
        table, record = self.delta(name), self.record(name)
        key = {"child_columns": record.primary_keys, "timeseries_columns": record.timeseries}
        return {
            "full_name": name,
            "table_id": record.table_id,
            "securable_kind": "TABLE_DELTA",
            "table_type": "MANAGED",
            "comment": table.metadata().description or "",
            "created_at": record.created_at,
            "columns": [{"name": one.name} for one in table.schema().fields],
            "table_constraints": [{"primary_key_constraint": key}] if record.primary_keys else [],
        }

    def _feature_store(self, verb: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if verb == "features/get":
            fields = json.loads(self.delta(given["feature_table"]).schema().to_json())["fields"]
            return {"features": [_feature(given["feature_table"], one) for one in fields]}
        if verb == "feature-tables/get-online-stores":
            stores = [{"feature_table": name, "online_stores": []} for name in given.get("feature_tables", [])]
            return {"feature_table_online_stores": stores}
        if verb == "feature-tables/create":
            return {"feature_table": {"name": given["name"]}}
        if verb == "feature-spec/generate-yaml":
            return {
                "feature_spec_yaml": feature_spec_yaml(given, self.columns, lambda name: self.record(name).table_id)
            }
        if verb == "feature-spec/create":
            text = feature_spec_yaml(given, self.columns, lambda name: self.record(name).table_id)
            self.functions[given["name"]] = {"securable_kind": "FUNCTION_FEATURE_SPEC", "routine_definition": text}
            return {"feature_spec_info": {"name": given["name"], "creator": "tests", "creation_timestamp_ms": 1}}
        if verb.startswith("feature-spec/"):
            del self.functions[verb.removeprefix("feature-spec/")]
        return {}

    def columns(self, table: str) -> list[str]:
        """The features of a table as the catalog lists them: by the alphabet."""
        keys = self.record(table).primary_keys
        return sorted(one.name for one in self.delta(table).schema().fields if one.name not in keys)


_STATEMENTS = (
    (r"DESCRIBE CATALOG (\S+)", "describe_catalog"),
    (r"ALTER TABLE (\S+) ALTER COLUMN (\S+) SET NOT NULL", "set_not_null"),
    (r"ALTER TABLE (\S+) ADD CONSTRAINT \S+ PRIMARY KEY\((.*)\)", "add_primary_key"),
    (r"ALTER TABLE (\S+) SET TAGS \((.*)\)", "set_tags"),
    (r"ALTER TABLE (\S+) UNSET TAGS \((.*)\)", "unset_tags"),
    (
        r"CREATE OR REPLACE FUNCTION (\S+)\((.*)\)\s+RETURNS (\w+)\s.*LANGUAGE PYTHON.*\$\$(.*)\$\$",
        "create_python_function",
    ),
    (r"SHOW CREATE TABLE (\S+)", "show_create_table"),
    (r"DESCRIBE HISTORY (\S+) LIMIT 1", "newest_version"),
    (r"DROP TABLE (?:IF EXISTS )?(\S+)", "drop_table"),
)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _feature(table: str, column: Mapping[str, Any]) -> dict[str, Any]:
    kind = column["type"]
    name = kind["type"] if isinstance(kind, dict) else kind
    code = "DECIMAL" if name.startswith("decimal") else _TYPES[name]
    return {"table": table, "name": column["name"], "data_type": code, "data_type_details": json.dumps(kind)}


@contextmanager
def served(unity: UnityCatalog) -> Iterator[str]:
    """Serve the catalog on a free local port; the address."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = json.loads(body) if body else dict(parse_qsl(address.query))
            try:
                status, document = 200, unity.answer(unquote(address.path), given)
            except Exception as error:
                status, document = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": repr(error)}
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = reply  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def standing_in(unity: UnityCatalog) -> Iterator[None]:
    """Let the catalog stand where the vendor's client looks for its servers and its session."""
    with served(unity) as address, pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABRICKS_HOST", address)
        environment.setenv("DATABRICKS_TOKEN", "none needed")
        environment.setattr(SparkSession, "_instantiatedSession", unity.spark)
        yield
