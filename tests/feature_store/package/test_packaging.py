"""Models that carry their features: what is packaged, and scoring with nothing but keys."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cloudpickle
import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.types import ColSpec, Schema
from ruamel.yaml import YAML
from sklearn.base import BaseEstimator

from feature_store import FeatureLookup, Misuse, NotFound, SchemaMismatch, WrongKind, open_store
from tests.frames import assert_df_equality

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The workers cannot import a test module.

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLIGHTS = "flight string, origin string, carrier string, decided_at timestamp"
SCORED = FLIGHTS + ", wind double, name string, runways int, prediction double"
ROWS = [
    ("tie", "JFK", "B6", NOON, 5.0, "JetBlue", 4, 504.0),
    ("null value", "JFK", "B6", NOON + HOUR, None, "JetBlue", 4, -1.0),
    ("too old", "LGA", "B6", NOON + 9 * HOUR, None, "JetBlue", 2, -1.0),
    ("unknown", "XYZ", "??", NOON, None, None, 0, -1.0),
    ("no key", None, None, NOON, None, None, 0, -1.0),
    ("no moment", "JFK", "AA", None, None, "American", 4, -1.0),
    ("twice", "LGA", "AA", NOON, 7.0, "American", 2, 702.0),
    ("twice", "LGA", "AA", NOON, 7.0, "American", 2, 702.0),
]
"""Keys and moment of decision; what is looked up for them; what the model makes of it."""


class WindAndRunways(BaseEstimator):
    """Wind × 100 + runways, and -1 without wind: what the model was given can be read from what it says."""

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        if list(frame.columns) != ["carrier", "wind", "name", "runways"]:
            raise ValueError(f"the model was given {list(frame.columns)}")
        return (frame["wind"] * 100 + frame["runways"]).fillna(-1.0)


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory):
    opened = open_store(catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("packaging"))
    tables = {
        "airport_weather": (["origin", "known_at"], "origin string, known_at timestamp, wind double", [("JFK", NOON, 5.0), ("JFK", NOON + HOUR, None), ("LGA", NOON - HOUR, 7.0)]),
        "airline": (["carrier"], "carrier string, name string", [("B6", "JetBlue"), ("AA", "American")]),
        "airport": (["faa"], "faa string, runways int", [("JFK", 4), ("LGA", 2)]),
    }  # fmt: skip
    for name, (keys, schema, rows) in tables.items():
        time = "known_at" if "known_at" in keys else None
        opened.create_table(name=name, primary_keys=keys, timeseries_column=time, df=frame(rows, schema))
    return opened


@pytest.fixture(scope="module")
def flights(frame):
    return frame([row[:4] for row in ROWS], FLIGHTS)


@pytest.fixture(scope="module")
def training_set(store, frame):
    return store.create_training_set(
        df=frame([(*row[:4], row[7]) for row in ROWS], FLIGHTS + ", label double"),
        feature_lookups=[
            FeatureLookup("airport_weather", "origin", timestamp_lookup_key="decided_at", lookback_window=2 * HOUR),
            FeatureLookup("airline", "carrier"),
            FeatureLookup("airport", "origin", default_values={"runways": 0}),
        ],
        label="label",
        exclude_columns=["flight", "origin", "decided_at"],
    )


def log(store, training_set, **options):
    return store.log_model(
        model=WindAndRunways(), artifact_path="model", flavor=mlflow.sklearn, training_set=training_set,
        serialization_format="cloudpickle", **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def logged(store, training_set):
    return log(store, training_set, registered_model_name="wind", lineage={"as_of": NOON, "fingerprint": "1:2:3"})


@pytest.fixture(scope="module")
def package(logged) -> Path:
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=logged.model_uri))


# ---- the package


def test_the_package_has_the_documented_layout_and_keeps_excluded_keys_but_no_other_excluded_column(package):
    folder = package / "data" / "feature_store"
    assert (folder / "raw_model" / "MLmodel").is_file()
    spec = YAML(typ="safe").load((folder / "feature_spec.yaml").read_text())
    assert [(name, entry.get("include", True), entry["source"]) for one in spec["input_columns"] for name, entry in one.items()] == [
        ("origin", False, "training_data"),
        ("carrier", True, "training_data"),
        ("decided_at", False, "training_data"),
        ("wind", True, "feature_store"),
        ("name", True, "feature_store"),
        ("runways", True, "feature_store"),
    ]  # fmt: skip
    flavor = YAML(typ="safe").load((package / "MLmodel").read_text())["flavors"]
    assert list(flavor) == ["python_function"]
    assert flavor["python_function"]["data"] == "data/feature_store"
    assert flavor["python_function"]["loader_module"] == "feature_store.loader"


def test_the_package_tells_the_versions_of_the_tables_it_learned_from(package):
    assert json.loads((package / "data" / "feature_store" / "lineage.json").read_text()) == {
        "tables": {"test.flights.airport_weather": 1, "test.flights.airline": 1, "test.flights.airport": 1},
        "keys": {
            "test.flights.airport_weather": {"origin": "string", "known_at": "timestamp"},
            "test.flights.airline": {"carrier": "string"},
            "test.flights.airport": {"faa": "string"},
        },
        "as_of": str(NOON),
        "fingerprint": "1:2:3",
    }


def test_the_signature_requires_the_keys_and_offers_the_features(logged):
    inputs = {column.name: (column.type.name, column.required) for column in logged.signature.inputs}
    assert inputs == {
        "origin": ("string", True),
        "carrier": ("string", True),
        "decided_at": ("datetime", True),
        "wind": ("double", False),
        "name": ("string", False),
        "runways": ("integer", False),
    }
    assert [column.name for column in logged.signature.outputs] == ["label"]


def test_the_model_is_registered_by_its_three_level_name(logged):
    versions = mlflow.search_model_versions(filter_string="name = 'test.flights.wind'")
    assert [(one.name, int(one.version)) for one in versions] == [("test.flights.wind", 1)]


def test_logging_outside_of_a_run_opens_and_closes_its_own_and_inside_it_takes_part_in_it(store, training_set, logged):
    assert mlflow.active_run() is None
    with mlflow.start_run(experiment_id=store.experiment("mine")) as run:
        info = log(store, training_set)
        assert mlflow.active_run().info.run_id == run.info.run_id == info.run_id


def test_the_artifacts_are_kept_in_the_workspace(store, logged):
    assert list((store.workspace / "mlartifacts").rglob("feature_spec.yaml"))


# ---- scoring


def test_scoring_by_keys_gives_the_frame_its_features_and_the_prediction(frame, store, flights, logged):
    assert_df_equality(
        store.score_batch(model_uri="models:/test.flights.wind/1", df=flights),
        frame(ROWS, SCORED),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_scoring_looks_up_what_the_training_set_joins_for_the_same_keys_and_moments(
    store, flights, training_set, logged
):
    given_to_model = ["carrier", "wind", "name", "runways"]
    assert_df_equality(
        store.score_batch(model_uri=logged.model_uri, df=flights).select(*given_to_model),
        training_set.load_df().select(*given_to_model),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_columns_that_the_model_does_not_know_are_passed_on(store, flights, logged):
    from pyspark.sql import functions as F

    scored = store.score_batch(
        model_uri=logged.model_uri, df=flights.limit(1).withColumn("note", F.lit("x")), result_type="string"
    )
    assert scored.columns == [
        "flight",
        "origin",
        "carrier",
        "decided_at",
        "note",
        "wind",
        "name",
        "runways",
        "prediction",
    ]
    assert [(row.note, row.prediction) for row in scored.collect()] == [("x", "504.0")]


def test_nobody_to_score_is_no_special_case(store, flights, logged):
    assert store.score_batch(model_uri=logged.model_uri, df=flights.limit(0)).collect() == []


def test_a_frame_that_brings_feature_columns_is_refused_by_their_names(frame, store, logged):
    brings = frame([("f", "JFK", "B6", NOON, 1.0, 9)], FLIGHTS + ", wind double, runways int")
    with pytest.raises(
        Misuse, match="The data frame brings feature columns: wind, runways. Scoring is given keys only"
    ):
        store.score_batch(model_uri=logged.model_uri, df=brings)


def test_features_can_be_overridden_when_that_is_said(frame, store, logged):
    brings = frame(
        [("f", "JFK", "B6", NOON, 1.0, 9), ("g", "JFK", "B6", NOON, None, None)], FLIGHTS + ", wind double, runways int"
    )
    scored = store.score_batch(model_uri=logged.model_uri, df=brings, override_features=True)
    assert sorted((row.flight, row.wind, row.name, row.runways, row.prediction) for row in scored.collect()) == [
        ("f", 1.0, "JetBlue", 9, 109.0),
        ("g", None, "JetBlue", 0, -1.0),
    ]


def test_scoring_can_be_held_to_the_table_versions_of_an_earlier_run(frame, store, flights, logged):
    versions = store.feature_versions(model_uri=logged.model_uri)
    store.write_table(name="airport", df=frame([("JFK", 40)], "faa string, runways int"))
    try:
        tie = flights.where("flight = 'tie'")
        assert store.score_batch(model_uri=logged.model_uri, df=tie).first().prediction == 540.0
        pinned = store.score_batch(model_uri=logged.model_uri, df=tie, table_versions=versions)
        assert pinned.first().prediction == 504.0
    finally:
        store.write_table(name="airport", df=frame([("JFK", 4)], "faa string, runways int"))


@pytest.mark.parametrize(
    ("schema", "error", "text"),
    [
        ("flight string, origin string, carrier string", Misuse, "lacks decided_at; the model needs origin, carrier, decided_at"),
        (FLIGHTS + ", prediction double", Misuse, "already has a column 'prediction'"),
        (FLIGHTS.replace("origin string", "origin int"), SchemaMismatch, "'origin' is int in the data frame, and the table's 'origin' is string. Cast it"),
        (FLIGHTS.replace("timestamp", "date"), SchemaMismatch, "'decided_at' is date"),
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_scored_is_refused(frame, store, logged, schema, error, text):
    with pytest.raises(error, match=text):
        store.score_batch(model_uri=logged.model_uri, df=frame([], schema))


def test_a_result_type_that_does_not_exist_is_refused(store, flights, logged):
    with pytest.raises(Misuse, match="There is no result_type 'doubel'. Did you mean double"):
        store.score_batch(model_uri=logged.model_uri, df=flights, result_type="doubel")


def test_a_model_that_does_not_exist_is_not_found(store, flights):
    with pytest.raises(NotFound, match="There is no model 'models:/test.flights.nothing/1'"):
        store.score_batch(model_uri="models:/test.flights.nothing/1", df=flights)


@pytest.mark.parametrize(
    "address",
    ["wind", "models:/", "models:/wind", "models:/wind/", "models:/wind@", "runs:/abc", "runs:/abc/", "/home/someone/model", "file:///model", "https://example.com/model", "../model", 7],
)  # fmt: skip
def test_a_model_is_code_so_it_is_taken_from_the_registry_and_from_nowhere_else(store, flights, address):
    with pytest.raises(Misuse, match="is not the address of a model. Write models:/catalog.schema.model@alias"):
        store.score_batch(model_uri=address, df=flights)


def test_a_model_is_found_by_its_alias_by_its_run_and_by_its_own_id(store, flights, logged):
    MlflowClient().set_registered_model_alias("test.flights.wind", "champion", "1")
    addresses = ["models:/test.flights.wind@champion", f"runs:/{logged.run_id}/model", f"models:/{logged.model_id}"]
    expected = store.feature_versions(model_uri="models:/test.flights.wind/1")
    assert [store.feature_versions(model_uri=address) for address in addresses] == [expected] * 3
    scored = store.score_batch(model_uri=addresses[1], df=flights.where("flight = 'tie'"))
    assert scored.first().prediction == 504.0


def test_a_model_without_packaged_features_is_refused_with_what_to_do(store, flights, logged):
    with mlflow.start_run(experiment_id=store.experiment("plain")):
        plain = mlflow.sklearn.log_model(WindAndRunways(), name="plain", serialization_format="cloudpickle")
    with pytest.raises(
        Misuse, match=r"was not packaged with features, so keys alone cannot be scored. Log it with store.log_model"
    ):
        store.score_batch(model_uri=plain.model_uri, df=flights)


def test_a_feature_or_a_table_that_is_no_longer_there_is_named(frame, store, flights):
    store.create_table(
        name="old", primary_keys="origin", df=frame([("JFK", 1, 2)], "origin string, wind int, runways int")
    )
    lookup = FeatureLookup("old", "origin", feature_names="runways")
    model = log(store, store.create_training_set(df=flights, feature_lookups=[lookup], label=None))
    store.drop_table(name="old")
    store.create_table(name="old", primary_keys="origin", df=frame([("JFK", 1)], "origin string, wind int"))

    told = "trained with. test.flights.old: the feature 'runways' is gone. Publish"
    with pytest.raises(SchemaMismatch, match=told):
        store.score_batch(model_uri=model.model_uri, df=flights)
    with pytest.raises(SchemaMismatch, match=told):
        store.feature_versions(model_uri=model.model_uri)
    store.drop_table(name="old")
    with pytest.raises(SchemaMismatch, match="trained with. test.flights.old does not exist any more. Publish"):
        store.score_batch(model_uri=model.model_uri, df=flights)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"training_set": None}, WrongKind, "log_model needs the training_set that create_training_set returned"),
        ({"training_set": "wind"}, WrongKind, "log_model needs the training_set that create_training_set returned"),
        ({"output_schema": "double"}, WrongKind, "output_schema is a mlflow.types.Schema, not a str"),
        ({"extra_pip_requirements": "xgboost"}, WrongKind, r"extra_pip_requirements is a list of names. Write \['xgboost'\]"),
        ({"registered_model_name": "two.parts"}, Misuse, "'two.parts' is not a table name|'two.parts' is not a"),
        ({"artifact_path": ""}, Misuse, "artifact_path is the model's name within its run"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_packaged_is_refused_before_a_run_is_opened(store, training_set, options, error, text):
    before = len(mlflow.search_runs(search_all_experiments=True))
    arguments = {"artifact_path": "model", "training_set": training_set, **options}
    with pytest.raises(error, match=text):
        store.log_model(model=WindAndRunways(), flavor=mlflow.sklearn, **arguments)
    assert len(mlflow.search_runs(search_all_experiments=True)) == before


def test_an_example_requirements_and_what_the_model_gives_can_be_said(store, training_set):
    info = log(
        store, training_set, infer_input_example=True, extra_pip_requirements=["tabulate==0.9.0"],
        output_schema=Schema([ColSpec("double", "minutes")]), await_registration_for=10,
    )  # fmt: skip
    package = Path(mlflow.artifacts.download_artifacts(artifact_uri=info.model_uri))
    example = json.loads((package / "input_example.json").read_text())
    assert example["columns"] == ["origin", "carrier", "decided_at"]
    assert len(example["data"]) == 1
    assert [column.name for column in info.signature.outputs] == ["minutes"]
    for place in (".", "data/feature_store/raw_model"):
        assert "tabulate==0.9.0" in (package / place / "requirements.txt").read_text().split()


def test_an_example_needs_a_row(store, training_set, frame):
    empty = store.create_training_set(df=frame([], FLIGHTS), feature_lookups=[], label=None)
    with pytest.raises(Misuse, match="infer_input_example needs a row, and the training set has none"):
        log(store, empty, infer_input_example=True)


def test_the_model_itself_has_a_signature_of_outputs_alone(package):
    raw = mlflow.models.Model.load(package / "data" / "feature_store" / "raw_model")
    assert raw.signature.inputs is None
    assert [(column.name, column.type.name) for column in raw.signature.outputs] == [("label", "double")]


# ---- mlflow's own way


def test_mlflow_loads_the_model_and_predicts_from_keys_in_the_frames_order(logged):
    asked = pd.DataFrame([row[:4] for row in ROWS], columns=["flight", "origin", "carrier", "decided_at"])
    asked["decided_at"] = pd.to_datetime(asked["decided_at"], utc=True).dt.tz_localize(None)

    predicted = mlflow.pyfunc.load_model("models:/test.flights.wind/1").predict(asked[::-1])

    pd.testing.assert_frame_equal(predicted, pd.DataFrame({"prediction": [row[7] for row in ROWS[::-1]]}))


def test_a_model_that_names_the_loaders_former_address_is_still_loaded(package, logged, tmp_path, store):
    former = shutil.copytree(package, tmp_path / "former")
    text = (former / "MLmodel").read_text()
    assert "loader_module: feature_store.loader\n" in text
    (former / "MLmodel").write_text(
        text.replace("loader_module: feature_store.loader\n", "loader_module: feature_store.local.model_loader\n")
    )
    asked = pd.DataFrame({"origin": ["JFK"], "carrier": ["B6"], "decided_at": [NOON.replace(tzinfo=None)]})
    now, then = (mlflow.pyfunc.load_model(str(one)).predict(asked) for one in (package, former))
    assert now.equals(then)
    assert not now.isna().any(axis=None)


def test_mlflows_way_finds_the_workspace_of_the_registry_in_use(store, logged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{store.workspace}/mlflow.db"

    asked = pd.DataFrame(
        {"flight": ["tie"], "origin": ["JFK"], "carrier": ["B6"], "decided_at": [pd.Timestamp("2013-06-01 12:00")]}
    )
    predicted = mlflow.pyfunc.load_model(logged.model_uri).predict(asked, params={"result_type": "string"})

    assert predicted["prediction"].tolist() == ["504.0"]
    assert list(tmp_path.iterdir()) == []


def test_a_batch_of_one_row_without_any_key_is_predicted(logged):
    nobody = pd.DataFrame({"flight": [None], "origin": [None], "carrier": [None], "decided_at": [pd.NaT]})
    assert mlflow.pyfunc.load_model(logged.model_uri).predict(nobody)["prediction"].tolist() == [-1.0]
