"""One pass over the events: aggregated features compiled to Spark's window functions.

Events and the moments that are asked about become one frame, shuffled once by entity and sorted by moment:

    position                 kind     what it keeps           the window of 08:00's one-hour feature
    07:10                    event    states of the event      <-+
    07:59                    event    states of the event      <-+ from 07:00 to just before 08:00, moved by FAR
    08:00                    event    states of the event
    08:00 + FAR              asked    nothing                  combines the states in its window

Asked moments stand behind all events (``FAR`` is longer than all of time), so that a window of events alone is looked
at only where something is asked. The features of one window share one frame, and equal states are kept once.

On a grid (:func:`on_grid`), the events are first combined step by step where every operator allows it, so that the
window of an hourly feature over a week combines 168 steps, whatever the number of events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, TimestampType

from feature_store.declare.feature import Feature
from feature_store.declare.operators import State
from feature_store.declare.source import KNOWN_AT
from feature_store.declare.windows import micros
from feature_store.errors import Misuse, SchemaMismatch, listed, suggestion

FAR = 1 << 60
"""Microseconds: some 36,000 years."""
_AT, _ASKED, _SPINE = "__at", "__asked", "__spine"


@dataclass(frozen=True)
class _Plan:
    """The features' states by the name of the column that keeps them, and which of them each feature is made of."""

    features: Sequence[Feature]
    kinds: dict[str, DataType]
    states: dict[str, State] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def entity(self) -> list[str]:
        return list(self.features[0].entity)

    @property
    def keys(self) -> list[str]:
        return [f"__key{position}" for position in range(len(self.entity))]

    @property
    def ties(self) -> list[str]:
        """The states that depend on the order of events at the same moment."""
        return [name for name, state in self.states.items() if state.is_ordered]

    def can_step(self, step: int) -> bool:
        """Whether windows of whole steps, with states that combine twice, are all there is."""
        lengths = [length for one in self.features for length in _lengths(one)]
        return all(state.into_step for state in self.states.values()) and not any(length % step for length in lengths)


