"""What a feature table must be, and must not hold: null keys, and two rows with the same key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from feature_store.errors import InvalidRows, Misuse, SchemaMismatch, WrongKind, listed, suggestion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from feature_store.declare.table import FeatureTable
    from feature_store.tables.stored import StoredFeatureTable

_SHOWN = 3
_TYPES = (
    "int", "bigint", "smallint", "float", "double", "decimal", "boolean", "string", "binary", "timestamp", "date",
    "array", "map", "struct",
)  # fmt: skip


def check_keys(df: DataFrame, keys: Sequence[str], name: str) -> None:
    """Refuse null and duplicate keys; the text names the first such rows.

    Raises
    ------
    Misuse
        If a key is not a column of ``df``.
    InvalidRows
        If a key is null, or two rows have the same keys.
    """
    for key in keys:
        if key not in df.columns:
            hint = suggestion(key, df.columns)
            raise Misuse(f"Feature table {name}: the key {key!r} is missing from the rows. {hint}")
    from pyspark.sql import functions as F

    null_key = F.lit(False)
    for key in keys:
        null_key |= F.col(f"`{key}`").isNull()
    counted = df.groupBy(*(f"`{key}`" for key in keys)).agg(F.count("*").alias("__rows"))
    # As text: Python would show moments in the machine's own time zone.
    shown = (F.col(f"`{key}`").cast("string").alias(key) for key in keys)
    bad = counted.where((F.col("__rows") > 1) | null_key).select(*shown).limit(1_000).collect()
    nulls = [row for row in bad if any(row[key] is None for key in keys)]
    doubled = [row for row in bad if row not in nulls]
    if nulls:
        found = f"{len(nulls)} key{'s' * (len(nulls) != 1)} with a null, for example {_examples(nulls, keys)}."
        raise InvalidRows(
            f"Feature table {name}: {found} Nothing was written. Filter such rows out in compute().", found=found
        )
    if doubled:
        many = f"{len(doubled)} key{'s' * (len(doubled) != 1)} with more than one row"
        found = f"{many}, for example {_examples(doubled, keys)}."
        raise InvalidRows(
            f"Feature table {name}: {found} Nothing was written. Aggregate them to one row in compute().", found=found
        )


def _examples(rows: Sequence[object], keys: Sequence[str]) -> str:
    return "; ".join(", ".join(f"{key}={row[key]}" for key in keys) for row in rows[:_SHOWN])  # type: ignore[index]


def check_key_columns(name: str, keys: list[str], time: str | None, schema: StructType) -> list[str]:
    """The keys with the timeseries column last.

    Raises
    ------
    Misuse
        If they are not columns of their own, or a column has a type that a feature table cannot hold.
    """
    if time is not None and time not in keys:
        raise Misuse(
            f"Feature table {name!r}: the timeseries column {time!r} is not among the primary keys ({listed(keys)})."
        )
    ordered = [key for key in keys if key != time] + ([time] if time else [])
    if len(set(keys)) < len(keys):
        raise Misuse(f"Feature table {name!r}: a primary key is named twice: {listed(keys)}.")
    if not [key for key in keys if key != time]:
        raise Misuse(f"Feature table {name!r} needs at least one primary key besides the timeseries column.")
    for key in ordered:
        if key not in schema.names:
            raise Misuse(f"Feature table {name!r}: the key {key!r} is not a column. {suggestion(key, schema.names)}")
    if time is not None and schema[time].dataType.simpleString() not in ("timestamp", "date"):
        raise Misuse(f"Feature table {name!r}: the timeseries column {time!r} must be a timestamp or a date.")
    for field in schema:
        kind = field.dataType.simpleString()
        if kind.split("(")[0].split("<")[0] not in _TYPES:
            raise Misuse(
                f"Feature table {name!r}: {field.name!r} is {kind}, which a feature table cannot hold. "
                f"It can hold: {listed(_TYPES, most=20)}."
            )
    return ordered


def described(schema: StructType, table: FeatureTable) -> StructType:
    """``schema`` with the declared descriptions as comments, and with keys that are never null."""
    from pyspark.sql.types import StructField, StructType

    texts = {name: {"comment": text} for name, text in table.features.items()}
    return StructType(
        [StructField(f.name, f.dataType, f.name not in table.primary_keys, texts.get(f.name)) for f in schema]
    )


def check_same(stored: StoredFeatureTable, keys: list[str], time: str | None, wanted: StructType) -> None:
    """Refuse to take a stored table for another one.

    Raises
    ------
    SchemaMismatch
        If its keys or columns are not the ones wanted; the text lists the differences.
    """
    differences = []
    if stored.primary_keys != keys or stored.timeseries_column != time:
        differences.append(f"its keys are {listed(stored.primary_keys)}, not {listed(keys)}")
    have = {field.name: field.dataType.simpleString() for field in stored.schema}
    want = {field.name: field.dataType.simpleString() for field in wanted}
    for name in want.keys() | have.keys():
        if have.get(name) != want.get(name):
            differences.append(f"{name!r} is {have.get(name, 'not there')}, not {want.get(name, 'there any more')}")
    if differences:
        raise SchemaMismatch(
            f"Feature table {stored.name} exists and is another one: {listed(sorted(differences))}. "
            "Publish under another name, or drop the table and publish it again with --full."
        )


def check_fits(schema: StructType, stored: StoredFeatureTable) -> None:
    """Refuse rows that cannot be merged: another type, or a column missing where there is a timeseries column.

    Raises
    ------
    SchemaMismatch
        If the rows do not fit; the text lists what is wrong.
    """
    given = {field.name: field.dataType.simpleString() for field in schema}
    wrong = [
        f"{field.name!r} is {given[field.name]} and the table has {field.dataType.simpleString()}"
        for field in stored.schema
        if field.name in given and given[field.name] != field.dataType.simpleString()
    ]
    if stored.timeseries_column:
        missing = [name for name in stored.features if name not in given]
        wrong += [f"{name!r} is missing, and a table with a timeseries column takes whole rows" for name in missing]
    cases = {name.lower(): name for name in stored.features}
    for name in given:
        if name not in stored.features and name.lower() in cases:
            wrong.append(f"{name!r} differs from {cases[name.lower()]!r} by case only")
    if wrong:
        raise SchemaMismatch(f"The rows do not fit feature table {stored.name}: {listed(wrong)}. Nothing was written.")


def check_moment(given: datetime | str | None) -> datetime | None:
    """``given`` as a moment.

    Raises
    ------
    Misuse
        If it is a text that names none.
    """
    try:
        return datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise Misuse(f"{given!r} is not a moment. Write a date or a time: 2013-07-01T06:00.") from None


def check_version(version: int | None, moment: datetime | str | None) -> None:
    """Refuse a version that cannot be one, and a version together with a moment.

    Raises
    ------
    Misuse, WrongKind
        If both are given, or the version is no whole number from 0.
    """
    if version is None:
        return
    if moment is not None:
        raise Misuse("as_of_delta_version and as_of_delta_timestamp both say what to read. Give one of them.")
    if not isinstance(version, int) or isinstance(version, bool):
        raise WrongKind(f"as_of_delta_version is a whole number, not {version!r}.")
    if version < 0:
        raise Misuse(f"There is no version {version}: a table's versions are counted from 0.")
