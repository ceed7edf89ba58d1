"""Training sets and scoring with aggregated features, computed from their sources as of each row's own moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store.aggregate.plan import on_spine
from feature_store.declare.feature import Feature, check_one_group, events_of, sources_of
from feature_store.declare.source import KNOWN_AT
from feature_store.errors import Misuse, SchemaMismatch, WrongKind, listed
from feature_store.join.columns import SourceColumn
from feature_store.join.definition import Definition, check_names
from feature_store.moments import utc
from feature_store.package.declared_spec import DeclaredSpec, spec_of
from feature_store.package.feature_file import check_findable
from feature_store.package.training_set import LocalTrainingSet, check_labels
from feature_store.tables.protocol import Tables


@dataclass(frozen=True, eq=False)
class AggregatedTrainingSet(LocalTrainingSet):
    """:class:`LocalTrainingSet` of aggregated features; ``versions`` are those of the sources' tables."""

    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def table_versions(self) -> Mapping[str, int]:
        return self.versions

    @property
    def keys(self) -> Mapping[str, Mapping[str, str]]:
        """Sources have no primary keys that a model could rely on."""
        return {}

    @property
    def origins(self) -> Mapping[str, str]:
        assert isinstance(self.feature_spec, DeclaredSpec)
        return {one.name: ", ".join(tables_of([one], self.tables)) for one in self.feature_spec.declared}

    def _looked_up(self) -> DataFrame:
        assert isinstance(self.feature_spec, DeclaredSpec)
        computed = compute(self.df, self.feature_spec.declared, self.tables, self.versions)
        return computed.select(*(f"`{name}`" for name in self.get_output_columns()))


@dataclass(frozen=True)
class _Declared(Definition):
    """What the checks of names ask of a definition, for aggregated features."""

    features: Sequence[Feature] = ()

    @property
    def outputs(self) -> list[str]:
        return [feature.name for feature in self.features]

    def origins(self) -> Iterator[tuple[str, str]]:
        for feature in self.features:
            yield feature.name, f"{type(feature.function.operator).__name__} of {feature.source.name}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        for feature in self.features:
            for name in (*feature.entity, feature.timeseries_column):
                yield name, f"Feature {feature.name}"


def create(
    df: DataFrame, features: Sequence[Feature], labels: Sequence[str], exclude: Sequence[str], tables: Tables
) -> AggregatedTrainingSet:
    """Check everything that can be checked without running a query, and fix the versions of the sources' tables.

    Raises
    ------
    Misuse, WrongKind
        If the features do not fit the frame or their sources, or names and labels contradict each other.
    """
    if not isinstance(features, list | tuple) or not all(isinstance(one, Feature) for one in features):
        raise WrongKind(f"features is a list of Feature, not {features!r}.")
    if not features:
        raise Misuse("A training set of features needs one at least. Without any, give feature_lookups=[].")
    check_labels(df, labels, exclude)
    definition = _Declared([], [], [], {}, features)
    given = [name for name in df.columns if name not in labels]
    check_names(definition, given=given, labels=labels, exclude=exclude)
    check_findable(features)
    kept = [feature for feature in features if feature.name not in exclude]
    inputs = {name for name, _ in _Declared([], [], [], {}, kept).inputs()}
    versions = {table: tables.version(table) for table in tables_of(kept, tables)}
    types = _joined(df, kept, tables, versions, None).schema
    sources = [
        SourceColumn(name=name, data_type=df.schema[name].dataType.simpleString(), include=name not in exclude)
        for name in given
        if name not in exclude or name in inputs
    ]
    kinds = {feature.name: types[feature.name].dataType.simpleString() for feature in kept}
    spec = spec_of(kept, sources, kinds, f"{tables.catalog}.{tables.schema}")
    return AggregatedTrainingSet(df, labels, spec, Definition([], [], [], {}), tables, versions=versions)


