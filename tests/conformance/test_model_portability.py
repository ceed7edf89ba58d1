"""Models are portable: what this project packages the vendor's client scores, and what the client packages is scored here."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cloudpickle
import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from feature_store import FeatureFunction, FeatureLookup, open_store
from tests.frames import assert_df_equality

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The workers cannot import a test module.

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TABLES = {
    "airport_weather": (["origin", "known_at"], "origin string, known_at timestamp, wind double, gust double", [("JFK", NOON, 5.0, 9.0), ("JFK", NOON + HOUR, None, 8.0), ("LGA", NOON - HOUR, 7.0, None)]),
    "airport": (["faa"], "faa string, runways int, name string", [("JFK", 4, "Kennedy"), ("LGA", 2, None)]),
}  # fmt: skip
FLIGHTS = "flight string, origin string, carrier string, decided_at timestamp"
ROWS = [
    ("tie", "JFK", "B6", NOON, 5.0, 4, "Kennedy", 20.0, 520.0),
    ("null value", "JFK", "B6", NOON + HOUR, None, 4, "Kennedy", None, -1.0),
    ("too old", "LGA", "B6", NOON + 9 * HOUR, None, 2, "unnamed", None, -1.0),
    ("unknown", "XYZ", "??", NOON, None, 0, "unnamed", None, -1.0),
    ("no key", None, None, NOON, None, 0, "unnamed", None, -1.0),
    ("no moment", "JFK", "AA", None, None, 4, "Kennedy", None, -1.0),
    ("twice", "LGA", "AA", NOON, 7.0, 2, "unnamed", 14.0, 714.0),
    ("twice", "LGA", "AA", NOON, 7.0, 2, "unnamed", 14.0, 714.0),
]
"""Keys and moment of decision; what is looked up and computed for them; what the model makes of it."""
SCORED = FLIGHTS + ", wind_there double, runways int, name string, exposure double, prediction double"
FEATURES = [
    FeatureLookup(
        "airport_weather", "origin", feature_names="wind", rename_outputs={"wind": "wind_there"},
        timestamp_lookup_key="decided_at", lookback_window=2 * HOUR,
    ),
    FeatureLookup("airport", "origin", default_values={"runways": 0, "name": "unnamed"}),
    FeatureFunction(
        udf_name="test.flights.exposed", input_bindings={"wind": "wind_there", "lanes": "runways"}, output_name="exposure"
    ),
]  # fmt: skip


class WindAndRunways(BaseEstimator):
    """Wind × 100 + exposure, and -1 without wind: what the model was given can be read from what it says."""

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        if list(frame.columns) != ["carrier", "wind_there", "runways", "name", "exposure"]:
            raise ValueError(f"the model was given {list(frame.columns)}")
        return (frame["wind_there"] * 100 + frame["exposure"]).fillna(-1.0)


@pytest.fixture(scope="module")
def stores(databricks_store, unity, frame, tmp_path_factory):
    """The local store and the Databricks store, with the same tables and function, and one model registry."""
    unity.create_function("test.flights.exposed", {"wind": "double", "lanes": "int"}, "double", "wind * lanes")
    workspace = tmp_path_factory.mktemp("portability")
    with pytest.MonkeyPatch.context() as environment:
        # The local store's own registry, for both.
        environment.delenv("MLFLOW_TRACKING_URI")
        local = open_store(catalog="test", schema="flights", workspace=workspace, backend="local")
        _fill(local, databricks_store, frame)
        yield {"local": local, "databricks": databricks_store}


def _fill(local, databricks_store, frame):
    for name, (keys, schema, rows) in TABLES.items():
        for store in (local, databricks_store):
            time = "known_at" if "known_at" in keys else None
            store.create_table(name=name, primary_keys=keys, timeseries_column=time, df=frame(rows, schema))


@pytest.fixture(scope="module")
def flights(frame):
    return frame([row[:4] for row in ROWS], FLIGHTS)


@pytest.fixture(scope="module")
def packaged(stores, frame):
    """The same model, packaged by each store."""
    # Told to the vendor's client, which would have MLflow load the model in a process of its own to infer them.
    told = {"databricks": {"pip_requirements": mlflow.sklearn.get_default_pip_requirements(include_cloudpickle=True)}}

    def package(name, store):
        training_set = store.create_training_set(
            df=frame([(*row[:4], row[-1]) for row in ROWS], FLIGHTS + ", label double"),
            feature_lookups=FEATURES,
            label="label",
            exclude_columns=["flight", "origin", "decided_at"],
        )
        return store.log_model(
            model=WindAndRunways(), artifact_path="model", flavor=mlflow.sklearn, training_set=training_set,
            registered_model_name=f"packaged_by_{type(store).__name__}", serialization_format="cloudpickle",
            **told.get(name, {}),
        )  # fmt: skip

    return {name: package(name, store) for name, store in stores.items()}


def folder_of(model) -> Path:
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=model.model_uri)) / "data" / "feature_store"


@pytest.mark.parametrize("scored_by", ["local", "databricks"])
@pytest.mark.parametrize("packaged_by", ["local", "databricks"])
def test_either_store_scores_what_either_has_packaged_to_the_same_predictions(
    frame, stores, packaged, flights, packaged_by, scored_by
):
    assert_df_equality(
        stores[scored_by].score_batch(model_uri=packaged[packaged_by].model_uri, df=flights),
        frame(ROWS, SCORED),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_the_vendors_client_alone_scores_what_is_packaged_here(frame, stores, packaged, flights):
    """Without this project's store around it; it drops the row that has no moment."""
    scored = stores["databricks"].client.score_batch(model_uri=packaged["local"].model_uri, df=flights)

    with_moment = [row for row in ROWS if row[3] is not None]
    assert_df_equality(scored, frame(with_moment, SCORED), ignore_row_order=True, ignore_nullable=True)


