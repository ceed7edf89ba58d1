"""The operators of aggregated features, and how Spark computes each of them.

An operator sees the values of its ``input`` column that are not null, in rows for which the feature's filter is true.
Of no values, :class:`Count` makes 0 and every other operator null.

Each operator keeps *states*: ``lift`` makes one of an event, ``combine`` makes one of many, in a window of time. An
operator whose states can be combined twice, first of the events of a step of the grid and then of the steps of a window,
says how by ``into_step``. The others are computed of the events themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    LongType,
    MapType,
    NumericType,
    TimestampType,
    VariantType,
)

from feature_store.errors import Misuse

Combine = Callable[[Column], Column]


@dataclass(frozen=True)
class State:
    """What is kept of events; ``name`` tells the states of one input apart.

    ``is_whole``: a sum of whole numbers, so that a window's is the difference of two sums from the beginning.
    ``is_ordered``: depends on the order in which events are combined, so that ties in time must be in order.
    """

    name: str
    lift: Column
    combine: Combine
    into_step: Combine | None = None
    is_whole: bool = False
    is_ordered: bool = False


@dataclass(frozen=True)
class Operator:
    """An operator on the column ``input``."""

    input: str

    def accepts(self, kind: DataType) -> bool:
        """Whether a column of this type can be the input."""
        return isinstance(kind, NumericType)

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """What to keep of an event with ``value`` (null: does not count), known ``at`` (microseconds)."""
        raise NotImplementedError

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """The feature's value, of the combined states."""
        return states[0]


def _total(value: Column, kind: DataType) -> State:
    """A sum that does not depend on the order of the events: exact, or added up in the order of the values."""
    if isinstance(kind, FloatType | DoubleType):
        return State("sum", value.cast("double"), F.sum, _sorted_sum, is_ordered=True)
    if isinstance(kind, DecimalType):
        return State("sum", value, F.sum, F.sum)
    # Sums of large whole numbers from the beginning of time must not overflow.
    whole = value.cast("decimal(20,0)" if isinstance(kind, LongType) else "int")
    return State("sum", whole, F.sum, F.sum, is_whole=True)


def _sorted_sum(value: Column) -> Column:
    total = F.aggregate(F.sort_array(F.collect_list(value)), F.lit(0.0), lambda so_far, one: so_far + one)
    return F.when(F.count(value) > 0, total)


def _number(value: Column) -> State:
    return State("count", value.isNotNull().cast("bigint"), F.sum, F.sum, is_whole=True)


@dataclass(frozen=True)
class _Adding(Operator):
    def accepts(self, kind: DataType) -> bool:
        return isinstance(kind, NumericType | BooleanType)

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        return [_total(value, kind), _number(value)]


@dataclass(frozen=True)
class Sum(_Adding):
    """The sum; of whole numbers and booleans (true is 1) a bigint, of decimals a decimal, else a double."""

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """The total, in the type that Spark's own sum has."""
        total, number = states
        if isinstance(kind, DecimalType):
            total = total.cast(DecimalType(min(kind.precision + 10, 38), kind.scale))
        elif not isinstance(kind, FloatType | DoubleType):
            total = total.cast("bigint")
        return F.when(number > 0, total)


@dataclass(frozen=True)
class Avg(_Adding):
    """The mean; of booleans the share of the true ones, of decimals a decimal, else a double."""

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """Total by number."""
        total, number = states
        if isinstance(kind, DecimalType):
            quotient = (total / number).cast(DecimalType(min(kind.precision + 4, 38), min(kind.scale + 4, 38)))
        else:
            quotient = total.cast("double") / number
        return F.when(number > 0, quotient)


@dataclass(frozen=True)
class Count(Operator):
    """How many values there are, a bigint; 0 if there are none."""

    def accepts(self, kind: DataType) -> bool:
        """Any type."""
        return True

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The number of values."""
        return [_number(value)]


@dataclass(frozen=True)
class _Comparing(Operator):
    def accepts(self, kind: DataType) -> bool:
        return not isinstance(kind, MapType | VariantType)


@dataclass(frozen=True)
class Min(_Comparing):
    """The smallest value."""

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The smallest so far."""
        return [State("min", value, F.min, F.min)]


