"""What every backend, and every way of joining, must do alike; :data:`DEVIATIONS` says where one does not."""

from collections.abc import Callable, Sequence
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from feature_store import FeatureLookup, open_store
from feature_store.databricks.store import DatabricksStore
from feature_store.join.point_in_time import AUTOMATIC, WAY_SETTING, WAYS

DATABRICKS = "databricks"
DEVIATIONS = {
    "test_columns_may_have_the_names_that_a_join_would_use_itself": "the client cannot read a column with a dot in its name",
    "test_a_table_that_contradicts_itself_is_not_created[databricks-partitioned]": "Databricks tables can be partitioned",
}
"""Tests that the Databricks store does not pass, by name (parameters in brackets), and why: they fail, strictly."""

LEFT_OUT = {
    "test_the_join_gives_what_a_search_through_all_rows_gives": "seven of the client's joins in one plan take minutes",
}
"""Tests that the Databricks store is not asked to pass, and why."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = []
    # pytest gives the items of all folders, whose parameters may be of any kind.
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is None or not any(isinstance(one, str) and one == DATABRICKS for one in callspec.params.values()):
            continue
        name = getattr(item, "originalname", item.name)
        if name in LEFT_OUT:
            left_out.append(item)
        reason = DEVIATIONS.get(name) or DEVIATIONS.get(item.name)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module", params=[*(name for name in WAYS if name != AUTOMATIC), DATABRICKS])
def way(request: pytest.FixtureRequest) -> str:
    """A way of joining: those of the local store, and the vendor's."""
    return str(request.param)


@pytest.fixture(scope="module")
def store(
    way: str, request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A store for all tests of one way of joining, empty at first."""
    if way != DATABRICKS:
        workspace = tmp_path_factory.mktemp("workspace")
        return open_store(catalog="test", schema="flights", workspace=workspace, backend="local")
    opened = request.getfixturevalue("databricks_store")
    request.getfixturevalue("unity").clear()
    return opened


@pytest.fixture
def looked_up(way: str, store: Any) -> Callable[..., DataFrame]:
    """The training set's frame, by each way of joining."""

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
        if way == DATABRICKS:
            return training_set.load_df()
        store.spark.conf.set(WAY_SETTING, way)
        try:
            return training_set.load_df()
        finally:
            store.spark.conf.unset(WAY_SETTING)

    return look_up


@pytest.fixture(scope="module")
def made(way: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Schema and keys of the feature tables that the tests of one way of joining have made so far."""
    return {}


@pytest.fixture
def feature_table(
    store: Any, made: dict[str, tuple[str, tuple[str, ...]]], filled: Callable[..., None]
) -> Callable[..., None]:
    """A feature table of these literal rows and no others; of the keys, the one called ``known_at`` is the time.

    A table of the same form that an earlier test has made is not made again: its rows are replaced.
    """

    def make(name: str, schema: str, rows: Sequence[tuple[Any, ...]], keys: Sequence[str]) -> None:
        form = schema, tuple(keys)
        if made.get(name, form) != form:
            store.drop_table(name=name)
            del made[name]
        if name not in made:
            time = "known_at" if "known_at" in keys else None
            store.create_table(
                name=name, primary_keys=list(keys), timeseries_column=time, schema=StructType.fromDDL(schema)
            )
            made[name] = form
        filled(name, rows)

    return make


@pytest.fixture
def filled(store: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Put these literal rows into a table, and take out all others; without Spark, since the tests here do it two hundred times."""

    def fill(name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        fill_without_spark(store, name, rows, request)

    return fill


def fill_without_spark(store: Any, name: str, rows: Sequence[tuple[Any, ...]], request: pytest.FixtureRequest) -> None:
    """The rows of a table of either store, in the order of its columns, as one more commit."""
    where = request.getfixturevalue("unity") if isinstance(store, DatabricksStore) else store.tables
    stored = deltalake.DeltaTable(where.path(store.tables.full_name(name)))
    columns = pa.schema(stored.schema().to_arrow())
    arrays = [pa.array([row[position] for row in rows], field.type) for position, field in enumerate(columns)]
    deltalake.write_deltalake(stored, pa.table(arrays, schema=columns), mode="overwrite")
