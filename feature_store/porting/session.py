"""``spark`` in a ported notebook: the Spark session, to which three-level names are tables of the store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from feature_store.errors import Misuse
from feature_store.local.store import LocalStore
from feature_store.names import DEFAULT_SCHEMA
from feature_store.opening import open_store
from feature_store.porting.functions import FUNCTIONS, define

_NAME = r"`?[\w-]+`?"
_THREE = rf"{_NAME}\.{_NAME}\.{_NAME}"
_IN_A_QUERY = re.compile(rf"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?<![\w.`]){_THREE}(?![\w.`(])")
_CHANGE = re.compile(
    r"(CREATE\s+(?:OR\s+REPLACE\s+)?TABLE(?:\s+IF\s+NOT\s+EXISTS)?|INSERT\s+(?:INTO|OVERWRITE)(?:\s+TABLE)?|MERGE\s+INTO|UPDATE|"
    rf"DELETE\s+FROM|(?:ALTER|TRUNCATE|COMMENT\s+ON)\s+TABLE|OPTIMIZE|VACUUM)\s+({_THREE})",
    re.IGNORECASE,
)


def configured_store() -> LocalStore:
    """The store that the environment names, the same one as long as it names the same."""
    return _opened(
        *(os.environ.get(name, "") for name in ("PIPELINE_SCHEMA", "PIPELINE_WORKSPACE", "PIPELINE_WAREHOUSE"))
    )


@lru_cache(maxsize=1)
def _opened(schema: str, workspace: str, warehouse: str) -> LocalStore:
    return cast("LocalStore", open_store(schema=schema or DEFAULT_SCHEMA, backend="local"))


class NotebookSession:
    """The running session, or one that is started when it is first used.

    It also understands what notebooks tell Unity Catalog, as far as the store has it: which catalog and schema are in use, Python
    functions, and queries of the store's tables. All else is Spark's own.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(configured_store().spark, name)

    def __repr__(self) -> str:
        return "<spark: a session of this machine, started when it is first used>"

    @property
    def read(self) -> DataFrameReader:
        """Spark's reader, which finds the store's tables as well."""
        return _Reader(configured_store().spark)

    def table(self, tableName: str) -> DataFrame:  # noqa: N803
        """The table of the store, or else Spark's own of that name."""
        return self.read.table(tableName)

    def sql(self, sqlQuery: str, *arguments: Any, **options: Any) -> DataFrame:  # noqa: N803
        """The answer to a query, or to a statement that is understood.

        Raises
        ------
        Misuse
            If a statement would change a table of the store past its verbs.
        """
        spark, text = configured_store().spark, sqlQuery.strip().rstrip(";")
        for pattern, act in _STATEMENTS:
            if found := re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL):
                act(**{key: (value or "").replace("`", "") for key, value in found.groupdict().items()})
                return spark.createDataFrame([], "result string")
        if found := _CHANGE.match(text):
            raise Misuse(
                f"{found[1].upper()} is not how {found[2].replace('`', '')} changes here: make a table with create_table(name=..., "
                "primary_keys=..., df=...), and write to it with write_table. spark.sql reads it."
            )
        return spark.sql(_IN_A_QUERY.sub(_by_its_path, text), *arguments, **options)


class _Reader(DataFrameReader):
    def __init__(self, spark: SparkSession) -> None:
        super().__init__(spark)

    def table(self, tableName: str) -> DataFrame:  # noqa: N803
        tables, name = configured_store().tables, tableName.replace("`", "")
        return tables.read(name) if name.count(".") == 2 and tables.exists(name) else super().table(tableName)


def _by_its_path(found: re.Match[str]) -> str:
    tables, name = configured_store().tables, found[0].replace("`", "")
    return f"delta.`{tables.path(name)}`" if found[0][0] not in "'\"" and tables.exists(name) else found[0]


def _use(catalog: str = "", schema: str = "") -> None:
    """From now on, what a name of one part is completed with."""
    tables = configured_store().tables
    tables.catalog, tables.schema = catalog or tables.catalog, schema or tables.schema


def _nothing_to_do() -> None:
    """A catalog and a schema are there with their first table."""


def _drop_table(name: str, if_exists: str) -> None:
    tables = configured_store().tables
    if tables.exists(name) or not if_exists:
        tables.drop(name)


def _drop_function(name: str) -> None:
    FUNCTIONS.pop(name.lower(), None)


_STATEMENTS: tuple[tuple[str, Callable[..., None]], ...] = (
    (rf"USE\s+CATALOG\s+(?P<catalog>{_NAME})", _use),
    (rf"USE\s+(?P<catalog>{_NAME})\.(?P<schema>{_NAME})", _use),
    (rf"USE\s+(?:SCHEMA\s+|DATABASE\s+)?(?P<schema>{_NAME})", _use),
    (r"CREATE\s+(?:CATALOG|SCHEMA|DATABASE)\s.*", _nothing_to_do),
    (rf"DROP\s+TABLE\s+(?P<if_exists>IF\s+EXISTS\s+)?(?P<name>{_THREE})", _drop_table),
    (rf"DROP\s+FUNCTION\s+(?:IF\s+EXISTS\s+)?(?P<name>{_THREE})", _drop_function),
    (
        rf"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_THREE})\s*\((?P<parameters>[^)]*)\)\s*"
        r"RETURNS\s+(?P<returns>\w+(?:\([\d, ]+\))?)\s.*?\bLANGUAGE\s+PYTHON\b.*?\bAS\s+\$\$(?P<body>.*)\$\$",
        define,
    ),
)
"""Statements of Unity Catalog that open-source Spark does not know, and what they do here."""
