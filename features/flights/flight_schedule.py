"""What the schedule says of a flight: when in the day, how far, and how busy the airport will be."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange
from features.flights.sources import SCHEDULED_FLIGHTS

NEW_YORK = "America/New_York"


def compute(schedule: DataFrame) -> DataFrame:
    """One row per flight; hours and weekdays are New York's."""
    local = F.from_utc_timestamp("scheduled_departure_at", NEW_YORK)
    same_hour = Window.partitionBy("origin", F.date_trunc("hour", "scheduled_departure_at"))
    minutes = F.unix_timestamp("scheduled_arrival_at") - F.unix_timestamp("scheduled_departure_at")
    return schedule.select(
        "flight_id",
        (F.hour(local) + F.minute(local) / 60).alias("departure_hour"),
        F.dayofweek(local).cast("double").alias("departure_weekday"),
        (minutes / 60).alias("scheduled_minutes"),
        F.col("distance_miles").cast("double").alias("distance_miles"),
        F.count("*").over(same_hour).cast("double").alias("departures_scheduled_in_hour"),
    )


TABLE = FeatureTable(
    name="flight_schedule",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["flight_id"],
    sources=[SCHEDULED_FLIGHTS],
    features={
        "departure_hour": "Scheduled departure, hours after midnight in New York",
        "departure_weekday": "Weekday of scheduled departure in New York, Sunday is 1",
        "scheduled_minutes": "Minutes from scheduled departure to scheduled arrival",
        "distance_miles": "Distance between the airports, in miles",
        "departures_scheduled_in_hour": "Flights scheduled to leave the same airport in the same hour",
    },
    checks=[InRange("departure_hour", at_least=0, at_most=24), InRange("scheduled_minutes", at_least=0, at_most=1440)],
    compute=compute,
)
