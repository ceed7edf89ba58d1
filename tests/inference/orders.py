"""Orders that are scored in the tests of inference: four days, two versions of a model, and what is expected of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import mlflow.sklearn
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.linear_model import LinearRegression

from feature_store import FeatureLookup, FeatureStore
from feature_store.job import task_context
from inference.score import Scored, score
from tests.couriers import COURIER_LOAD, SCORING, TRAINING, at, frame
from tests.frames import assert_df_equality

MODEL, OUTPUT = "test.couriers.late_order", "test.couriers.late_order_scores"
LOAD = FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at", default_values={"open_orders": 0})
SCORES = (
    "order_id string, courier string, decided_at timestamp, open_orders bigint, prediction double, "
    "model_name string, model_version string, scored_at timestamp, run_id string"
)
SPEC = replace(SCORING, training=replace(TRAINING, lookups=[LOAD], exclude_columns=["courier", "decided_at"]))


@dataclass(frozen=True)
class Orders:
    """Orders of 1 to 4 January, the first champion, which took office on the 1st, and the second, on the 3rd.

    The first expects a delay in proportion to the open orders, the second the contrary.
    """

    store: FeatureStore

    def score(
        self, spec: Any = SPEC, *, as_of: datetime, run: str = "run", rerun: bool = False, **window: datetime
    ) -> Scored:
        with task_context({}, run):
            return score(self.store, spec, as_of=as_of, rerun=rerun, **window)

    def scores(self, output: str = OUTPUT) -> DataFrame:
        return self.store.tables.read(output)

    def expect(self, *rows: tuple[object, ...]) -> None:
        expected = frame(self.store.spark, rows, SCORES)
        scores = self.scores().withColumn("prediction", F.round("prediction", 9))
        assert_df_equality(scores, expected, ignore_row_order=True)

    def training_set(self) -> Any:
        labelled = SPEC.training.labels.read(self.store.tables, as_of=at("5"))
        spine = labelled.select(*SPEC.training.entity_columns, SPEC.training.label)
        return self.store.create_training_set(
            df=spine,
            feature_lookups=[LOAD],
            label=SPEC.training.label,
            exclude_columns=SPEC.training.exclude_columns,
        )

    def register(self, name: str, *, chance_with_ten_orders: float) -> None:
        loads = pd.DataFrame({"open_orders": [0, 10]})
        self.log(LinearRegression().fit(loads, [1 - chance_with_ten_orders, chance_with_ten_orders]), name)

    def log(self, model: Any, name: str, training_set: Any = None) -> None:
        self.store.log_model(
            model=model,
            artifact_path="model",
            flavor=mlflow.sklearn,
            training_set=training_set or self.training_set(),
            registered_model_name=name,
        )
