"""What every backend, and every way of joining, must do alike."""

from collections.abc import Callable, Sequence
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

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
    """Make a feature table from literal rows; of the keys, the one called ``known_at`` is the time.

    The rows are written without Spark, since the tests here make a hundred such tables.
    """

    def make(name: str, schema: str, rows: Sequence[tuple[Any, ...]], keys: Sequence[str]) -> None:
        time = "known_at" if "known_at" in keys else None
        store.create_table(
            name=name, primary_keys=list(keys), timeseries_column=time, schema=StructType.fromDDL(schema)
        )
        stored = deltalake.DeltaTable(store.tables.path(name))
        columns = pa.schema(stored.schema().to_arrow())
        arrays = [pa.array([row[position] for row in rows], field.type) for position, field in enumerate(columns)]
        deltalake.write_deltalake(stored, pa.table(arrays, schema=columns), mode="append")

    return make
