"""The latest weather observed at the airport of departure."""

from datetime import timedelta

from pyspark.sql import DataFrame

from feature_store import FeatureTable, Fresh, InRange, NullShare
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
    checks=[
        # Instruments fail: in February 2013 one observation has wind at 1,048 miles per hour.
        InRange("wind_speed_mph", at_least=0, at_most=200, on_failure="quarantine"),
        InRange("temperature_f", at_least=-80, at_most=140, on_failure="quarantine"),
        InRange("humidity_percent", at_least=0, at_most=100, on_failure="quarantine"),
        NullShare("temperature_f", at_most=0.1, on_failure="warn"),
        Fresh(timedelta(days=2), on_failure="warn"),
    ],
    compute=compute,
)
