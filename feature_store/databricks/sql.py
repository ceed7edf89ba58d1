"""Columns, properties and texts, as Spark's SQL takes them."""

from collections.abc import Mapping

from pyspark.sql.types import StructField


def column_of(field: StructField) -> str:
    """The column in a table's definition, with its comment."""
    comment = (field.metadata or {}).get("comment")
    null = "" if field.nullable else " NOT NULL"
    return f"`{field.name}` {field.dataType.simpleString()}{null}" + (f" COMMENT {text(comment)}" if comment else "")


def pairs(properties: Mapping[str, str]) -> str:
    """Table properties, each ``'key' = 'value'``."""
    return ", ".join(f"{text(key)} = {text(value)}" for key, value in properties.items())


def text(value: str) -> str:
    """``value`` as a literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
