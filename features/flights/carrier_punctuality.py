"""How punctual the carrier has been, over the last day and the last week."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable
from features.flights.sources import ARRIVALS
from features.rolling import Mean, Total, lookback, rolling

HOUR, SIX_HOURS, DAY, WEEK = timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per carrier and hour, of the flights that have arrived by then."""
    return rolling(
        arrivals.withColumn("arrived", F.lit(1)).withColumn("late", F.col("is_late").cast("int")),
        keys=["carrier"],
        every=HOUR,
        features={
            "carrier_mean_arrival_delay_minutes_6h": Mean("arrival_delay_minutes", SIX_HOURS),
            "carrier_arrivals_24h": Total("arrived", DAY),
            "carrier_mean_arrival_delay_minutes_24h": Mean("arrival_delay_minutes", DAY),
            "carrier_share_late_24h": Mean("late", DAY),
            "carrier_arrivals_7d": Total("arrived", WEEK),
            "carrier_mean_arrival_delay_minutes_7d": Mean("arrival_delay_minutes", WEEK),
            "carrier_share_late_7d": Mean("late", WEEK),
        },
    )


TABLE = FeatureTable(
    name="carrier_punctuality",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["carrier", "known_at"],
    timeseries_column="known_at",
    sources=[ARRIVALS],
    lookback=lookback(WEEK, every=HOUR),
    features={
        "carrier_mean_arrival_delay_minutes_6h": "Mean arrival delay of the carrier's flights in the last six hours, in minutes",
        "carrier_arrivals_24h": "The carrier's arrivals in the last day",
        "carrier_mean_arrival_delay_minutes_24h": "Their mean arrival delay, in minutes",
        "carrier_share_late_24h": "Share of them that arrived more than 15 minutes late",
        "carrier_arrivals_7d": "The carrier's arrivals in the last seven days",
        "carrier_mean_arrival_delay_minutes_7d": "Their mean arrival delay, in minutes",
        "carrier_share_late_7d": "Share of them that arrived more than 15 minutes late",
    },
    compute=compute,
)
