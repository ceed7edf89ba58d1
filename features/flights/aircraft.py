"""What the register knows of an aircraft."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange, RowCount
from features.flights.sources import AIRCRAFT_REGISTER


def compute(register: DataFrame) -> DataFrame:
    """One row per aircraft."""
    return register.select(
        "tailnum", "year_built", F.col("seats").cast("double"), F.col("engines").cast("double"), "manufacturer"
    )


TABLE = FeatureTable(
    name="aircraft",
    description=__doc__,
    owner="flight-features@example.com",
    primary_keys=["tailnum"],
    sources=[AIRCRAFT_REGISTER],
    features={
        "year_built": "Year of manufacture",
        "seats": "Number of seats",
        "engines": "Number of engines",
        "manufacturer": "Manufacturer",
    },
    checks=[
        InRange("year_built", at_least=1903),
        InRange("seats", at_least=1, at_most=1000),
        RowCount(at_least=1, at_most_change=0.5),
    ],
    compute=compute,
)
