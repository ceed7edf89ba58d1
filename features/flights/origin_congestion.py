"""How late the airport of departure has been running over the last hours."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable, InRange, OneOf
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Count, Feature, RollingWindow
from features.flights.sources import MOVEMENTS

HOUR = RollingWindow(window_duration=timedelta(hours=1))
THREE_HOURS = RollingWindow(window_duration=timedelta(hours=3))

_of = partial(Feature, source=MOVEMENTS, entity=["origin"])

CONGESTION = Aggregates(
    every=timedelta(hours=1),
    features=[
        _of(
            name="departures_1h",
            description="Departures in the last hour",
            function=AggregationFunction(Count("is_cancelled"), HOUR),
            filter_condition="NOT is_cancelled",
        ),
        _of(
            name="mean_departure_delay_minutes_1h",
            description="Their mean departure delay, in minutes",
            function=AggregationFunction(Avg("departure_delay_minutes"), HOUR),
        ),
        _of(
            name="departures_3h",
            description="Departures in the last three hours",
            function=AggregationFunction(Count("is_cancelled"), THREE_HOURS),
            filter_condition="NOT is_cancelled",
        ),
        _of(
            name="mean_departure_delay_minutes_3h",
            description="Their mean departure delay, in minutes",
            function=AggregationFunction(Avg("departure_delay_minutes"), THREE_HOURS),
        ),
        _of(
            name="share_departed_late_3h",
            description="Share of them that left more than 15 minutes late",
            function=AggregationFunction(Avg("left_late"), THREE_HOURS),
        ),
        _of(
            name="cancellations_3h",
            description="Flights cancelled in the last three hours",
            function=AggregationFunction(Count("is_cancelled"), THREE_HOURS),
            filter_condition="is_cancelled",
        ),
    ],
)


def compute(departures: DataFrame, cancellations: DataFrame) -> DataFrame:
    """One row per origin and hour; a delay counts once the flight has actually left."""
    return CONGESTION.compute(departures, cancellations)


TABLE = FeatureTable(
    name="origin_congestion",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "known_at"],
    timeseries_column="known_at",
    sources=CONGESTION.sources,
    lookback=CONGESTION.lookback,
    features=CONGESTION.descriptions,
    checks=[
        OneOf("origin", ["EWR", "JFK", "LGA"]),
        InRange("departures_3h", at_least=0),
        InRange("share_departed_late_3h", at_least=0, at_most=1),
    ],
    compute=compute,
)
