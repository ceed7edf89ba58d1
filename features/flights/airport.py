"""Where an airport is."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange
from features.flights.sources import AIRPORT_REGISTER


def compute(register: DataFrame) -> DataFrame:
    """One row per airport."""
    return register.select(
        "faa", "latitude", "longitude", F.col("altitude_feet").cast("double").alias("altitude_feet"), "utc_offset_hours"
    )


TABLE = FeatureTable(
    name="airport",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["faa"],
    sources=[AIRPORT_REGISTER],
    features={
        "latitude": "Degrees north",
        "longitude": "Degrees east",
        "altitude_feet": "Altitude, feet",
        "utc_offset_hours": "Hours from UTC in winter",
    },
    checks=[InRange("latitude", at_least=-90, at_most=90), InRange("longitude", at_least=-180, at_most=180)],
    compute=compute,
)
