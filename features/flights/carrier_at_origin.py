"""How late the carrier has been leaving from this very airport over the last hours."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable
from features.flights.sources import CANCELLATIONS, DEPARTURES
from features.rolling import Mean, Total, lookback, rolling

HOUR, THREE_HOURS, TWELVE_HOURS = timedelta(hours=1), timedelta(hours=3), timedelta(hours=12)


def compute(departures: DataFrame, cancellations: DataFrame) -> DataFrame:
    """One row per origin, carrier and hour; a delay counts once the flight has actually left."""
    left = departures.select(
        "origin", "carrier", "known_at", F.col("departure_delay_minutes").alias("delay"), F.lit(0).alias("cancelled")
    )
    stayed = cancellations.select("origin", "carrier", "known_at", F.lit(1).alias("cancelled"))
    return rolling(
        left.unionByName(stayed, allowMissingColumns=True),
        keys=["origin", "carrier"],
        every=HOUR,
        features={
            "carrier_mean_departure_delay_minutes_3h": Mean("delay", THREE_HOURS),
            "carrier_mean_departure_delay_minutes_12h": Mean("delay", TWELVE_HOURS),
            "carrier_cancellations_12h": Total("cancelled", TWELVE_HOURS),
        },
    )


TABLE = FeatureTable(
    name="carrier_at_origin",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "carrier", "known_at"],
    timeseries_column="known_at",
    sources=[DEPARTURES, CANCELLATIONS],
    lookback=lookback(TWELVE_HOURS, every=HOUR),
    features={
        "carrier_mean_departure_delay_minutes_3h": "Mean delay of the carrier's departures there in the last three hours",
        "carrier_mean_departure_delay_minutes_12h": "Mean delay of its departures there in the last twelve hours, in minutes",
        "carrier_cancellations_12h": "Flights it cancelled there in the last twelve hours",
    },
    compute=compute,
)