def tables_of(features: Sequence[Feature], tables: Tables) -> list[str]:
    """The full names of the tables that the features' sources read, sorted."""
    return sorted({tables.full_name(source.table) for feature in features for source in sources_of(feature.source)})


def compute(df: DataFrame, features: Sequence[Feature], tables: Tables, versions: Mapping[str, int]) -> DataFrame:
    """``df`` with the features as of the moment of each of its rows, of these versions of the sources' tables.

    The frame is asked for its earliest and latest moment first, so that no event is read that no row can see.
    """
    moments = list(dict.fromkeys(feature.timeseries_column for feature in features))
    edges = [edge(F.col(f"`{name}`")) for name in moments for edge in (F.min, F.max)]
    found = df.agg(*edges).first() if moments else None
    known = [utc(moment) for moment in found or () if moment is not None]
    return _joined(df, features, tables, versions, (min(known), max(known)) if known else (_NEVER, _NEVER))


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _joined(
    df: DataFrame,
    features: Sequence[Feature],
    tables: Tables,
    versions: Mapping[str, int],
    asked: tuple[datetime, datetime] | None,
) -> DataFrame:
    """``asked`` are the earliest and the latest moment of ``df``; None: not known, and everything would be read."""
    joined = df
    groups: dict[tuple[object, ...], list[Feature]] = {}
    for feature in features:
        groups.setdefault((feature.source, *feature.entity, feature.timeseries_column), []).append(feature)
    for group in groups.values():
        first, last = asked or (_NEVER, _NEVER)
        start = first - max(feature.function.time_window.reach for feature in group) if asked else None
        frames = [
            source.read(tables, as_of=last, start=start, version=versions[tables.full_name(source.table)])
            for source in sources_of(group[0].source)
        ]
        joined = on_spine(events_of(group[0].source, *frames), joined, group)
    return joined


def compute_features(features: Sequence[Feature], tables: Tables) -> DataFrame:
    """One row for each row of the source that is known by now: entity, moment, and the features as of it.

    Raises
    ------
    Misuse, WrongKind
        If the features differ in source, entity or the name of the moment.
    """
    if not isinstance(features, list | tuple) or not all(isinstance(one, Feature) for one in features):
        raise WrongKind(f"features is a list of Feature, not {features!r}.")
    check_one_group(features)
    moments = {feature.timeseries_column for feature in features}
    if len(moments) > 1:
        raise Misuse(f"The features name their moment differently: {', '.join(sorted(moments))}. Compute them apart.")
    source, now = features[0].source, datetime.now(UTC)
    events = events_of(source, *(one.read(tables, as_of=now) for one in sources_of(source)))
    spine = events.select(*features[0].entity, F.col(KNOWN_AT).alias(features[0].timeseries_column))
    return on_spine(events, spine, features)


def looked_up(
    spec: DeclaredSpec, df: DataFrame, brought: Sequence[str], versions: Mapping[str, int], tables: Tables
) -> DataFrame:
    """``df`` and those of the model's features that it did not bring.

    Raises
    ------
    Misuse
        If a source's table is gone, or no longer has a column that the model was trained with.
    """
    wanted = [feature for feature in spec.declared if feature.name not in brought]
    for source in {source.name: source for feature in wanted for source in sources_of(feature.source)}.values():
        there = tables.columns(source.table).names
        gone = [name for name in (*source.columns, str(source.known_at)) if name not in (*there, KNOWN_AT)]
        if gone:
            raise SchemaMismatch(
                f"The model was trained with {listed(gone)} of {tables.full_name(source.table)}, which the table no longer "
                f"has; it has {listed(there)}. Land the column again, or train the model again."
            )
    now = {table: tables.version(table) for table in tables_of(wanted, tables)}
    computed = compute(df, wanted, tables, {**now, **versions})
    others = [name for name in spec.included if name not in df.columns]
    return computed.select(*(f"`{name}`" for name in [*df.columns, *others]))
