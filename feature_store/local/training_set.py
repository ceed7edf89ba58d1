"""Training sets: lookups checked against their tables at once, joined only when the frame is asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.errors import Misuse, NotFound, SchemaMismatch, WrongKind, listed, suggestion
from feature_store.local.feature_spec import FeatureColumn, FeatureSpec, SourceColumn
from feature_store.local.point_in_time import join
from feature_store.local.resolved_lookup import ResolvedLookup
from feature_store.local.tables import DeltaTables
from feature_store.lookup import DefaultValue, FeatureLookup
from feature_store.store import StoredFeatureTable

_NUMBERS: dict[str, type[int] | type[float]] = {
    "int": int,
    "bigint": int,
    "smallint": int,
    "float": float,
    "double": float,
}


@dataclass(frozen=True, eq=False)
class LocalTrainingSet:
    """:class:`feature_store.store.TrainingSet` over Delta tables: the versions are fixed when it is created."""

    df: DataFrame
    labels: Sequence[str]
    spec: FeatureSpec
    lookups: Sequence[ResolvedLookup]
    tables: DeltaTables

    @property
    def table_versions(self) -> Mapping[str, int]:
        return {lookup.table: lookup.version for lookup in self.lookups}

    def load_df(self) -> DataFrame:
        joined = fill_defaults(join(self.df, self.lookups, self.tables), self.spec)
        return joined.select(*(f"`{name}`" for name in [*self.spec.included, *self.labels]))


def create_training_set(
    df: DataFrame,
    lookups: Sequence[FeatureLookup],
    labels: Sequence[str],
    exclude: Sequence[str],
    stored: Mapping[str, StoredFeatureTable],
    tables: DeltaTables,
) -> LocalTrainingSet:
    """Check everything that can be checked without running a query, and fix the table versions."""
    if isinstance(exclude, str):
        raise WrongKind(f"exclude_columns is a list of names. Write [{exclude!r}].")
    for label in labels:
        if label not in df.columns:
            raise Misuse(f"The data frame has no label column {label!r}. {suggestion(label, df.columns)}")
        if label in exclude:
            raise Misuse(f"The label {label!r} cannot be excluded.")
    given = [name for name in df.columns if name not in labels]
    features: list[FeatureColumn] = []
    resolved: list[ResolvedLookup] = []
    for lookup in lookups:
        table = stored[lookup.table_name]
        columns = lookup_columns(lookup, table, df.schema)
        features += columns
        resolved.append(resolve(columns, table))
    _check_names(features, given, labels, exclude)
    keys = {key for lookup in resolved for key, _ in lookup.pairs}
    for label in labels:
        if label in keys:
            raise Misuse(f"The label {label!r} cannot be a lookup key: it is not known when the model is asked.")
    sources = [
        SourceColumn(name=name, data_type=df.schema[name].dataType.simpleString(), include=name not in exclude)
        for name in given
        if name not in exclude or name in keys
    ]
    kept = [replace(column, include=False) if column.name in exclude else column for column in features]
    spec = FeatureSpec(sources=sources, features=kept, table_ids=_ids(resolved, tables))
    return LocalTrainingSet(df, labels, spec, resolved, tables)


def lookup_columns(lookup: FeatureLookup, table: StoredFeatureTable, spine: StructType) -> list[FeatureColumn]:
    """The feature columns that ``lookup`` gives, after checking it against the table and the data frame.

    Raises
    ------
    Misuse
        If a feature or key is unknown, of another type, or the timestamps do not fit the table.
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
    _check_keys(lookup, table, spine, where)
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


def packaged_lookups(
    spec: FeatureSpec,
    brought: Sequence[str],
    spine: StructType,
    stored: Mapping[str, StoredFeatureTable],
    versions: Mapping[str, int],
) -> list[ResolvedLookup]:
    """The lookups of a packaged model that ``spine`` needs, without the features in ``brought``.

    Raises
    ------
    SchemaMismatch
        If a table no longer has a feature, or a key is of another type.
    """

    def place(column: FeatureColumn) -> tuple[object, ...]:
        return column.table, tuple(column.lookup_key), column.timestamp_lookup_key, column.lookback

    lookups = []
    for _, group in groupby((column for column in spec.features if column.name not in brought), key=place):
        columns = list(group)
        table = stored[columns[0].table]
        gone = [column.feature for column in columns if column.feature not in table.feature_columns]
        if gone:
            raise SchemaMismatch(
                f"The model was trained with {listed(gone)} of {table.name}, which the table no longer has. "
                "Publish it again, or train the model again."
            )
        lookup = resolve(columns, replace(table, version=versions.get(table.name, table.version)))
        check_key_types(lookup.pairs, spine, table)
        lookups.append(lookup)
    return lookups


def fill_defaults(df: DataFrame, spec: FeatureSpec) -> DataFrame:
    """Missing rows and null values replaced by the declared defaults."""
    values = {
        column.name: _parsed(column.name, column.default, column.data_type)
        for column in spec.features
        if column.default is not None and column.name in df.columns
    }
    return df.fillna(values) if values else df


def _check_keys(lookup: FeatureLookup, table: StoredFeatureTable, spine: StructType, where: str) -> None:
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
    pairs = list(zip(lookup.lookup_key, table.entity_keys, strict=True))
    if lookup.timestamp_lookup_key and table.timeseries_column:
        pairs.append((lookup.timestamp_lookup_key, table.timeseries_column))
    check_key_types(pairs, spine, table)


def check_key_types(pairs: Iterable[tuple[str, str]], spine: StructType, table: StoredFeatureTable) -> None:
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
        if ours not in spine.names:
            raise Misuse(f"{where}: the data frame has no column {ours!r}. {suggestion(ours, spine.names)}")
        here, there = spine[ours].dataType.simpleString(), table.schema[theirs].dataType.simpleString()
        if here != there:
            raise SchemaMismatch(
                f"{where}: {ours!r} is {here} in the data frame, and the table's {theirs!r} is {there}. "
                f'Cast it: df.withColumn("{ours}", df["{ours}"].cast("{there}")).'
            )


def _check_names(
    features: Sequence[FeatureColumn], given: Sequence[str], labels: Sequence[str], exclude: Sequence[str]
) -> None:
    # Spark takes names that differ by case for one and the same.
    seen: dict[str, str] = {}
    origins: dict[str, str] = {}
    for column in features:
        name, origin = column.name.lower(), f"{column.feature!r} of {column.table}"
        if name in (label.lower() for label in labels):
            raise Misuse(f"The label {column.name!r} has the name of a feature: {origin}. Rename one: rename_outputs=.")
        if name in (one.lower() for one in given):
            raise Misuse(
                f"The data frame already has a column {column.name!r}, which is also looked up: {origin}. "
                "Drop it, or rename the feature: rename_outputs=."
            )
        if name in origins:
            raise Misuse(
                f"Two lookups give {column.name!r}: {origins[name]} and {origin}. Rename one: rename_outputs=."
            )
        origins[name] = seen[column.name] = origin
    for name in exclude:
        if name not in seen and name not in given:
            raise NotFound(f"exclude_columns names {name!r}, which is no column. {suggestion(name, [*given, *seen])}")
    if not [name for name in [*given, *seen] if name not in exclude]:
        raise Misuse(
            "Nothing is left to train on: the data frame has only labels and excluded columns, and nothing is looked up."
        )


def _ids(lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> dict[str, str]:
    return {lookup.table: str(tables.open(lookup.table).metadata().id) for lookup in lookups}


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
