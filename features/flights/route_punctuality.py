"""How punctual the route has been over the last four weeks."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable, InRange
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Count, Feature, RollingWindow
from features.flights.sources import ARRIVALS

FOUR_WEEKS = RollingWindow(window_duration=timedelta(days=28))

_of = partial(Feature, source=ARRIVALS, entity=["origin", "dest"])

PUNCTUALITY = Aggregates(
    every=timedelta(days=1),
    features=[
        _of(
            name="route_arrivals_28d",
            description="Arrivals on the route in the last 28 days",
            function=AggregationFunction(Count("flight_id"), FOUR_WEEKS),
        ),
        _of(
            name="route_mean_arrival_delay_minutes_28d",
            description="Their mean arrival delay, in minutes",
            function=AggregationFunction(Avg("arrival_delay_minutes"), FOUR_WEEKS),
        ),
        _of(
            name="route_share_late_28d",
            description="Share of them that arrived more than 15 minutes late",
            function=AggregationFunction(Avg("is_late"), FOUR_WEEKS),
        ),
    ],
)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per route and day, at midnight UTC, of the flights that have arrived by then."""
    return PUNCTUALITY.compute(arrivals)


TABLE = FeatureTable(
    name="route_punctuality",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "dest", "known_at"],
    timeseries_column="known_at",
    sources=PUNCTUALITY.sources,
    lookback=PUNCTUALITY.lookback,
    features=PUNCTUALITY.descriptions,
    checks=[InRange("route_share_late_28d", at_least=0, at_most=1)],
    compute=compute,
)
