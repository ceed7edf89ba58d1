# Databricks notebook source
# MAGIC %md
# MAGIC # For feature engineers: try a feature table before it is published
# MAGIC
# MAGIC How often was an airport in fog lately? The table is declared, computed and checked on what was known as of a moment, and
# MAGIC nothing is written. Once it is right, the declaration goes into a module of `features/flights/`, and
# MAGIC `publish-features` keeps it up to date.

# COMMAND ----------

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange, open_store
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Feature, RollingWindow
from feature_store.cli import parse_moment
from feature_store.notebooks import parameters, show
from features.flights.sources import WEATHER
from features.publish import publish

given = parameters(catalog="dev", schema="flights", as_of="2013-07-01")
store = open_store(catalog=given["catalog"], schema=given["schema"])
as_of = parse_moment(given["as_of"])

# COMMAND ----------

# MAGIC %md The source: observations known by then, each with the moment at which it was known.

# COMMAND ----------

show(WEATHER.read(store.tables, as_of=as_of).select("origin", "known_at", "visibility_miles").limit(5))

# COMMAND ----------

# MAGIC %md The declaration: a mean over the last day, at every full hour.

# COMMAND ----------

VISIBILITY = Feature(
    name="mean_visibility_miles_24h",
    description="Mean visibility of the last day, in miles",
    source=WEATHER,
    entity=["origin"],
    function=AggregationFunction(Avg("visibility_miles"), RollingWindow(window_duration=timedelta(days=1))),
)
HOURLY = Aggregates(every=timedelta(hours=1), features=[VISIBILITY])


def compute(weather: DataFrame) -> DataFrame:
    """The mean, and whether it is low."""
    return HOURLY.compute(weather).withColumn("is_foggy", F.col("mean_visibility_miles_24h") < 3)


TABLE = FeatureTable(
    name="airport_visibility",
    description="How far one could see at the airport of departure, over the last day",
    owner="me@example.com",
    primary_keys=["origin", "known_at"],
    timeseries_column="known_at",
    sources=HOURLY.sources,
    lookback=HOURLY.lookback,
    features=HOURLY.descriptions | {"is_foggy": "Below three miles on average"},
    checks=[InRange("mean_visibility_miles_24h", at_least=0, at_most=10)],
    compute=compute,
)

# COMMAND ----------

# MAGIC %md All of it computed and checked, as `publish-features --dry-run` does.

# COMMAND ----------

tried = publish(store, TABLE, as_of=as_of, dry_run=True)
print(tried.sentence)

# COMMAND ----------

foggy = compute(WEATHER.read(store.tables, as_of=as_of)).where("is_foggy")
show(foggy.orderBy("mean_visibility_miles_24h", "origin", "known_at").limit(5))
