"""The aircraft's own day: what is known of its previous legs out of New York."""

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange
from features.flights.sources import ARRIVALS, DEPARTURES

DAY = timedelta(days=1)


def compute(departures: DataFrame, arrivals: DataFrame) -> DataFrame:
    """One row per aircraft and event; an event more than a day old no longer counts."""
    left = departures.select(
        "tailnum",
        "known_at",
        F.col("departure_delay_minutes").alias("departure_delay"),
        F.col("known_at").alias("departed_at"),
    )
    landed = arrivals.select(
        "tailnum",
        "known_at",
        F.col("arrival_delay_minutes").alias("arrival_delay"),
        F.col("known_at").alias("arrived_at"),
    )
    events = left.unionByName(landed, allowMissingColumns=True).where("tailnum IS NOT NULL")
    # Two events of one aircraft in the same minute are one row: the larger delay of each kind.
    moments = events.groupBy("tailnum", "known_at").agg(
        F.max("departure_delay").alias("departure_delay"),
        F.max("departed_at").alias("departed_at"),
        F.max("arrival_delay").alias("arrival_delay"),
        F.max("arrived_at").alias("arrived_at"),
        F.count("departed_at").alias("departures"),
    )
    within_a_day = (
        Window.partitionBy("tailnum")
        .orderBy(F.unix_micros("known_at"))
        .rangeBetween(-(DAY // timedelta(microseconds=1)) + 1, 0)
    )

    def latest(column: str) -> Column:
        return F.last(column, ignorenulls=True).over(within_a_day)

    return moments.select(
        "tailnum",
        "known_at",
        latest("departure_delay").alias("previous_departure_delay_minutes"),
        latest("departed_at").alias("previous_departed_at"),
        latest("arrival_delay").alias("previous_arrival_delay_minutes"),
        latest("arrived_at").alias("previous_arrived_at"),
        F.sum("departures").over(within_a_day).alias("aircraft_departures_24h"),
    )


TABLE = FeatureTable(
    name="aircraft_day",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["tailnum", "known_at"],
    timeseries_column="known_at",
    sources=[DEPARTURES, ARRIVALS],
    lookback=DAY,
    features={
        "previous_departure_delay_minutes": "Delay of the aircraft's latest departure from New York, in minutes",
        "previous_departed_at": "When that departure was",
        "previous_arrival_delay_minutes": "Delay of its latest arrival out of New York, in minutes",
        "previous_arrived_at": "When that arrival was",
        "aircraft_departures_24h": "Its departures from New York in the last day",
    },
    checks=[InRange("aircraft_departures_24h", at_least=0, at_most=24)],
    compute=compute,
)