@dataclass(frozen=True)
class Max(_Comparing):
    """The largest value."""

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The largest so far."""
        return [State("max", value, F.max, F.max)]


def _with_moment(value: Column, at: Column) -> Column:
    return F.when(value.isNotNull(), F.struct(at.alias("at"), value.alias("value")))


@dataclass(frozen=True)
class First(_Comparing):
    """The earliest value; of several at the same moment the smallest."""

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The earliest so far, with its moment."""
        return [State("first", _with_moment(value, at), F.min, F.min)]

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """The value without its moment."""
        return states[0].getField("value")


@dataclass(frozen=True)
class Last(_Comparing):
    """The latest value; of several at the same moment the largest."""

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The latest so far, with its moment."""
        return [State("last", _with_moment(value, at), F.max, F.max)]

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """The value without its moment."""
        return states[0].getField("value")


@dataclass(frozen=True)
class _Moments(Operator):
    """Spark's own function of all values at once; in the order of time, then of the values."""

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        combine = {"StddevPop": F.stddev_pop, "StddevSamp": F.stddev_samp, "VarPop": F.var_pop, "VarSamp": F.var_samp}
        name = type(self).__name__
        return [State(name, value.cast("double"), combine[name], is_ordered=True)]


@dataclass(frozen=True)
class StddevPop(_Moments):
    """The standard deviation of the values."""


@dataclass(frozen=True)
class StddevSamp(_Moments):
    """The standard deviation estimated from the values as a sample; null of one value."""


@dataclass(frozen=True)
class VarPop(_Moments):
    """The variance of the values."""


@dataclass(frozen=True)
class VarSamp(_Moments):
    """The variance estimated from the values as a sample; null of one value."""


@dataclass(frozen=True)
class ApproxCountDistinct(_Comparing):
    """About how many different values there are, within ``relativeSD`` (Spark's default is 0.05); a bigint."""

    relativeSD: float | None = None  # noqa: N815 (the vendor's name)

    def __post_init__(self) -> None:
        if self.relativeSD is not None and not 0 < self.relativeSD <= 0.39:
            raise Misuse(f"ApproxCountDistinct: relativeSD lies between 0 and 0.39, and is {self.relativeSD}.")

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The values themselves."""
        return [State(repr(self), value, lambda values: F.approx_count_distinct(values, self.relativeSD))]

    def result(self, states: Sequence[Column], kind: DataType) -> Column:
        """Null of no values, where Spark's function gives 0."""
        return F.when(states[0] > 0, states[0])


@dataclass(frozen=True)
class ApproxPercentile(Operator):
    """A value of the input about at ``percentile`` (0 to 1); a larger ``accuracy`` is nearer (Spark's default: 10,000)."""

    percentile: float
    input: str
    accuracy: int | None = None

    def __init__(self, percentile: float, input: str, accuracy: int | None = None) -> None:
        if not 0 <= percentile <= 1:
            raise Misuse(f"ApproxPercentile: percentile lies between 0 and 1, and is {percentile}.")
        if accuracy is not None and accuracy < 1:
            raise Misuse(f"ApproxPercentile: accuracy is a whole number from 1 on, and is {accuracy}.")
        for name, given in (("percentile", percentile), ("input", input), ("accuracy", accuracy)):
            object.__setattr__(self, name, given)

    def accepts(self, kind: DataType) -> bool:
        """Numbers and moments."""
        return isinstance(kind, NumericType | DateType | TimestampType)

    def states(self, value: Column, at: Column, kind: DataType) -> list[State]:
        """The values themselves."""
        accuracy = self.accuracy or 10_000
        combine: Combine = lambda values: F.percentile_approx(values, self.percentile, accuracy)  # noqa: E731
        return [State(repr(self), value, combine, is_ordered=True)]
