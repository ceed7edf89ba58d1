# Databricks notebook source
# MAGIC %md
# MAGIC # For data scientists: look features up, and try a model
# MAGIC
# MAGIC A training set is asked for by lookups, each value as it was known at the moment of decision. Then the steps of `train-model` are
# MAGIC gone through up to the gates, with another estimator than the champion's; nothing is registered.

# COMMAND ----------

from dataclasses import replace
from datetime import timedelta

from feature_store import FeatureLookup, open_store, training_frame
from feature_store.cli import parse_moment
from feature_store.notebooks import parameters, show
from features.flights import airport_weather, carrier_punctuality
from features.flights.sources import FLIGHT_OUTCOMES
from training.estimators import boosted_trees
from training.flights.flight_delay import TRAINING
from training.steps.pipeline import train

given = parameters(catalog="dev", schema="flights", as_of="2013-07-01", holdout_days="14")
store = open_store(catalog=given["catalog"], schema=given["schema"])
as_of = parse_moment(given["as_of"])

# COMMAND ----------

# MAGIC %md Keys, the moment of decision and the label; then the features of two tables as of that moment.

# COMMAND ----------

LOOKUPS = [
    FeatureLookup(airport_weather.TABLE, "origin", timestamp_lookup_key="decided_at", lookback_window=timedelta(hours=6)),
    FeatureLookup(carrier_punctuality.TABLE, "carrier", timestamp_lookup_key="decided_at"),
]  # fmt: skip
outcomes = training_frame(
    store,
    FLIGHT_OUTCOMES,
    between=(as_of - timedelta(days=60), as_of),
    keys=["flight_id", "origin", "carrier"],
    decided_at="decided_at",
    label="is_late",
    as_of=as_of,
)
training_set = store.create_training_set(
    df=outcomes, feature_lookups=LOOKUPS, label="is_late", exclude_columns=["flight_id"]
)
show(
    training_set.load_df()
    .select("origin", "carrier", "decided_at", "visibility_miles", "carrier_share_late_7d", "is_late")
    .limit(5)
)

# COMMAND ----------

# MAGIC %md The same lookups in a spec of one's own, fitted and judged on the last days, which are held out.

# COMMAND ----------

MINE = replace(
    TRAINING,
    name="flight_delay_tried",
    owner="me@example.com",
    lookups=LOOKUPS,
    exclude_columns=["flight_id", "tailnum"],
    estimators={"boosted_trees": boosted_trees},
    holdout=timedelta(days=int(given["holdout_days"])),
)
tried = train(store, MINE, as_of=as_of, until="validate")
for name, value in tried.metrics["boosted_trees"].items():
    print(f"{name:20} {value:.4f}")
for verdict in tried.verdicts:
    print(
        f"{verdict.gate:20} {verdict.value:.4f}, wanted {verdict.wanted}: {'passed' if verdict.passed else 'not passed'}"
    )
print(f"The training card: {tried.card}")
