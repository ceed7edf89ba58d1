"""The latest weather observed at the airport of departure."""

from pyspark.sql import DataFrame

from feature_store import FeatureTable
from features.flights import landing
from features.flights.sources import WEATHER

FEATURES = {
    name: text
    for name, (_, text) in landing.WEATHER.columns.items()
    if name not in ("origin", "observed_at", "known_at")
}


def compute(weather: DataFrame) -> DataFrame:
    """One row per observation, at the moment it was known."""
    return weather.select("origin", "known_at", *FEATURES)


TABLE = FeatureTable(
    name="airport_weather",
    description=__doc__,
    owner="weather-features@example.com",
    primary_keys=["origin", "known_at"],
    timeseries_column="known_at",
    sources=[WEATHER],
    features=FEATURES,
    compute=compute,
)
