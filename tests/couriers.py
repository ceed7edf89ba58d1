"""A small project for the tests of training, scoring and lineage: will a courier deliver an order late?

One feature table with time (how many orders the courier carries), one without (how far the district is), an outcome
that is known at delivery, and nothing of flights.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from feature_store import FeatureLookup, FeatureStore, FeatureTable, Source
from feature_store.tables.commit import Commit
from features.publish import publish
from inference.spec import ScoringSpec
from training.estimators import HoursBefore
from training.spec import AtLeast, TrainingSpec

OWNER = "couriers@example.com"
HOUR, DAY, MICROSECOND = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)

ORDERS = Source(
    name="orders",
    description="All orders, known always",
    table="orders",
    columns=("order_id", "courier", "district", "decided_at"),
)
OUTCOMES = Source(
    name="order_outcomes",
    description="The labels: known at delivery",
    table="orders",
    columns=("order_id", "courier", "district", "decided_at", "is_late"),
    known_at="delivered_at",
)
COUNTS = Source(
    name="order_counts",
    description="Orders that a courier carries",
    table="counts",
    columns=("courier", "open_orders"),
    known_at="counted_at",
)
DISTRICTS = Source(
    name="districts",
    description="Where the districts are, known always",
    table="districts",
    columns=("district", "kilometres", "zone"),
)


def load(counts: DataFrame) -> DataFrame:
    """One row per count, at the moment it was known."""
    return counts.select("courier", "known_at", "open_orders")


def distance(districts: DataFrame) -> DataFrame:
    """One row per district."""
    return districts.select("district", "kilometres", "zone")


COURIER_LOAD = FeatureTable(
    name="courier_load",
    description="What a courier carries",
    owner=OWNER,
    primary_keys=["courier", "known_at"],
    timeseries_column="known_at",
    sources=[COUNTS],
    features={"open_orders": "Orders that the courier carries"},
    compute=load,
)
DISTRICT_DISTANCE = FeatureTable(
    name="district_distance",
    description="Where a district is",
    owner=OWNER,
    primary_keys=["district"],
    sources=[DISTRICTS],
    features={"kilometres": "Kilometres from the depot", "zone": "Tariff zone"},
    compute=distance,
)


def tree() -> Pipeline:
    """A tree that fits in milliseconds, on the numbers alone."""
    numbers = make_column_transformer(("passthrough", make_column_selector(dtype_include="number")))
    return make_pipeline(HoursBefore(), numbers, DecisionTreeClassifier(max_depth=2, random_state=7))


def coin() -> DummyClassifier:
    """The same chance for everybody."""
    return DummyClassifier(strategy="prior")


TRAINING = TrainingSpec(
    name="late_order",
    description="Will the order be late?",
    owner=OWNER,
    labels=OUTCOMES,
    label="is_late",
    lookups=[
        FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at"),
        FeatureLookup(DISTRICT_DISTANCE, "district"),
    ],
    exclude_columns=["courier"],
    estimators={"tree": tree, "coin": coin},
    holdout=timedelta(days=5),
    gates={"roc_auc": AtLeast(0.6)},
)
SCORING = ScoringSpec(
    name="late_order",
    description="All orders",
    owner=OWNER,
    training=TRAINING,
    entities=ORDERS,
    primary_keys=["order_id"],
    output="late_order_scores",
)

Rows = Sequence[tuple[Any, ...]]


def at(text: str) -> datetime:
    """A moment of January 2024, UTC: ``5T06:30``, or ``5`` for its first instant."""
    day, _, time = text.partition("T")
    return datetime.fromisoformat(f"2024-01-{int(day):02}T{time or '00:00'}").replace(tzinfo=UTC)


def frame(spark: SparkSession, rows: Rows, schema: str) -> DataFrame:
    """Literal rows as a frame, by Arrow: a frame of Python rows starts Python workers for each query."""
    declared = StructType.fromDDL(schema)
    columns = to_arrow_schema(declared, timezone="UTC")
    arrays = [pa.array([row[position] for row in rows], field.type) for position, field in enumerate(columns)]
    return spark.createDataFrame(pa.table(arrays, schema=columns), declared)


def land(store: FeatureStore, *, orders: Rows, counts: Rows, districts: Rows = (("old town", 2.0, None),)) -> None:
    """Land the sources whole: orders ``(order_id, courier, district, decided_at, delivered_at, is_late)``,
    counts ``(courier, counted_at, open_orders)``, districts ``(district, kilometres, zone)``.
    """
    landed = {
        "orders": (
            "order_id string, courier string, district string, decided_at timestamp, delivered_at timestamp, is_late boolean",
            orders,
        ),
        "counts": ("courier string, counted_at timestamp, open_orders bigint", counts),
        "districts": ("district string, kilometres double, zone string", districts),
    }
    for name, (schema, rows) in landed.items():
        df = frame(store.spark, rows, schema)
        if not store.tables.exists(name):
            store.tables.create(name, df.schema)
        store.tables.overwrite(name, df, commit=Commit(verb="ingest-sources", as_of=at("1")))


def land_two_weeks(store: FeatureStore) -> None:
    """An order an hour; a courier with six or more open orders is late, but for every seventh order."""
    hours = [(n, at("1") + n * HOUR, n * 3 % 10) for n in range(14 * 24)]
    orders = [
        (f"order {n}", f"courier {n % 5}", "old town", hour, hour + HOUR, (open_orders >= 6) != (n % 7 == 0))
        for n, hour, open_orders in hours
    ]
    land(store, orders=orders, counts=[(f"courier {n % 5}", hour, open_orders) for n, hour, open_orders in hours])


def publish_features(store: FeatureStore, *, as_of: datetime) -> None:
    """Publish both feature tables."""
    for table in (COURIER_LOAD, DISTRICT_DISTANCE):
        publish(store, table, as_of=as_of)
