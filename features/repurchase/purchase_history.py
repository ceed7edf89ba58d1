"""What a customer has bought so far: how often, for how much, and when first and last."""

from datetime import timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from feature_store import FeatureTable, InRange
from features.repurchase import landing
from features.repurchase.sources import PURCHASES


def compute(purchases: DataFrame) -> DataFrame:
    """One row per customer and day on which they bought, of all purchases until then."""
    days = purchases.groupBy("customer_id", "known_at", "bought_at").agg(
        F.count("*").alias("purchases"), F.sum("dollars").alias("dollars"), F.sum("cds").alias("cds")
    )
    so_far = Window.partitionBy("customer_id").orderBy("known_at")
    first = F.min("bought_at").over(so_far)
    return days.select(
        "customer_id",
        "known_at",
        F.sum("purchases").over(so_far).alias("purchases_so_far"),
        F.sum("dollars").over(so_far).alias("dollars_so_far"),
        F.sum("cds").over(so_far).alias("cds_so_far"),
        first.alias("first_bought_at"),
        F.col("bought_at").alias("last_bought_at"),
        (F.datediff("bought_at", first) / F.nullif(F.count("*").over(so_far) - 1, F.lit(0))).alias("mean_days_between"),
    )


TABLE = FeatureTable(
    name="purchase_history",
    description=__doc__,
    owner=landing.OWNER,
    primary_keys=[*landing.KEYS, "known_at"],
    timeseries_column="known_at",
    sources=[PURCHASES],
    # Of all history: the shop won these customers less than two years before the data ends.
    lookback=timedelta(days=730),
    features={
        "purchases_so_far": "Purchases so far",
        "dollars_so_far": "What was paid for them, dollars",
        "cds_so_far": "How many CDs they were",
        "first_bought_at": "The day of the first purchase",
        "last_bought_at": "The day of the last purchase",
        "mean_days_between": "Mean days between days of purchases; null for a customer with one",
    },
    checks=[InRange("purchases_so_far", at_least=1), InRange("mean_days_between", at_least=1)],
    compute=compute,
)
