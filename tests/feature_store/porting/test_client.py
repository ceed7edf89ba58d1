"""The client in the vendor's words: its parameters and defaults, its former spellings, and what is said of what is not here."""

import inspect
from pathlib import Path
from typing import Any

import databricks.feature_engineering as vendor
import mlflow
import pandas as pd
import pytest
from pyspark.sql import SparkSession

import feature_store
from feature_store import FeatureEngineeringClient, FeatureFunction, FeatureLookup, Misuse, WrongKind
from feature_store.porting.functions import FUNCTIONS
from feature_store.porting.session import NotebookSession, configured_store
from feature_store.porting.vocabulary import ABSENT_NAMES, ABSENT_VERBS

TheirClient = vendor.FeatureEngineeringClient
THEIRS = {name for name in vars(TheirClient) if not name.startswith("_")}
OURS = {name for name in vars(FeatureEngineeringClient) if not name.startswith("_")} - set(ABSENT_VERBS)
HARVEST = "id int, at timestamp, alcohol double"


@pytest.fixture
def fe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> FeatureEngineeringClient:
    """A client over an empty workspace, and no experiment of another test."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "PIPELINE_SET_MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("PIPELINE_SCHEMA", "wine")
    return FeatureEngineeringClient()


@pytest.fixture
def session() -> NotebookSession:
    return NotebookSession()


def test_every_verb_of_the_vendors_is_here_or_is_told_of() -> None:
    assert set(ABSENT_VERBS) >= THEIRS - OURS
    assert OURS <= THEIRS
    assert set(ABSENT_NAMES) >= set(vendor.__all__) - set(feature_store.__all__)


@pytest.mark.parametrize("verb", sorted({*OURS, "__init__"}))
def test_a_verb_has_the_vendors_parameters_and_defaults(verb: str) -> None:
    ours = inspect.signature(getattr(FeatureEngineeringClient, verb)).parameters
    theirs = inspect.signature(getattr(TheirClient, verb)).parameters

    assert list(ours) == list(theirs)
    for name, one in theirs.items():
        # What stands for "not given" is an object of the vendor's own.
        default = None if type(one.default) is object else one.default
        assert (ours[name].kind, ours[name].default) == (one.kind, default), name


@pytest.mark.parametrize("verb", ABSENT_VERBS)
def test_a_verb_that_is_not_here_says_so_and_what_there_is(verb: str, fe: Any) -> None:
    with pytest.raises(Misuse, match=f"^{verb} is not in the local store: "):
        getattr(fe, verb)("anything", name="anything")


def test_what_is_said_of_an_online_store(fe: Any) -> None:
    with pytest.raises(Misuse) as told:
        fe.publish_table(online_store=None, source_table_name="ml.wine.features")
    assert str(told.value) == (
        "publish_table is not in the local store: there is no online store: score_batch looks features up in the tables "
        "themselves."
    )


@pytest.mark.parametrize("name", ABSENT_NAMES)
def test_a_name_that_only_the_vendor_exports_says_what_there_is(name: str) -> None:
    with pytest.raises(Misuse, match=f"^{name} is not in the local store: "):
        getattr(feature_store, name)


def test_a_name_that_nobody_has_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'FeatureLokup'"):
        exec("from feature_store import FeatureLokup")


def test_the_client_opens_the_store_that_the_environment_names(fe: Any, tmp_path: Path) -> None:
    assert (fe.store.catalog, fe.store.schema) == ("dev", "wine")
    assert fe.store.workspace == tmp_path / "workspace"
    assert fe.store is configured_store() is FeatureEngineeringClient().store


@pytest.mark.parametrize(
    "spelling", [{"timeseries_column": "at"}, {"timeseries_columns": ["at"]}, {"timestamp_keys": "at"}]
)
def test_former_spellings_of_create_table_are_understood(fe: Any, frame: Any, spelling: dict[str, Any]) -> None:
    made = fe.create_table(
        name="ml.grapes.harvest", primary_keys=["id", "at"], features_df=frame([], HARVEST), **spelling
    )
    assert (made.name, made.primary_keys, made.timestamp_keys) == ("ml.grapes.harvest", ["id", "at"], ["at"])


def test_both_spellings_at_once_and_an_unknown_one_are_refused(fe: Any, frame: Any) -> None:
    df = frame([], HARVEST)
    with pytest.raises(
        Misuse, match="features_df is the former name of df, and both are given. Leave features_df out."
    ):
        fe.create_table(name="t", primary_keys="id", df=df, features_df=df)
    with pytest.raises(
        WrongKind, match="create_table has no parameter 'timeseries_colunm'. Did you mean timeseries_column"
    ):
        fe.create_table(name="t", primary_keys="id", df=df, timeseries_colunm="at")
    with pytest.raises(Misuse, match="one timeseries_column, not 2"):
        fe.create_table(name="t", primary_keys="id", df=df, timestamp_keys=["at", "id"])


def test_former_spellings_of_a_lookup_are_understood() -> None:
    assert FeatureLookup("t", "id", feature_name="amt", output_name="amount") == FeatureLookup(
        "t", "id", feature_names=["amt"], rename_outputs={"amt": "amount"}
    )
    with pytest.raises(Misuse, match="former way to name one feature. Write feature_names= and rename_outputs="):
        FeatureLookup("t", "id", feature_names=["a"], feature_name="b")


def test_partitions_are_left_to_the_store(fe: Any, frame: Any) -> None:
    made = fe.create_table(
        name="t", primary_keys="id", df=frame([(1, 2)], "id int, year int"), partition_columns="year"
    )
    assert made.features == ["id", "year"]


def test_options_that_would_change_a_value_are_refused(fe: Any, frame: Any) -> None:
    with pytest.raises(Misuse, match="leave env_manager and params out"):
        fe.score_batch(model_uri="models:/m/1", df=frame([], "id int"), env_manager="virtualenv")
    with pytest.raises(WrongKind, match="score_batch has no parameter 'local_uri' in the local store"):
        fe.score_batch(model_uri="models:/m/1", df=frame([], "id int"), local_uri="there")
    with pytest.raises(Misuse, match="feature_spec_path=.* is not in the local store"):
        fe.log_model(model=None, artifact_path="m", flavor=mlflow, feature_spec_path="there")
    with pytest.raises(Misuse, match="Leave model_registry_uri out"):
        FeatureEngineeringClient(model_registry_uri="https://example.com")


def test_three_level_names_are_tables_of_the_store_to_the_session_too(fe: Any, frame: Any, session: Any) -> None:
    session.sql("CREATE CATALOG IF NOT EXISTS ml")
    session.sql("CREATE SCHEMA IF NOT EXISTS ml.grapes")
    rows = frame([(1, 9.5), (2, 10.5)], "id int, alcohol double")
    fe.create_table(name="ml.grapes.wines", primary_keys="id", df=rows)

    assert session.table("ml.grapes.wines").count() == session.read.table("`ml`.`grapes`.`wines`").count() == 2
    asked = "SELECT 'ml.grapes.wines' AS name, max(alcohol) AS most FROM ml.grapes.wines w WHERE w.id < 2"
    assert [tuple(row) for row in session.sql(asked).collect()] == [("ml.grapes.wines", 9.5)]

    session.sql("CREATE OR REPLACE TEMP VIEW strong AS SELECT id FROM ml.grapes.wines WHERE alcohol > 10")
    assert [row.id for row in session.sql("SELECT id FROM strong").collect()] == [2]
    session.catalog.dropTempView("strong")

    session.sql("USE CATALOG ml")
    session.sql("USE grapes")
    assert fe.get_table(name="wines").name == "ml.grapes.wines"
    for statement in (
        "INSERT INTO ml.grapes.wines VALUES (3, 1.0)",
        "CREATE OR REPLACE TABLE ml.grapes.wines (id int)",
        "alter table `ml`.`grapes`.`wines` ADD CONSTRAINT pk PRIMARY KEY (id)",
    ):
        with pytest.raises(Misuse, match=r"is not how ml.grapes.wines changes here: make a table with create_table"):
            session.sql(statement)

    session.sql("DROP TABLE IF EXISTS ml.grapes.wines")
    session.sql("DROP TABLE IF EXISTS ml.grapes.wines;")
    assert not fe.store.tables.exists("ml.grapes.wines")


def test_a_function_of_the_catalog_is_python_of_one_row(fe: Any, frame: Any, session: Any) -> None:
    session.sql("""
        CREATE OR REPLACE FUNCTION ml.grapes.label(alcohol DOUBLE, year INT)
        RETURNS STRING LANGUAGE PYTHON AS $$
          if alcohol is None:
            return None
          return f"{alcohol} of {year}"
        $$""")
    fe.create_table(name="wines", primary_keys="id", df=frame([(1, 9.5), (2, None)], "id int, alcohol double"))
    lookups = [
        FeatureLookup("wines", "id"),
        FeatureFunction(udf_name="ml.grapes.label", input_bindings={"alcohol": "alcohol", "year": "year"}),
    ]

    asked = frame([(1, 2013), (2, 2014), (1, None)], "id int, year int")
    rows = fe.create_training_set(df=asked, feature_lookups=lookups, label=None).load_df().collect()

    assert {(row.id, row.year): row.label for row in rows} == {
        (1, 2013): "9.5 of 2013",
        (2, 2014): None,
        (1, None): "9.5 of None",
    }
    function = FeatureFunction(udf_name="ml.grapes.label", input_bindings={"alcohol": "alcohol"})
    with pytest.raises(Misuse, match="has the parameters alcohol, year, and input_bindings gives alcohol"):
        fe.create_training_set(df=asked, feature_lookups=[lookups[0], function], label=None)
    with pytest.raises(Misuse, match="Function ml.grapes.f is not Python"):
        session.sql("CREATE FUNCTION ml.grapes.f(a INT) RETURNS INT LANGUAGE PYTHON AS $$ return a + $$")
    session.sql("DROP FUNCTION IF EXISTS ml.grapes.label")
    assert "ml.grapes.label" not in FUNCTIONS


class Sum:
    """A model that adds up what it is given."""

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        return frame.sum(axis=1)


def test_a_feature_that_the_frame_brings_is_used_and_the_registry_is_the_stores_own(fe: Any, frame: Any) -> None:
    fe.create_table(name="ml.wine.wines", primary_keys="id", df=frame([(1, 9.5)], "id int, alcohol double"))
    training_set = fe.create_training_set(
        df=frame([(1, 1.0)], "id int, quality double"), feature_lookups=[FeatureLookup("ml.wine.wines", "id")],
        label="quality", exclude_columns=["id"],
    )  # fmt: skip
    before = mlflow.get_registry_uri()
    mlflow.set_registry_uri("databricks-uc")
    with pytest.warns(
        UserWarning, match="the store's own registry, not Unity Catalog: leave mlflow.set_registry_uri out"
    ):
        fe.log_model(
            model=Sum(), artifact_path="sum", flavor=mlflow.sklearn, training_set=training_set,
            registered_model_name="ml.wine.sum", serialization_format="cloudpickle", pip_requirements=[],
        )  # fmt: skip

    assert mlflow.get_registry_uri() == before
    [row] = fe.score_batch(model_uri="models:/ml.wine.sum/1", df=frame([(1, 3.0)], "id int, alcohol double")).collect()
    assert (row.alcohol, row.prediction) == (3.0, 3.0)
