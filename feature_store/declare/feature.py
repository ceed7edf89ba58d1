"""The declaration of an aggregated feature: which rows of which source it is made of, in what window of time.

A feature is data, and does nothing by itself: :mod:`feature_store.aggregation` publishes features as a table, and
a training set computes them as of each of its own rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from feature_store.declare.operators import Operator
from feature_store.declare.source import KNOWN_AT, Source
from feature_store.declare.windows import TimeWindow
from feature_store.errors import Misuse, NotFound, SchemaMismatch, WrongKind, listed, suggestion
from feature_store.names import check_simple_name


@dataclass(frozen=True, kw_only=True, eq=False)
class DerivedSource:
    """Events made of the rows of one or several sources, by a pure function of them (in their order).

    ``derive`` gives ``columns`` and ``known_at``, and keeps each row's moment: what is made of a row must not be known
    earlier, and must not depend on other rows, since sources are read in any cut of time.
    """

    name: str
    description: str
    sources: Sequence[Source]
    columns: Sequence[str]
    derive: Callable[..., DataFrame] = field(repr=False)

    def __post_init__(self) -> None:
        check_simple_name(self.name, "source")
        if not self.sources or not self.columns:
            raise Misuse(f"Source {self.name!r} is derived from no sources, or declares no columns.")

    def events(self, *frames: DataFrame) -> DataFrame:
        """The events, of one frame for each source.

        Raises
        ------
        SchemaMismatch
            If the function does not give the declared columns.
        """
        derived = self.derive(*frames)
        missing = [name for name in (*self.columns, KNOWN_AT) if name not in derived.columns]
        if missing:
            raise SchemaMismatch(
                f"Source {self.name!r}: {listed(missing)} is not among what derive= gives: {listed(derived.columns)}."
            )
        return derived


@dataclass(frozen=True)
class AggregationFunction:
    """An operator, and the window of time whose events it is applied to."""

    operator: Operator
    time_window: TimeWindow

    def __post_init__(self) -> None:
        if not isinstance(self.operator, Operator):
            raise WrongKind(f"operator is one such as Sum(input=...), not {self.operator!r}.")
        if not isinstance(self.time_window, TimeWindow):
            raise WrongKind(
                f"time_window is a RollingWindow, TumblingWindow or SlidingWindow, not {self.time_window!r}."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Feature:
    """An aggregate of the events of ``source`` that share the columns ``entity``, as of a moment.

    ``timeseries_column`` names the column of a training set's data frame that holds the moment; the events' own moment
    is always their ``known_at``. ``filter_condition`` is a boolean expression in Spark SQL over the source's columns:
    only events for which it is true count. An event without entity belongs to nobody, and counts nowhere.

    Raises
    ------
    Misuse, WrongKind
        At import, if the declaration contradicts itself or its source.
    """

    source: Source | DerivedSource
    function: AggregationFunction
    entity: Sequence[str]
    name: str
    description: str = ""
    timeseries_column: str = KNOWN_AT
    filter_condition: str | None = None

    def __post_init__(self) -> None:
        where = f"Feature {self.name!r}"
        check_simple_name(self.name, "feature")
        if not isinstance(self.source, Source | DerivedSource):
            raise WrongKind(f"{where}: source is a Source or a DerivedSource, not {type(self.source).__name__}.")
        if not isinstance(self.function, AggregationFunction):
            raise WrongKind(f"{where}: function is an AggregationFunction, not {type(self.function).__name__}.")
        if isinstance(self.entity, str):
            raise WrongKind(f"{where}: entity is a list of names. Write [{self.entity!r}].")
        if not self.entity:
            raise Misuse(f"{where} names no entity: the columns of the source that say whom an event is about.")
        without_time = [one.name for one in sources_of(self.source) if one.known_at is None]
        if without_time:
            raise Misuse(
                f"{where}: source {listed(without_time)} has no moments (known_at), so no event is in a window."
            )
        for column in (*self.entity, self.function.operator.input):
            if column not in (*self.source.columns, KNOWN_AT):
                there = suggestion(column, [*self.source.columns, KNOWN_AT])
                raise NotFound(f"{where}: source {self.source.name!r} has no column {column!r}. {there}")
        if self.name in (*self.entity, self.timeseries_column):
            raise Misuse(f"{where} has the name of its entity or of the moment.")
        if self.filter_condition is not None and not self.filter_condition.strip():
            raise Misuse(f"{where}: filter_condition is empty. Leave it out.")


def sources_of(source: Source | DerivedSource) -> list[Source]:
    """The sources that must be read, in the order in which :func:`events_of` takes them."""
    return list(source.sources) if isinstance(source, DerivedSource) else [source]


def events_of(source: Source | DerivedSource, *frames: DataFrame) -> DataFrame:
    """The events of ``source``, of one frame for each of :func:`sources_of`."""
    return source.events(*frames) if isinstance(source, DerivedSource) else frames[0]


def check_one_group(features: Sequence[Feature]) -> None:
    """Refuse features that cannot be computed in one pass and stand side by side.

    Raises
    ------
    Misuse
        If there are none, they differ in source or entity, or two have the same name.
    """
    if not features:
        raise Misuse("There are no features to aggregate.")
    first = features[0]
    for feature in features:
        if feature.source is not first.source or list(feature.entity) != list(first.entity):
            raise Misuse(
                f"Features {first.name!r} and {feature.name!r} differ in source or entity: {first.source.name} by "
                f"{listed(first.entity)}, and {feature.source.name} by {listed(feature.entity)}. Give each its own table."
            )
    names = [feature.name.lower() for feature in features]
    doubled = [feature.name for feature in features if names.count(feature.name.lower()) > 1]
    if doubled:
        raise Misuse(f"Two features have the same name: {listed(sorted(set(doubled)))}.")