def test_the_vendors_reader_reads_our_feature_spec_as_it_reads_its_own(packaged):
    from databricks.ml_features_common.entities.feature_spec import FeatureSpec

    ours, theirs = (FeatureSpec.load(str(folder_of(packaged[by]))) for by in ("local", "databricks"))

    def columns(spec):
        return [(one.output_name, one.data_type, type(one.info).__name__) for one in spec.column_infos if one.include]

    def lookups(spec):
        return [
            (one.table_name, one.feature_name, one.lookup_key, one.timestamp_lookup_key, one.default_value_str)
            for one in spec.feature_column_infos
        ]

    def functions(spec):
        return [(one.udf_name, one.input_bindings) for one in spec.on_demand_column_infos]

    assert columns(ours) == columns(theirs)
    assert functions(ours) == functions(theirs)
    assert lookups(ours) == lookups(theirs)
    assert [(one.table_name, one.lookback_window) for one in ours.table_infos] == [
        ("test.flights.airport", None),
        ("test.flights.airport_weather", 7200.0),
    ]


def test_mlflow_loads_and_runs_what_is_packaged_here(packaged):
    asked = pd.DataFrame([row[:4] for row in ROWS], columns=["flight", "origin", "carrier", "decided_at"])
    asked["decided_at"] = pd.to_datetime(asked["decided_at"], utc=True).dt.tz_localize(None)

    predicted = mlflow.pyfunc.load_model(packaged["local"].model_uri).predict(asked)

    assert predicted["prediction"].tolist() == [row[-1] for row in ROWS]


def test_both_packages_tell_the_same_lineage(packaged):
    import json

    ours, theirs = (
        json.loads((folder_of(packaged[by]) / "lineage.json").read_text()) for by in ("local", "databricks")
    )
    assert ours["keys"] == theirs["keys"]
    assert set(ours["tables"]) == set(theirs["tables"]) == {"test.flights.airport", "test.flights.airport_weather"}
