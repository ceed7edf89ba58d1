"""How late New York's flights have been arriving at the destination over the last hours."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable
from features.flights.sources import ARRIVALS
from features.rolling import Mean, Total, lookback, rolling

HOUR, SIX_HOURS = timedelta(hours=1), timedelta(hours=6)


def compute(arrivals: DataFrame) -> DataFrame:
    """One row per destination and hour, of the flights that have arrived by then."""
    return rolling(
        arrivals.withColumn("arrived", F.lit(1)),
        keys=["dest"],
        every=HOUR,
        features={
            "destination_arrivals_6h": Total("arrived", SIX_HOURS),
            "destination_mean_arrival_delay_minutes_6h": Mean("arrival_delay_minutes", SIX_HOURS),
        },
    )


TABLE = FeatureTable(
    name="destination_congestion",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["dest", "known_at"],
    timeseries_column="known_at",
    sources=[ARRIVALS],
    lookback=lookback(SIX_HOURS, every=HOUR),
    features={
        "destination_arrivals_6h": "Arrivals from New York in the last six hours",
        "destination_mean_arrival_delay_minutes_6h": "Their mean arrival delay, in minutes",
    },
    compute=compute,
)
