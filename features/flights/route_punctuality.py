"""How punctual the route has been over the last four weeks."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable
from features.flights.sources import ARRIVALS
from features.rolling import Mean, Total, lookback, rolling

DAY, FOUR_WEEKS = timedelta(days=1), timedelta(days=28)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per route and day, at midnight UTC, of the flights that have arrived by then."""
    return rolling(
        arrivals.withColumn("arrived", F.lit(1)).withColumn("late", F.col("is_late").cast("int")),
        keys=["origin", "dest"],
        every=DAY,
        features={
            "route_arrivals_28d": Total("arrived", FOUR_WEEKS),
            "route_mean_arrival_delay_minutes_28d": Mean("arrival_delay_minutes", FOUR_WEEKS),
            "route_share_late_28d": Mean("late", FOUR_WEEKS),
        },
    )


TABLE = FeatureTable(
    name="route_punctuality",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["origin", "dest", "known_at"],
    timeseries_column="known_at",
    sources=[ARRIVALS],
    lookback=lookback(FOUR_WEEKS, every=DAY),
    features={
        "route_arrivals_28d": "Arrivals on the route in the last 28 days",
        "route_mean_arrival_delay_minutes_28d": "Their mean arrival delay, in minutes",
        "route_share_late_28d": "Share of them that arrived more than 15 minutes late",
    },
    compute=compute,
)
