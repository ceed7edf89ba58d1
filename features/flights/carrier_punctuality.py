"""How punctual the carrier has been, over the last day and the last week."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable, InRange
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Count, Feature, RollingWindow
from features.flights.sources import ARRIVALS

SIX_HOURS = RollingWindow(window_duration=timedelta(hours=6))
DAY = RollingWindow(window_duration=timedelta(days=1))
WEEK = RollingWindow(window_duration=timedelta(days=7))

_of = partial(Feature, source=ARRIVALS, entity=["carrier"])

PUNCTUALITY = Aggregates(
    every=timedelta(hours=1),
    features=[
        _of(
            name="carrier_mean_arrival_delay_minutes_6h",
            description="Mean arrival delay of the carrier's flights in the last six hours, in minutes",
            function=AggregationFunction(Avg("arrival_delay_minutes"), SIX_HOURS),
        ),
        _of(
            name="carrier_arrivals_24h",
            description="The carrier's arrivals in the last day",
            function=AggregationFunction(Count("flight_id"), DAY),
        ),
        _of(
            name="carrier_mean_arrival_delay_minutes_24h",
            description="Their mean arrival delay, in minutes",
            function=AggregationFunction(Avg("arrival_delay_minutes"), DAY),
        ),
        _of(
            name="carrier_share_late_24h",
            description="Share of them that arrived more than 15 minutes late",
            function=AggregationFunction(Avg("is_late"), DAY),
        ),
        _of(
            name="carrier_arrivals_7d",
            description="The carrier's arrivals in the last seven days",
            function=AggregationFunction(Count("flight_id"), WEEK),
        ),
        _of(
            name="carrier_mean_arrival_delay_minutes_7d",
            description="Their mean arrival delay, in minutes",
            function=AggregationFunction(Avg("arrival_delay_minutes"), WEEK),
        ),
        _of(
            name="carrier_share_late_7d",
            description="Share of them that arrived more than 15 minutes late",
            function=AggregationFunction(Avg("is_late"), WEEK),
        ),
    ],
)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per carrier and hour, of the flights that have arrived by then."""
    return PUNCTUALITY.compute(arrivals)


TABLE = FeatureTable(
    name="carrier_punctuality",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["carrier", "known_at"],
    timeseries_column="known_at",
    sources=PUNCTUALITY.sources,
    lookback=PUNCTUALITY.lookback,
    features=PUNCTUALITY.descriptions,
    checks=[
        InRange("carrier_share_late_24h", at_least=0, at_most=1),
        InRange("carrier_share_late_7d", at_least=0, at_most=1),
    ],
    compute=compute,
)
