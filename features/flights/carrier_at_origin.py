"""How late the carrier has been leaving from this very airport over the last hours."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Count, Feature, RollingWindow
from features.flights.sources import MOVEMENTS

THREE_HOURS = RollingWindow(window_duration=timedelta(hours=3))
TWELVE_HOURS = RollingWindow(window_duration=timedelta(hours=12))

_of = partial(Feature, source=MOVEMENTS, entity=["origin", "carrier"])

DEPARTING = Aggregates(
    every=timedelta(hours=1),
    features=[
        _of(
            name="carrier_mean_departure_delay_minutes_3h",
            description="Mean delay of the carrier's departures there in the last three hours",
            function=AggregationFunction(Avg("departure_delay_minutes"), THREE_HOURS),
        ),
        _of(
            name="carrier_mean_departure_delay_minutes_12h",
            description="Mean delay of its departures there in the last twelve hours, in minutes",
            function=AggregationFunction(Avg("departure_delay_minutes"), TWELVE_HOURS),
        ),
        _of(
            name="carrier_cancellations_12h",
            description="Flights it cancelled there in the last twelve hours",
            function=AggregationFunction(Count("is_cancelled"), TWELVE_HOURS),
            filter_condition="is_cancelled",
        ),
    ],
)


def compute(departures: DataFrame, cancellations: DataFrame) -> DataFrame:
    """One row per origin, carrier and hour; a delay counts once the flight has actually left."""
    return DEPARTING.compute(departures, cancellations)


TABLE = FeatureTable(
    name="carrier_at_origin",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "carrier", "known_at"],
    timeseries_column="known_at",
    sources=DEPARTING.sources,
    lookback=DEPARTING.lookback,
    features=DEPARTING.descriptions,
    compute=compute,
)
