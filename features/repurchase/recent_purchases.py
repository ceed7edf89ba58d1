"""How much a customer has bought over the last four weeks, twelve weeks and half a year."""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame

from feature_store import FeatureTable, InRange
from feature_store.aggregation import Aggregates, AggregationFunction, Count, Feature, RollingWindow, Sum
from features.repurchase import landing
from features.repurchase.sources import PURCHASES

FOUR_WEEKS = RollingWindow(window_duration=timedelta(weeks=4))
TWELVE_WEEKS = RollingWindow(window_duration=timedelta(weeks=12))
HALF_A_YEAR = RollingWindow(window_duration=timedelta(weeks=24))

_of = partial(Feature, source=PURCHASES, entity=list(landing.KEYS))

RECENT = Aggregates(
    every=timedelta(weeks=4),
    features=[
        _of(
            name="purchases_4w",
            description="Purchases in the last four weeks",
            function=AggregationFunction(Count("purchase_id"), FOUR_WEEKS),
        ),
        _of(
            name="purchases_12w",
            description="Purchases in the last twelve weeks",
            function=AggregationFunction(Count("purchase_id"), TWELVE_WEEKS),
        ),
        _of(
            name="purchases_24w",
            description="Purchases in the last 24 weeks",
            function=AggregationFunction(Count("purchase_id"), HALF_A_YEAR),
        ),
        _of(
            name="dollars_24w",
            description="What was paid for them, dollars",
            function=AggregationFunction(Sum("dollars"), HALF_A_YEAR),
        ),
    ],
)


def compute(purchases: DataFrame) -> DataFrame:
    """One row per customer and four weeks, of the purchases known before."""
    return RECENT.compute(purchases)


TABLE = FeatureTable(
    name="recent_purchases",
    description=__doc__,
    owner=landing.OWNER,
    primary_keys=[*landing.KEYS, "known_at"],
    timeseries_column="known_at",
    sources=RECENT.sources,
    lookback=RECENT.lookback,
    features=RECENT.descriptions,
    checks=[InRange("purchases_4w", at_least=0), InRange("dollars_24w", at_least=0)],
    compute=compute,
)
