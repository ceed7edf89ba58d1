"""How late New York's flights have been arriving at the destination over the last hours."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable, InRange
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Count, Feature, RollingWindow
from features.flights.sources import ARRIVALS

SIX_HOURS = RollingWindow(window_duration=timedelta(hours=6))

_of = partial(Feature, source=ARRIVALS, entity=["dest"])

ARRIVING = Aggregates(
    every=timedelta(hours=1),
    features=[
        _of(
            name="destination_arrivals_6h",
            description="Arrivals from New York in the last six hours",
            function=AggregationFunction(Count("flight_id"), SIX_HOURS),
        ),
        _of(
            name="destination_mean_arrival_delay_minutes_6h",
            description="Their mean arrival delay, in minutes",
            function=AggregationFunction(Avg("arrival_delay_minutes"), SIX_HOURS),
        ),
    ],
)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per destination and hour, of the flights that have arrived by then."""
    return ARRIVING.compute(arrivals)


TABLE = FeatureTable(
    name="destination_congestion",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["dest", "known_at"],
    timeseries_column="known_at",
    sources=ARRIVING.sources,
    lookback=ARRIVING.lookback,
    features=ARRIVING.descriptions,
    checks=[InRange("destination_arrivals_6h", at_least=0)],
    compute=compute,
)
