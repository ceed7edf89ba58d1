"""Rolling sums and means of events, on a grid of regular moments.

The row of a key at moment ``t`` of the grid covers the events known in ``(t - window, t]``. A key has a row at every
moment of the grid from its first event on until one step after its last event has left the longest window: that last
row says "nothing lately", so that a lookup never finds an old value in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from feature_store.errors import Misuse
from feature_store.source import KNOWN_AT

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Total:
    """Sum of ``column`` over the last ``window``; 0 if there was nothing."""

    column: str
    window: timedelta


@dataclass(frozen=True)
class Mean:
    """Mean of ``column`` over the last ``window``, nulls aside; null if there was nothing."""

    column: str
    window: timedelta


def lookback(window: timedelta, *, every: timedelta) -> timedelta:
    """How far back the sources must be read for a table with ``window`` as its longest: one step further."""
    return window + every


def rolling(
    events: DataFrame, *, keys: Sequence[str], every: timedelta, features: Mapping[str, Total | Mean]
) -> DataFrame:
    """One row per key and moment of the grid: keys, ``known_at``, features.

    Sums are exact, and so independent of how the events are cut into windows, when the columns hold whole numbers.

    Raises
    ------
    Misuse
        If a window is not a whole number of steps.
    """
    for name, feature in features.items():
        if feature.window % every:
            raise Misuse(f"Feature {name!r}: its window of {feature.window} is not a whole number of steps of {every}.")
    step = every // _MICROSECOND
    longest = max(feature.window for feature in features.values()) // _MICROSECOND
    columns = sorted({feature.column for feature in features.values()})
    moment = F.expr(f"((unix_micros({KNOWN_AT}) + {step - 1}) div {step}) * {step}").alias("_moment")
    sums = [F.sum(column).cast("double").alias(f"_sum_{column}") for column in columns]
    counts = [F.count(column).alias(f"_count_{column}") for column in columns]
    steps = events.groupBy(*keys, moment).agg(*sums, *counts)

    following = F.lead("_moment").over(Window.partitionBy(*keys).orderBy("_moment"))
    # least() passes over the null that follows a key's last step.
    reach = steps.withColumn("_last", F.least(following - step, F.col("_moment") + longest))
    grid = reach.withColumn("_at", F.explode(F.sequence("_moment", "_last", F.lit(step))))
    own = F.col("_at") == F.col("_moment")
    partials = [F.when(own, F.col(name)).alias(name) for name in steps.columns if name.startswith(("_sum_", "_count_"))]
    grid = grid.select(*keys, "_at", *partials)
    return grid.select(
        *keys,
        F.timestamp_micros("_at").alias(KNOWN_AT),
        *(_over_window(feature, keys, step).alias(name) for name, feature in features.items()),
    )


def _over_window(feature: Total | Mean, keys: Sequence[str], step: int) -> Column:
    reach = feature.window // _MICROSECOND - step
    window = Window.partitionBy(*keys).orderBy("_at").rangeBetween(-reach, 0)
    total = F.coalesce(F.sum(f"_sum_{feature.column}").over(window), F.lit(0.0))
    if isinstance(feature, Total):
        return total
    count = F.sum(f"_count_{feature.column}").over(window)
    return F.when(count > 0, total / count)
