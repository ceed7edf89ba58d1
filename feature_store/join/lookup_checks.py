"""Lookups held against their tables: what each gives, by which columns, and whether the types agree."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pyspark.sql.types import StructType

from feature_store.declare.lookup import DefaultValue, FeatureLookup
from feature_store.errors import Misuse, NotFound, SchemaMismatch, listed, suggestion
from feature_store.join.columns import FeatureColumn
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.tables.stored import StoredFeatureTable

_NUMBERS: dict[str, type[int] | type[float]] = {
    "int": int,
    "bigint": int,
    "smallint": int,
    "float": float,
    "double": float,
}


def lookup_columns(lookup: FeatureLookup, table: StoredFeatureTable) -> list[FeatureColumn]:
    """The feature columns that ``lookup`` gives, after checking it against the table.

    Raises
    ------
    Misuse
        If a feature is unknown, or keys and moments are not those of the table.
    """
    where = f"Lookup in {table.name}"
    for feature in lookup.feature_names:
        if feature not in table.feature_columns:
            raise NotFound(f"{where}: there is no feature {feature!r}. {suggestion(feature, table.feature_columns)}")
    chosen = list(lookup.feature_names) or table.feature_columns
    if not chosen:
        raise Misuse(f"{where}: the table has keys only, and no features to look up.")
    for feature in lookup.rename_outputs:
        if feature not in chosen:
            raise NotFound(
                f"{where}: rename_outputs names {feature!r}, which is not looked up. {suggestion(feature, chosen)}"
            )
    outputs = {feature: lookup.output_name(feature) for feature in chosen}
    for name in lookup.default_values:
        if name not in outputs.values():
            raise NotFound(
                f"{where}: default_values names {name!r}, which is no output. {suggestion(name, outputs.values())}"
            )
    _check_keys(lookup, table, where)
    return [
        FeatureColumn(
            name=name,
            data_type=table.schema[feature].dataType.simpleString(),
            table=table.name,
            feature=feature,
            lookup_key=lookup.lookup_key,
            timestamp_lookup_key=lookup.timestamp_lookup_key,
            lookback=lookup.lookback_window,
            default=_default_text(name, lookup.default_values.get(name), table.schema[feature].dataType.simpleString()),
        )
        for feature, name in outputs.items()
    ]


def _check_keys(lookup: FeatureLookup, table: StoredFeatureTable, where: str) -> None:
    if len(lookup.lookup_key) != len(table.entity_keys):
        raise Misuse(
            f"{where}: lookup_key names {len(lookup.lookup_key)} columns ({listed(lookup.lookup_key)}); the table has "
            f"{len(table.entity_keys)} keys: {listed(table.entity_keys)}."
        )
    if table.timeseries_column and not lookup.timestamp_lookup_key:
        raise Misuse(
            f"{where}: the table has the timeseries column {table.timeseries_column!r}, so the lookup needs a "
            "timestamp_lookup_key: the data frame's column with the moment to look up as of."
        )
    if lookup.timestamp_lookup_key and not table.timeseries_column:
        raise Misuse(f"{where}: the table has no timeseries column; leave timestamp_lookup_key out.")


def grouped(columns: Iterable[FeatureColumn]) -> list[list[FeatureColumn]]:
    """Neighbours that share table, keys and window: what one lookup gave."""

    def place(column: FeatureColumn) -> tuple[object, ...]:
        return column.table, tuple(column.lookup_key), column.timestamp_lookup_key, column.lookback

    return [list(group) for _, group in groupby(columns, key=place)]


def resolve(columns: Sequence[FeatureColumn], table: StoredFeatureTable) -> ResolvedLookup:
    """What the join needs for ``columns``, which share table, keys and window."""
    first = columns[0]
    time = table.timeseries_column
    return ResolvedLookup(
        table=table.name,
        version=table.version,
        keys=tuple(zip(first.lookup_key, table.entity_keys, strict=True)),
        outputs=tuple((column.feature, column.name) for column in columns),
        times=(first.timestamp_lookup_key, time) if first.timestamp_lookup_key and time else None,
        lookback=first.lookback,
    )


def check_key_types(pairs: Iterable[tuple[str, str]], columns: StructType, table: StoredFeatureTable) -> None:
    """Refuse a lookup whose ``pairs`` of a frame's and the table's columns are not of equal types.

    Raises
    ------
    Misuse
        If the frame lacks a column.
    SchemaMismatch
        If the types differ; the text offers the cast.
    """
    where = f"Lookup in {table.name}"
    for ours, theirs in pairs:
        if ours not in columns.names:
            raise Misuse(f"{where}: the data frame has no column {ours!r}. {suggestion(ours, columns.names)}")
        here, there = columns[ours].dataType.simpleString(), table.schema[theirs].dataType.simpleString()
        if here != there:
            raise SchemaMismatch(
                f"{where}: {ours!r} is {here} in the data frame, and the table's {theirs!r} is {there}. "
                f'Cast it: df.withColumn("{ours}", df["{ours}"].cast("{there}")).'
            )


def defaults(columns: Iterable[FeatureColumn]) -> Mapping[str, DefaultValue]:
    """The declared defaults by output name, as values of the columns' types."""
    return {
        column.name: _parsed(column.name, column.default, column.data_type)
        for column in columns
        if column.default is not None
    }


def _default_text(name: str, value: DefaultValue | None, data_type: str) -> str | None:
    if value is None or value == "":
        return None
    _parsed(name, str(value), data_type)
    return str(value)


def _parsed(name: str, text: str, data_type: str) -> DefaultValue:
    if data_type == "string":
        return text
    try:
        if data_type == "boolean":
            return {"true": True, "false": False}[text.lower()]
        return _NUMBERS[data_type](text)
    except (KeyError, ValueError):
        raise Misuse(f"The default of {name!r}, {text!r}, cannot be a {data_type}.") from None
