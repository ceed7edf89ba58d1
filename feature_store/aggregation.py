"""Aggregated features, declared: what an author imports to write them, and to publish them as a table.

    WEEK = RollingWindow(window_duration=timedelta(days=7))
    LATE = Feature(
        name="carrier_late_arrivals_7d",
        description="Its arrivals more than 15 minutes late in the last seven days",
        source=ARRIVALS, entity=["carrier"], filter_condition="is_late",
        function=AggregationFunction(Count("flight_id"), WEEK),
    )
    PUNCTUALITY = Aggregates(every=timedelta(hours=1), features=[LATE, ...])

``PUNCTUALITY`` has the ``sources``, ``lookback``, ``descriptions`` and ``compute`` of a feature table; the same features
can be computed as of the rows of a training set.
"""

from feature_store.aggregate.aggregates import Aggregates
from feature_store.declare.feature import AggregationFunction, DerivedSource, Feature
from feature_store.declare.operators import (
    ApproxCountDistinct,
    ApproxPercentile,
    Avg,
    Count,
    First,
    Last,
    Max,
    Min,
    StddevPop,
    StddevSamp,
    Sum,
    VarPop,
    VarSamp,
)
from feature_store.declare.windows import RollingWindow, SlidingWindow, TumblingWindow

__all__ = [
    "Aggregates",
    "AggregationFunction",
    "ApproxCountDistinct",
    "ApproxPercentile",
    "Avg",
    "Count",
    "DerivedSource",
    "Feature",
    "First",
    "Last",
    "Max",
    "Min",
    "RollingWindow",
    "SlidingWindow",
    "StddevPop",
    "StddevSamp",
    "Sum",
    "TumblingWindow",
    "VarPop",
    "VarSamp",
]