def reach(features: Iterable[Feature], *, every: timedelta) -> timedelta:
    """How far back the events must be read for a row of the grid, and for knowing whether there is one."""
    furthest = max(feature.function.time_window.reach for feature in features)
    return (-(-furthest // every) + 1) * every


def on_grid(events: DataFrame, features: Sequence[Feature], *, every: timedelta) -> DataFrame:
    """One row per entity and moment of the grid, from the first event on until one step after the windows ran dry.

    Columns: entity, ``known_at``, features. Which rows there are, and what is in them, depends only on events at most
    :func:`reach` before them.
    """
    step, plan = micros(every), _planned(events, features)
    bucket = F.col(_AT) - F.pmod(F.col(_AT), F.lit(step))
    rows = _lifted(events, plan).where(_all_known(plan.keys))
    if plan.can_step(step):
        combined = [state.into_step(F.col(name)).alias(name) for name, state in plan.states.items() if state.into_step]
        rows = rows.groupBy(*plan.keys, bucket.alias(_AT)).agg(*combined)
        rows, ties = rows.withColumn("__bucket", F.col(_AT)), []
    else:
        rows, ties = rows.repartition(*plan.keys).withColumn("__bucket", bucket), plan.ties
    following = F.lead("__bucket").over(Window.partitionBy(*plan.keys).orderBy(_AT))
    rows = rows.withColumn("__following", following)
    first = F.col("__bucket") + step
    # least() passes over the null that follows an entity's last event.
    last = F.least("__following", F.col("__bucket") + micros(reach(features, every=every)))
    asked_after = F.when(last >= first, F.sequence(first, last, F.lit(step).cast("bigint")))
    itself = F.array(F.lit(None).cast("bigint"))
    # Outer, because Spark would make the array twice to find out whether it is empty. It never is.
    rows = rows.select("*", F.explode_outer(F.coalesce(F.concat(itself, asked_after), itself)).alias(_ASKED))
    kept = [F.when(F.col(_ASKED).isNull(), F.col(name)).alias(name) for name in plan.states]
    asked = _answered(rows.select(*plan.keys, _AT, _ASKED, *kept), plan, ties=ties).where(F.col(_ASKED).isNotNull())
    return asked.select(
        *(F.col(key).alias(name) for key, name in zip(plan.keys, plan.entity, strict=True)),
        F.timestamp_micros(_ASKED).alias(KNOWN_AT),
        *(_quoted(feature.name) for feature in features),
    )


def on_spine(events: DataFrame, spine: DataFrame, features: Sequence[Feature]) -> DataFrame:
    """``spine`` with the features as of the moment of each of its rows, none of which is lost or doubled.

    A row without entity or moment gets nulls, counts included: there is nobody to count for.

    Raises
    ------
    Misuse, SchemaMismatch
        If the spine lacks a column, or one is of another type.
    """
    _check_spine(events, spine, features)
    plan = _planned(events, features)
    asked = F.unix_micros(F.col(_quoted(features[0].timeseries_column)))
    rows = (
        _lifted(events, plan)
        .where(_all_known(plan.keys))
        .unionByName(
            spine.select(
                *(F.col(_quoted(name)).alias(key) for key, name in zip(plan.keys, plan.entity, strict=True)),
                asked.alias(_ASKED),
                F.struct(*(F.col(_quoted(name)) for name in spine.columns)).alias(_SPINE),
            ),
            allowMissingColumns=True,
        )
    )
    if plan.ties:
        rows = rows.repartition(*plan.keys)
    answered = _answered(rows, plan, ties=plan.ties).where(F.col(_SPINE).isNotNull())
    known = _all_known([*plan.keys, _ASKED])
    return answered.select(
        f"{_SPINE}.*", *(F.when(known, F.col(_quoted(one.name))).alias(one.name) for one in features)
    )


def _planned(events: DataFrame, features: Sequence[Feature]) -> _Plan:
    plan = _Plan(features, {one.name: _input_type(events, one) for one in features})
    names: dict[tuple[str, str, str | None], str] = {}
    for feature in features:
        operator = feature.function.operator
        value = F.col(_quoted(operator.input))
        if feature.filter_condition is not None:
            value = F.when(F.expr(feature.filter_condition), value)
        for state in operator.states(value, F.unix_micros(F.col(KNOWN_AT)), plan.kinds[feature.name]):
            same = state.name, operator.input, feature.filter_condition
            name = names.setdefault(same, f"__state{len(names)}")
            plan.states[name] = state
            plan.parts.setdefault(feature.name, []).append(name)
    return plan


def _input_type(events: DataFrame, feature: Feature) -> DataType:
    """The type of the feature's input, once input and filter are known to fit the source."""
    where, operator = f"Feature {feature.name!r}", feature.function.operator
    kind = events.schema[operator.input].dataType
    if not operator.accepts(kind):
        raise SchemaMismatch(
            f"{where}: {type(operator).__name__} cannot take {operator.input!r}, which is {kind.simpleString()}. "
            "Cast it in a DerivedSource, or choose another operator."
        )
    if feature.filter_condition is not None:
        try:
            _ = events.where(F.expr(feature.filter_condition)).schema
        except AnalysisException as error:  # of which a ParseException is one
            reason = str(error).strip().splitlines()[0]
            raise Misuse(
                f"{where}: filter_condition {feature.filter_condition!r} is no boolean expression over the columns of "
                f"{feature.source.name!r} ({listed(events.columns)}): {reason}"
            ) from None
    return kind


def _lifted(events: DataFrame, plan: _Plan) -> DataFrame:
    return events.where(F.col(KNOWN_AT).isNotNull()).select(
        *(F.col(_quoted(name)).alias(key) for key, name in zip(plan.keys, plan.entity, strict=True)),
        F.unix_micros(F.col(KNOWN_AT)).alias(_AT),
        *(state.lift.alias(name) for name, state in plan.states.items()),
    )


def _answered(rows: DataFrame, plan: _Plan, *, ties: Sequence[str]) -> DataFrame:
    """``rows`` (keys, position or asked moment, states) with the features, which mean something where one asked."""
    everything = dict.fromkeys(feature.function.time_window.boundaries for feature in plan.features)
    for number, boundaries in enumerate(everything):
        position = f"__position{number}"
        rows = rows.withColumn(position, F.coalesce(_end(F.col(_ASKED), boundaries) + F.lit(FAR), F.col(_AT)))
        if ties:  # Spark's own sort, which this one makes unnecessary, leaves rows of the same moment in any order.
            rows = rows.sortWithinPartitions(*plan.keys, position, *ties)
        by_position = Window.partitionBy(*plan.keys).orderBy(position)
        combined = [
            _combined(plan.states[part], F.col(part), by_position, _frame(feature)).alias(name)
            for feature in plan.features
            if feature.function.time_window.boundaries == boundaries
            for part, name in zip(plan.parts[feature.name], _combined_names(feature, plan), strict=True)
        ]
        rows = rows.select("*", *combined)
    results = [
        feature.function.operator.result(
            [F.col(_quoted(name)) for name in _combined_names(feature, plan)], plan.kinds[feature.name]
        ).alias(feature.name)
        for feature in plan.features
    ]
    return rows.select(*(name for name in (*plan.keys, _ASKED, _SPINE) if name in rows.columns), *results)


def _combined(state: State, kept: Column, by_position: WindowSpec, frame: tuple[int, int]) -> Column:
    """The state of a window. A sum of whole numbers costs the same however many events the window holds."""
    start, end = frame
    if not state.is_whole:
        return state.combine(kept).over(by_position.rangeBetween(start, end))

    def until(last: int) -> Column:
        so_far = F.sum(kept).over(by_position.rangeBetween(Window.unboundedPreceding, last))
        return F.coalesce(so_far, F.lit(0))

    return until(end) - until(start - 1)


def _combined_names(feature: Feature, plan: _Plan) -> list[str]:
    return [f"__{feature.name}__{part}" for part in plan.parts[feature.name]]


def _frame(feature: Feature) -> tuple[int, int]:
    start, end = feature.function.time_window.frame
    return start - FAR, end - FAR


def _end(moment: Column, boundaries: tuple[int, int] | None) -> Column:
    """The moment itself, or the last boundary up to it."""
    if boundaries is None:
        return moment
    length, offset = boundaries
    return moment - F.pmod(moment - F.lit(offset), F.lit(length))


def _lengths(feature: Feature) -> tuple[int, ...]:
    window = feature.function.time_window
    start, end = window.frame
    return start, end + 1, *(window.boundaries or ())


def _check_spine(events: DataFrame, spine: DataFrame, features: Sequence[Feature]) -> None:
    moment = features[0].timeseries_column
    where = f"Features of source {features[0].source.name!r}"
    wanted = {name: events.schema[name].dataType for name in features[0].entity} | {moment: TimestampType()}
    for name, kind in wanted.items():
        if name not in spine.columns:
            raise Misuse(f"{where}: the data frame has no column {name!r}. {suggestion(name, spine.columns)}")
        here, there = spine.schema[name].dataType.simpleString(), kind.simpleString()
        if here != there:
            raise SchemaMismatch(
                f"{where}: {name!r} is {here} in the data frame, and must be {there}. "
                f'Cast it: df.withColumn("{name}", df["{name}"].cast("{there}")).'
            )
    present = {name.lower() for name in spine.columns}
    both = [feature.name for feature in features if feature.name.lower() in present]
    if both:
        raise Misuse(f"The data frame already has {listed(both)}, which is also a feature. Drop or rename the column.")


def _all_known(columns: Iterable[str]) -> Column:
    known = F.lit(True)
    for column in columns:
        known &= F.col(column).isNotNull()
    return known


def _quoted(name: str) -> str:
    return f"`{name}`"
