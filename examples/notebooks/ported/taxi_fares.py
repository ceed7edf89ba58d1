# Databricks notebook source
# MAGIC %md
# MAGIC # Taxi fares, with two tables of time series
# MAGIC
# MAGIC How much was paid lately where the trip begins, and how many trips ended where it ends: each as it was known at the moment of
# MAGIC the trip. The tables are in a schema of features, the model in one of its own. For the vendor's client, the second import line
# MAGIC reads `from databricks.feature_engineering import FeatureEngineeringClient, FeatureLookup`.

# COMMAND ----------

from datetime import UTC, datetime, timedelta

import mlflow
import mlflow.sklearn
from pyspark.sql import functions as F
from sklearn.tree import DecisionTreeRegressor

from feature_store import FeatureEngineeringClient, FeatureLookup

PICKUPS, DROPOFFS, MODEL = "ml.taxi_features.pickups", "ml.taxi_features.dropoffs", "ml.taxi.fare_model"
SIX = datetime(2016, 1, 1, 6, tzinfo=UTC)

# COMMAND ----------

# MAGIC %md A day of trips, made up: every ten minutes one, between three places in turn.

# COMMAND ----------

for schema in ("taxi_features", "taxi"):
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS ml.{schema}")
trips = spark.createDataFrame(
    [
        (
            SIX + timedelta(minutes=10 * n),
            (10001, 10002, 10003)[n % 3],
            (10003, 10001)[n % 2],
            5.0 + 3 * (n % 3) + n % 4,
        )
        for n in range(72)
    ],
    "picked_up_at timestamp, pickup_zip int, dropoff_zip int, fare_amount double",
)


def per_hour(df, place, *measures):
    """By place and hour, known when the hour is over."""
    hour = F.date_trunc("hour", "picked_up_at") + F.expr("INTERVAL 1 HOUR")
    return df.groupBy(F.col(place).alias("zip"), hour.alias("ts")).agg(*measures)


# COMMAND ----------

# MAGIC %md Two feature tables of the same form, each with a time.

# COMMAND ----------

fe = FeatureEngineeringClient()
mean_fare = F.avg("fare_amount").alias("mean_fare_1h")
trips_ended = F.count(F.lit(1)).cast("int").alias("trips_ended_1h")
fe.create_table(
    name=PICKUPS,
    primary_keys=["zip", "ts"],
    timeseries_columns="ts",
    df=per_hour(trips, "pickup_zip", mean_fare),
    description="Fares by place of departure",
)
fe.create_table(
    name=DROPOFFS,
    primary_keys=["zip", "ts"],
    timeseries_column="ts",
    schema=per_hour(trips, "dropoff_zip", trips_ended).schema,
    description="Trips by place of arrival",
)
fe.write_table(name=DROPOFFS, df=per_hour(trips, "dropoff_zip", trips_ended), mode="merge")

# COMMAND ----------

lookups = [
    FeatureLookup(
        table_name=PICKUPS,
        feature_names=["mean_fare_1h"],
        lookup_key=["pickup_zip"],
        timestamp_lookup_key="picked_up_at",
    ),
    FeatureLookup(
        table_name=DROPOFFS,
        feature_names=["trips_ended_1h"],
        lookup_key=["dropoff_zip"],
        timestamp_lookup_key=["picked_up_at"],
        default_values={"trips_ended_1h": 0},
        lookback_window=timedelta(hours=2),
    ),
]
training_set = fe.create_training_set(
    df=trips,
    feature_lookups=lookups,
    label="fare_amount",
    exclude_columns=["picked_up_at", "pickup_zip", "dropoff_zip"],
)
training = training_set.load_df().toPandas().dropna()

# COMMAND ----------

model = DecisionTreeRegressor(max_depth=2, random_state=7)
model.fit(training.drop(columns="fare_amount"), training["fare_amount"])
with mlflow.start_run():
    fe.log_model(
        model=model,
        artifact_path="taxi_fares",
        flavor=mlflow.sklearn,
        training_set=training_set,
        registered_model_name=MODEL,
        serialization_format="cloudpickle",
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_cloudpickle=True),
    )

# COMMAND ----------

# MAGIC %md Later trips are scored by where, whereto and when. The third comes long after the last hour of arrivals.

# COMMAND ----------

later = spark.createDataFrame(
    [
        (SIX + timedelta(hours=7, minutes=5), 10001, 10003),
        (SIX + timedelta(hours=8), 10002, 10001),
        (SIX + timedelta(hours=40), 10003, 10001),
    ],
    "picked_up_at timestamp, pickup_zip int, dropoff_zip int",
)
predictions = fe.score_batch(model_uri=f"models:/{MODEL}/1", df=later)
predictions.orderBy("picked_up_at").show()
