"""What every backend, and every way of joining, must do alike."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame

from feature_store import FeatureLookup


@pytest.fixture(params=["join_on_driver", "union_and_last"])
def looked_up(request: pytest.FixtureRequest, store: Any) -> Callable[..., DataFrame]:
    """The training set's frame, by one way of joining and by the other."""

    def look_up(
        df: DataFrame,
        lookups: Sequence[FeatureLookup],
        *,
        label: str | Sequence[str] | None = None,
        exclude_columns: Sequence[str] = (),
    ) -> DataFrame:
        training_set = store.create_training_set(
            df=df, feature_lookups=lookups, label=label, exclude_columns=list(exclude_columns)
        )
        store.tables.in_process = request.param == "join_on_driver"
        try:
            return training_set.load_df()
        finally:
            store.tables.in_process = True

    return look_up


@pytest.fixture
def feature_table(store: Any) -> Callable[..., None]:
    """Make a feature table from literal rows; of the keys, the one called ``known_at`` is the time."""

    def make(name: str, schema: str, rows: Sequence[tuple[Any, ...]], keys: Sequence[str]) -> None:
        df = store.spark.createDataFrame(list(rows), schema)
        store.create_table(name=name, primary_keys=list(keys), timeseries_column="known_at" if "known_at" in keys else None, df=df)

    return make
