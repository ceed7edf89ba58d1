# Databricks notebook source
# MAGIC %md
# MAGIC # Wine quality, with a feature that is computed on demand
# MAGIC
# MAGIC Measured features of wines are in a feature table; one measurement is known only when a wine is judged, and a function of
# MAGIC Unity Catalog brings both together. Training and scoring give the model the same. For the vendor's client, this line reads
# MAGIC `from databricks.feature_engineering import FeatureEngineeringClient, FeatureFunction, FeatureLookup`.

# COMMAND ----------

import mlflow
import mlflow.sklearn
from sklearn.linear_model import LinearRegression

from feature_store import FeatureEngineeringClient, FeatureFunction, FeatureLookup

CATALOG, SCHEMA = "ml", "wine"
TABLE, MODEL = f"{CATALOG}.{SCHEMA}.wine_features", f"{CATALOG}.{SCHEMA}.wine_model"

# COMMAND ----------

# MAGIC %md The wines, made up: an id, three measurements, one that is taken on the spot, and a quality that depends on them.

# COMMAND ----------

spark.sql(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{SCHEMA}")
wines = spark.createDataFrame(
    [
        (n, 9.0 + n % 5, 0.2 + 0.1 * (n % 3), 3.0 + 0.05 * (n % 4), 1.0 + n % 7)
        for n in range(1, 41)
    ],
    "wine_id int, alcohol double, volatile_acidity double, pH double, measured_now double",
)  # fmt: skip
judged = wines.selectExpr(
    "wine_id", "measured_now", "alcohol - 2 * volatile_acidity + 0.5 * (measured_now / alcohol) AS quality"
)

# COMMAND ----------

# MAGIC %md The feature table: one row for each wine.

# COMMAND ----------

fe = FeatureEngineeringClient()
fe.create_table(
    name=TABLE,
    primary_keys=["wine_id"],
    df=wines.drop("measured_now"),
    description="Measurements of wines",
    tags={"team": "cellar"},
)
fe.write_table(name=TABLE, df=wines.drop("measured_now").where("wine_id <= 3"), mode="merge")

# COMMAND ----------

# MAGIC %md The function, and the training set that uses it.

# COMMAND ----------

spark.sql(f"""
CREATE OR REPLACE FUNCTION {CATALOG}.{SCHEMA}.per_alcohol(measured DOUBLE, alcohol DOUBLE)
RETURNS DOUBLE
LANGUAGE PYTHON
COMMENT 'What was measured on the spot, by alcohol'
AS $$
return measured / alcohol
$$
""")
features = [
    FeatureLookup(table_name=TABLE, feature_names=["alcohol", "volatile_acidity"], lookup_key="wine_id"),
    FeatureFunction(
        udf_name=f"{CATALOG}.{SCHEMA}.per_alcohol",
        input_bindings={"measured": "measured_now", "alcohol": "alcohol"},
        output_name="measured_per_alcohol",
    ),
]
training_set = fe.create_training_set(
    df=judged, feature_lookups=features, label="quality", exclude_columns=["wine_id", "measured_now"]
)
training = training_set.load_df().toPandas()

# COMMAND ----------

model = LinearRegression().fit(training.drop(columns="quality"), training["quality"])
with mlflow.start_run():
    fe.log_model(
        model=model,
        artifact_path="wine_quality",
        flavor=mlflow.sklearn,
        training_set=training_set,
        registered_model_name=MODEL,
        serialization_format="cloudpickle",
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_cloudpickle=True),
    )

# COMMAND ----------

# MAGIC %md Scored by id, and by what is measured now; a wine that is not in the table gets a prediction only where the model allows.

# COMMAND ----------

new_wines = spark.createDataFrame([(1, 5.0), (2, 5.5), (12, 0.0)], "wine_id int, measured_now double")
predictions = fe.score_batch(model_uri=f"models:/{MODEL}/1", df=new_wines)
predictions.orderBy("wine_id").show()
