"""How late the airport of departure has been running over the last hours."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable
from features.flights.sources import CANCELLATIONS, DEPARTURES
from features.rolling import Mean, Total, lookback, rolling

HOUR, THREE_HOURS = timedelta(hours=1), timedelta(hours=3)


def compute(departures: DataFrame, cancellations: DataFrame) -> DataFrame:
    """One row per origin and hour; a delay counts once the flight has actually left."""
    left = departures.select(
        "origin",
        "known_at",
        F.lit(1).alias("departed"),
        F.col("departure_delay_minutes").alias("delay"),
        (F.col("departure_delay_minutes") > 15).cast("int").alias("late"),
        F.lit(0).alias("cancelled"),
    )
    stayed = cancellations.select("origin", "known_at", F.lit(0).alias("departed"), F.lit(1).alias("cancelled"))
    return rolling(
        left.unionByName(stayed, allowMissingColumns=True),
        keys=["origin"],
        every=HOUR,
        features={
            "departures_1h": Total("departed", HOUR),
            "mean_departure_delay_minutes_1h": Mean("delay", HOUR),
            "departures_3h": Total("departed", THREE_HOURS),
            "mean_departure_delay_minutes_3h": Mean("delay", THREE_HOURS),
            "share_departed_late_3h": Mean("late", THREE_HOURS),
            "cancellations_3h": Total("cancelled", THREE_HOURS),
        },
    )


TABLE = FeatureTable(
    name="origin_congestion",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "known_at"],
    timeseries_column="known_at",
    sources=[DEPARTURES, CANCELLATIONS],
    lookback=lookback(THREE_HOURS, every=HOUR),
    features={
        "departures_1h": "Departures in the last hour",
        "mean_departure_delay_minutes_1h": "Their mean departure delay, in minutes",
        "departures_3h": "Departures in the last three hours",
        "mean_departure_delay_minutes_3h": "Their mean departure delay, in minutes",
        "share_departed_late_3h": "Share of them that left more than 15 minutes late",
        "cancellations_3h": "Flights cancelled in the last three hours",
    },
    compute=compute,
)
