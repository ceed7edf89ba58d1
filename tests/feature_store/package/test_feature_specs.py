"""Feature specs: lookups and functions kept under a name, for training sets to come."""

import sys
import time
from pathlib import Path

import cloudpickle
import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from feature_store import FeatureFunction, FeatureLookup, Misuse, NotFound, SchemaMismatch, WrongKind, open_store
from tests.frames import assert_df_equality

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The workers cannot import a test module.


def lanes(runways: pd.Series, factor: pd.Series) -> pd.Series:
    return runways * factor


class Lanes(BaseEstimator):
    def predict(self, frame: pd.DataFrame) -> pd.Series:
        return frame["lanes"].fillna(-1.0)


AIRPORT = FeatureLookup("airport", "origin", rename_outputs={"name": "title"}, default_values={"title": "unnamed"})
LANES = FeatureFunction(udf_name=lanes, returns="double")


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory):
    opened = open_store(catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("specs"))
    rows = frame([("JFK", 4, "Kennedy", 1), ("LGA", 2, None, 2)], "faa string, runways int, name string, spare int")
    opened.create_table(name="airport", primary_keys="faa", df=rows)
    return opened


def test_a_training_set_by_a_spec_is_the_one_by_its_lookups_and_is_packaged_with_its_functions(frame, store):
    before = int(time.time() * 1000)
    info = store.create_feature_spec(
        name="by_origin", features=[AIRPORT, LANES], exclude_columns=["origin", "runways", "spare"],
        extra_pip_requirements=["tabulate==0.9.0"],
    )  # fmt: skip
    assert info.name == "test.flights.by_origin"
    assert info.creator
    assert before <= info.creation_timestamp_ms <= time.time() * 1000

    df = frame([("JFK", 3, 1.0), ("LGA", 5, 0.0), (None, 1, 1.0)], "origin string, factor int, label double")
    by_spec = store.create_training_set(df=df, feature_spec="test.flights.by_origin", label="label")
    expected = [(3, "Kennedy", 12.0, 1.0), (5, "unnamed", 10.0, 0.0), (1, "unnamed", None, 1.0)]
    assert_df_equality(
        by_spec.load_df(),
        frame(expected, "factor int, title string, lanes double, label double"),
        ignore_row_order=True,
        ignore_nullable=True,
    )

    # The model carries its features: neither the spec nor the module of the function is needed any more.
    logged = store.log_model(
        model=Lanes(), artifact_path="model", flavor=mlflow.sklearn, training_set=by_spec,
        serialization_format="cloudpickle",
    )  # fmt: skip
    package = Path(mlflow.artifacts.download_artifacts(artifact_uri=logged.model_uri))
    assert (package / "data/feature_store/functions/test.flights.lanes.pkl").is_file()
    assert "tabulate==0.9.0" in (package / "requirements.txt").read_text().split()
    store.delete_feature_spec(name="by_origin")
    scored = store.score_batch(model_uri=logged.model_uri, df=df.drop("label"))
    assert scored.columns == ["origin", "factor", "title", "lanes", "prediction"]
    assert sorted(row.prediction for row in scored.collect()) == [-1.0, 10.0, 12.0]
    overridden = store.score_batch(
        model_uri=logged.model_uri,
        df=frame(
            [("JFK", 3, None, 7.0), ("JFK", 3, "x", None)], "origin string, factor int, title string, lanes double"
        ),
        override_features=True,
    )
    assert sorted((row.title, row.prediction) for row in overridden.collect()) == [("unnamed", 7.0), ("x", -1.0)]


def test_a_spec_that_is_deleted_is_gone_and_its_name_is_free(store):
    store.create_feature_spec(name="short_lived", features=[AIRPORT])
    with pytest.raises(Misuse, match="There is a feature spec test.flights.short_lived already. Choose another name"):
        store.create_feature_spec(name="short_lived", features=[AIRPORT])
    store.delete_feature_spec(name="short_lived")
    with pytest.raises(NotFound, match="There is no feature spec test.flights.short_lived. There are none"):
        store.delete_feature_spec(name="short_lived")
    store.create_feature_spec(name="short_lived", features=[AIRPORT])
    store.delete_feature_spec(name="short_lived")


