# Databricks notebook source
# MAGIC %md
# MAGIC # Sensors of a room, at a point in time
# MAGIC
# MAGIC Is somebody in the room? Temperature, light and CO2 are measured now and then, each by itself. A row is given the newest value that
# MAGIC was known by its moment, and none that is older than five minutes for CO2. For the vendor's client, the last import line
# MAGIC reads `from databricks.feature_engineering import FeatureEngineeringClient, FeatureLookup`.

# COMMAND ----------

from datetime import UTC, datetime, timedelta

import mlflow
import mlflow.sklearn
from sklearn.linear_model import LogisticRegression

from feature_store import FeatureEngineeringClient, FeatureLookup

NOON = datetime(2021, 6, 1, 12, tzinfo=UTC)
LABEL = "person"


def at(seconds):
    return NOON + timedelta(seconds=seconds)


# COMMAND ----------

# MAGIC %md Readings, made up, of two rooms; and when somebody looked whether a person was there.

# COMMAND ----------

spark.sql("CREATE SCHEMA IF NOT EXISTS ml.sensors")
temperature = spark.createDataFrame(
    [(room, at(120 * n), 20.0 + n % 3 + room) for room in (0, 1) for n in range(10)],
    "room int, sensor_ts timestamp, temp double",
)
light = spark.createDataFrame(
    [(room, at(180 * n + 30), float((n + room) % 2)) for room in (0, 1) for n in range(7)],
    "room int, sensor_ts timestamp, light double",
)
co2 = spark.createDataFrame(
    [(0, at(0), 410.0), (0, at(600), 650.0), (1, at(300), 400.0)], "room int, sensor_ts timestamp, ppm double"
)
looked = spark.createDataFrame(
    [(room, at(90 * n), float((n // 2 + room) % 2)) for room in (0, 1) for n in range(12)],
    "room int, seen_at timestamp, person double",
)

# COMMAND ----------

fe = FeatureEngineeringClient()
for name, readings in {"temperature": temperature, "light": light, "co2": co2}.items():
    fe.create_table(
        name=f"ml.sensors.{name}",
        primary_keys=["room", "sensor_ts"],
        timeseries_column="sensor_ts",
        df=readings,
        description=f"Readings of {name}",
    )

# COMMAND ----------

lookups = [
    FeatureLookup(
        table_name="ml.sensors.temperature",
        feature_names="temp",
        rename_outputs={"temp": "room_temperature"},
        lookup_key="room",
        timestamp_lookup_key="seen_at",
    ),
    FeatureLookup(table_name="ml.sensors.light", lookup_key="room", timestamp_lookup_key="seen_at", default_values={"light": 0.0}),
    FeatureLookup(
        table_name="ml.sensors.co2",
        feature_names=["ppm"],
        lookup_key="room",
        timestamp_lookup_key="seen_at",
        lookback_window=timedelta(minutes=5),
        default_values={"ppm": 400.0},
    ),
]  # fmt: skip
training_set = fe.create_training_set(
    df=looked, feature_lookups=lookups, label=LABEL, exclude_columns=["room", "seen_at"]
)
training = training_set.load_df().toPandas()

# COMMAND ----------

model = LogisticRegression(C=1.0).fit(training.drop(columns=LABEL), training[LABEL])
with mlflow.start_run():
    fe.log_model(
        model=model,
        artifact_path="room_sensors",
        flavor=mlflow.sklearn,
        training_set=training_set,
        registered_model_name="ml.sensors.presence",
        serialization_format="cloudpickle",
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_cloudpickle=True),
    )

# COMMAND ----------

# MAGIC %md At the moment of a reading it counts, a second before it does not; five minutes old still counts, a second more does not.

# COMMAND ----------

asked = spark.createDataFrame(
    [(0, at(299)), (0, at(300)), (0, at(301)), (0, at(600)), (1, at(29))], "room int, seen_at timestamp"
)
predictions = fe.score_batch(model_uri="models:/ml.sensors.presence/1", df=asked, result_type="double")
predictions.orderBy("room", "seen_at").show()
