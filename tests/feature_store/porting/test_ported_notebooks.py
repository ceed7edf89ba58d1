"""Notebooks written for the vendor's client: here with their import line changed, there by the client itself, with equal results."""

import runpy
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from feature_store import FeatureFunction, FeatureLookup, Misuse
from feature_store.databricks import client as on_databricks
from feature_store.databricks.translation import vendor_words
from tests.feature_store.databricks.unity_catalog import UnityCatalog, standing_in
from tests.registries import new_registry

NOTEBOOKS = Path(__file__).parents[3] / "examples" / "notebooks" / "ported"
OURS, THEIRS = "from feature_store import ", "from databricks.feature_engineering import "
HERE, IN_THE_VENDORS_WORDS, IN_OURS_ON_DATABRICKS = "here", "there, by the vendor's client", "there, by our import line"


EXPECTED: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {
    "wine_quality": (
        ["wine_id", "measured_now", "alcohol", "volatile_acidity", "measured_per_alcohol", "prediction"],
        [(1, 5.0, 10.0, 0.3, 0.5, 9.65), (2, 5.5, 11.0, 0.4, 0.5, 10.45), (12, 0.0, 11.0, 0.2, 0.0, 10.6)],
    ),
    "taxi_fares": (
        ["picked_up_at", "pickup_zip", "dropoff_zip", "mean_fare_1h", "trips_ended_1h", "prediction"],
        [
            (datetime(2016, 1, 1, 13, 5), 10001, 10003, 6.5, 3, 6.5),
            (datetime(2016, 1, 1, 14), 10002, 10001, 10.5, 3, 9.590909),
            (datetime(2016, 1, 2, 22), 10003, 10001, 12.5, 0, 12.5),
        ],
    ),
    "room_sensors": (
        ["room", "seen_at", "room_temperature", "light", "ppm", "prediction"],
        [
            (0, datetime(2021, 6, 1, 12, 4, 59), 22.0, 1.0, 410.0, 1.0),
            (0, datetime(2021, 6, 1, 12, 5, 0), 22.0, 1.0, 410.0, 1.0),
            (0, datetime(2021, 6, 1, 12, 5, 1), 22.0, 1.0, 400.0, 1.0),
            (0, datetime(2021, 6, 1, 12, 10, 0), 22.0, 1.0, 650.0, 1.0),
            (1, datetime(2021, 6, 1, 12, 0, 29), 21.0, 0.0, 400.0, 0.0),
        ],
    ),
}  # fmt: skip
"""The scored frames: keys, features as of the moment, and what the model makes of them."""


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An empty folder to work in, and no store, registry or experiment of another test."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "PIPELINE_SET_MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(tmp_path / "workspace"))
    return monkeypatch


@pytest.fixture(scope="module")
def unity(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnityCatalog]:
    schemas = ("wine", "taxi", "taxi_features", "sensors")
    made = UnityCatalog(spark, tmp_path_factory.mktemp("unity"), name="ml", schemas=schemas)
    yield made
    made.clear()


@pytest.mark.parametrize(
    ("name", "by"),
    [
        *((name, by) for by in (HERE, IN_THE_VENDORS_WORDS) for name in EXPECTED),
        ("wine_quality", IN_OURS_ON_DATABRICKS),
    ],
)
def test_a_notebook_comes_to_the_same_scores_here_and_there(
    name: str, by: str, unity: UnityCatalog, surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notebook = NOTEBOOKS / f"{name}.py"
    if by == HERE:
        told = runpy.run_path(str(notebook))
    else:
        unity.clear()
        text = notebook.read_text(encoding="utf-8")
        assert text.count(f"\n{OURS}") == 1
        notebook = tmp_path / f"{name}.py"
        notebook.write_text(text.replace(f"\n{OURS}", f"\n{THEIRS}") if by == IN_THE_VENDORS_WORDS else text)
        surroundings.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path))
        surroundings.setenv("PIPELINE_BACKEND", "databricks")
        surroundings.delenv("MLFLOW_EXPERIMENT_ID")
        with standing_in(unity):
            told = runpy.run_path(str(notebook), init_globals={"spark": unity.spark})

    columns, rows = EXPECTED[name]
    scored = told["predictions"].toPandas().sort_values(columns[:2], ignore_index=True)
    expected = pd.DataFrame(rows, columns=columns)
    pd.testing.assert_frame_equal(scored, expected, check_dtype=False, rtol=1e-6)
    assert type(told["fe"]).__name__ == "FeatureEngineeringClient"


def test_a_function_and_a_lookup_of_this_project_are_the_vendors_once_its_client_is_given_them() -> None:
    from databricks.feature_engineering import FeatureFunction as VendorFunction
    from databricks.feature_engineering import FeatureLookup as VendorLookup

    lookup = FeatureLookup("ml.wine.features", "id", default_values={"alcohol": 9.0}, timestamp_lookup_key="at")
    function = FeatureFunction(udf_name="ml.wine.f", input_bindings={"a": "alcohol"})
    theirs = VendorLookup(table_name="ml.wine.others", lookup_key="id")

    told = vendor_words([lookup, function, theirs])

    assert [type(one) for one in told] == [VendorLookup, VendorFunction, VendorLookup]
    assert (told[0].table_name, told[0].lookup_key, told[0].feature_names) == ("ml.wine.features", ["id"], [])
    assert (told[0].default_values, told[0].timestamp_lookup_key) == ({"alcohol": 9.0}, "at")
    assert (told[1].output_name, told[2]) == ("f", theirs)


def doubled(alcohol: pd.Series) -> pd.Series:
    return alcohol * 2


def test_python_code_is_no_function_of_the_vendors() -> None:
    with pytest.raises(Misuse, match="function of Unity Catalog; doubled is Python code. Register it there"):
        vendor_words([FeatureFunction(udf_name=doubled, returns="double")])


def test_on_databricks_the_client_is_the_vendors_which_takes_lookups_of_this_project_too() -> None:
    from databricks.feature_engineering import UNSET, FeatureEngineeringClient

    assert issubclass(on_databricks.vendor_word("FeatureEngineeringClient"), FeatureEngineeringClient)
    assert on_databricks.vendor_word("UNSET") is UNSET