def test_a_spec_may_have_a_tables_name_and_is_no_table(store):
    store.create_feature_spec(name="airport", features=[AIRPORT])
    assert store.tables.names() == ["airport"]
    store.delete_feature_spec(name="airport")
    assert store.get_table(name="airport").feature_columns == ["runways", "name", "spare"]


def test_a_spec_is_read_by_whoever_opens_the_same_workspace_and_its_closest_names_are_offered(frame, store):
    store.create_feature_spec(name="shared_one", features=[AIRPORT])
    again = open_store(catalog="test", schema="flights", workspace=store.workspace)
    df = frame([], "origin string, label double")
    columns = again.create_training_set(df=df, feature_spec="shared_one", label="label").get_output_columns()
    assert columns == ["origin", "runways", "title", "spare", "label"]
    with pytest.raises(NotFound, match=r"There is no feature spec test.flights.shared. Did you mean shared_one\?"):
        again.create_training_set(df=df, feature_spec="shared", label="label")
    store.delete_feature_spec(name="shared_one")


def test_a_spec_whose_table_has_changed_since_says_how(frame, store):
    table = {"name": "changing", "primary_keys": "faa"}
    store.create_table(**table, schema=frame([], "faa string, runways int").schema)
    store.create_feature_spec(name="old", features=[FeatureLookup("changing", "origin")])
    store.drop_table(name="changing")
    store.create_table(**table, schema=frame([], "faa string, runways double").schema)
    told = "not those that feature spec test.flights.old was made with. test.flights.changing: the feature 'runways' was int and is double"
    with pytest.raises(SchemaMismatch, match=told):
        store.create_training_set(df=frame([], "origin string"), feature_spec="old", label=None)
    store.drop_table(name="changing")
    store.delete_feature_spec(name="old")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"name": "two.parts"}, Misuse, "'two.parts' is not a table name|'two.parts' is not a"),
        ({"name": "up/../../here"}, Misuse, "is not a table name|cannot be the name"),
        ({"features": AIRPORT}, WrongKind, "features is a list of FeatureLookup and FeatureFunction, not a FeatureLookup"),
        ({"features": ["airport"]}, WrongKind, "features is a list of FeatureLookup and FeatureFunction, and has a str"),
        ({"features": [FeatureLookup("airprt", "origin")]}, NotFound, r"There is no table test.flights.airprt. Did you mean airport\?"),
        ({"features": [FeatureLookup("airport", "origin", feature_names="runway")]}, NotFound, r"there is no feature 'runway'. Did you mean runways\?"),
        ({"features": []}, Misuse, "Nothing is left to train on"),
        ({"features": [AIRPORT, AIRPORT]}, Misuse, "Two features are called 'runways'"),
        ({"features": [FeatureFunction(udf_name=lanes, output_name="runways", returns="double")]}, Misuse, "need each other"),
        ({"exclude_columns": "spare"}, WrongKind, r"exclude_columns is a list of names. Write \['spare'\]"),
        ({"exclude_columns": ["spear"]}, NotFound, r"exclude_columns names 'spear', which is no column. Did you mean spare\?"),
        ({"extra_pip_requirements": "xgboost"}, WrongKind, r"extra_pip_requirements is a list of names"),
    ],
)  # fmt: skip
def test_a_spec_that_contradicts_itself_is_not_kept(store, options, error, text):
    arguments = {"name": "refused", "features": [AIRPORT], **options}
    with pytest.raises(error, match=text):
        store.create_feature_spec(**arguments)
    assert not list(store.workspace.rglob("*.feature_spec"))
