"""What the Databricks store adds to the vendor's client: published windows, lineage, versions held to, and refusals."""

from datetime import UTC, datetime, timedelta

import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from feature_store import FeatureFunction, FeatureLookup, FeatureTable, Misuse, NotFound, Source, WrongKind
from feature_store.catalog.described import describe
from feature_store.catalog.reading import read_catalog
from feature_store.join.misses import TableMisses
from feature_store.tables.commit import Commit
from tests.frames import assert_df_equality

DAY = timedelta(days=1)
JUNE = datetime(2013, 6, 1, tzinfo=UTC)
WEATHER = "origin string, known_at timestamp, wind double"
FLIGHTS = "origin string, decided_at timestamp, late double"

TABLE = FeatureTable(
    name="weather",
    description="Wind at the airport, it's known hourly",
    owner="weather@example.com",
    primary_keys=["origin", "known_at"],
    timeseries_column="known_at",
    sources=[Source(name="landed", description="As landed", table="landed", columns=("origin", "wind"), known_at="at")],
    features={"wind": "Wind in knots"},
    compute=lambda landed: landed,
)
LOOKUP = FeatureLookup("weather", "origin", timestamp_lookup_key="decided_at")


@pytest.fixture(scope="module")
def store(databricks_store, frame):
    """Two days of weather, published as two windows."""
    for day, wind in enumerate([5.0, 7.0]):
        publish(databricks_store, frame([("JFK", JUNE + day * DAY, wind)], WEATHER), day)
    return databricks_store


@pytest.fixture
def as_before(store, unity):
    """What a test publishes is taken back after it: the tests share the table."""
    weather = unity.delta("test.flights.weather")
    before = weather.version()
    yield
    weather.update_incremental()
    weather.restore(before)


def publish(store, df, day):
    window = (JUNE + day * DAY, JUNE + (day + 1) * DAY)
    commit = Commit(verb="publish-features", as_of=window[1], window=window, sources={"test.flights.landed": 3})
    return store.publish_table(table=TABLE, df=df, commit=commit)


def test_a_published_table_is_a_feature_table_of_the_catalog_with_its_owner_and_its_comments(store):
    stored = store.get_table(name="weather")

    assert stored.primary_keys == ["origin", "known_at"]
    assert stored.timestamp_keys == ["known_at"]
    assert (stored.description, stored.owner) == (TABLE.description, TABLE.owner)
    assert stored.schema["wind"].metadata == {"comment": "Wind in knots"}
    assert stored.table_id == store.client.get_table(name="test.flights.weather").table_id


def test_the_catalog_tells_of_a_table_what_its_commits_and_its_keys_say_and_leaves_its_rows_to_the_platform(store):
    catalog = read_catalog(store)
    table = catalog.tables["test.flights.weather"]

    told = describe(store, catalog, table, as_of=JUNE + 2 * DAY)

    assert (table.kind, table.keys, table.time) == ("feature table", ["origin", "known_at"], "known_at")
    assert [(one.name, one.type, one.description) for one in table.features] == [("wind", "double", "Wind in knots")]
    assert (table.owner, table.sources, told.publishing.seconds > 0) == (TABLE.owner, ["landed"], True)
    assert told.facts.problem == "what its files hold is told by the platform's own catalog"


def test_each_window_is_one_commit_with_its_lineage_and_replaces_itself_alone(store, frame, as_before):
    before = [entry.commit for entry in store.tables.history("weather") if entry.commit]
    assert [commit.window for commit in before] == [(JUNE + DAY, JUNE + 2 * DAY), (JUNE, JUNE + DAY)]
    assert before[0].sources == {"test.flights.landed": 3}

    published = publish(store, frame([("JFK", JUNE + DAY, 8.0), ("LGA", JUNE + DAY, 1.0)], WEATHER), 1)
    assert published.rows == 2
    assert_df_equality(
        store.read_table(name="weather"),
        frame([("JFK", JUNE, 5.0), ("JFK", JUNE + DAY, 8.0), ("LGA", JUNE + DAY, 1.0)], WEATHER),
        ignore_row_order=True,
        ignore_nullable=True,
        ignore_metadata=True,
    )


def test_what_the_vendors_client_writes_carries_a_commit_too(store, frame):
    store.create_table(name="airport", primary_keys="faa", df=frame([("JFK", 4)], "faa string, runways int"))
    assert store.tables.history("airport")[0].commit.verb == "write_table"


@pytest.fixture(scope="module")
def training_set(store, frame):
    asked = frame([("JFK", JUNE + DAY, 1.0), ("JFK", JUNE, 0.0), ("JFK", None, 0.5)], FLIGHTS)
    return store.create_training_set(
        df=asked, feature_lookups=[LOOKUP], label="late", exclude_columns=["origin", "decided_at"]
    )


@pytest.fixture(scope="module")
def logged(store, training_set):
    model = LinearRegression().fit(pd.DataFrame({"wind": [0.0, 1.0]}), [0.0, 1.0])
    return store.log_model(
        model=model, artifact_path="wind", flavor=mlflow.sklearn, training_set=training_set,
        registered_model_name="wind", lineage={"as_of": JUNE}, serialization_format="cloudpickle",
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_cloudpickle=True),
    )  # fmt: skip


def test_a_model_is_logged_to_a_run_of_its_own_and_registered_whole(logged):
    assert mlflow.active_run() is None
    assert logged.registered_model_version == 1
    folder = mlflow.artifacts.download_artifacts(artifact_uri="models:/test.flights.wind/1")
    with open(f"{folder}/data/feature_store/lineage.json") as file:
        lineage = pd.read_json(file, typ="series")
    assert lineage["as_of"] == str(JUNE)
    assert list(lineage["tables"]) == ["test.flights.weather"]
    assert lineage["keys"] == {"test.flights.weather": {"origin": "string", "known_at": "timestamp"}}


def test_training_and_scoring_can_be_held_to_versions_that_the_tables_have_left(
    store, frame, training_set, logged, as_before
):
    asked = frame([("JFK", JUNE + DAY), ("JFK", None)], "origin string, decided_at timestamp")
    versions = store.feature_versions(model_uri=logged.model_uri)
    publish(store, frame([("JFK", JUNE + DAY, 70.0)], WEATHER), 1)
    now = store.score_batch(model_uri=logged.model_uri, df=asked.limit(1))
    then = store.score_batch(model_uri=logged.model_uri, df=asked.limit(1), table_versions=versions)
    assert [(row.wind, round(row.prediction, 6)) for row in now.collect()] == [(70.0, 70.0)]
    assert [(row.wind, round(row.prediction, 6)) for row in then.collect()] == [(7.0, 7.0)]
    looked_up = store.look_up(model_uri=logged.model_uri, df=asked, table_versions=versions)
    assert {(row.decided_at is None, row.wind) for row in looked_up.collect()} == {(False, 7.0), (True, None)}
    counted = store.count_misses(
        model_uri=logged.model_uri, df=asked, table_versions=versions, fresh={"test.flights.weather": DAY}
    )
    assert list(counted) == [TableMisses("test.flights.weather", 1, 0)]  # the null moment
    assert {(row.wind, row.late) for row in training_set.load_df().collect()} == {
        (7.0, 1.0),
        (5.0, 0.0),
        (None, 0.5),
    }


def test_two_windows_for_one_table_are_refused_since_the_client_would_mix_them(store, frame):
    other = FeatureLookup(
        "weather", "origin", timestamp_lookup_key="decided_at", lookback_window=DAY, rename_outputs={"wind": "recent"}
    )
    with pytest.raises(
        Misuse, match="one lookback_window for all its lookups in a training set; test.flights.weather has 2"
    ):
        store.create_training_set(df=frame([], FLIGHTS), feature_lookups=[LOOKUP, other], label="late")


def doubled(wind: pd.Series) -> pd.Series:
    return wind * 2


def test_a_python_function_is_refused_with_the_way_to_register_it(store, frame):
    function = FeatureFunction(udf_name=doubled, returns="double")
    with pytest.raises(
        Misuse, match="function of Unity Catalog; test.flights.doubled is Python code. Register it there"
    ):
        store.create_training_set(df=frame([], FLIGHTS), feature_lookups=[LOOKUP, function], label="late")


def test_a_stored_feature_spec_makes_the_same_training_set_until_it_is_deleted(store, frame, training_set):
    info = store.create_feature_spec(name="winds", features=[LOOKUP])
    assert info.name == "test.flights.winds"

    again = store.create_training_set(df=training_set.df, feature_spec="winds", label="late")
    assert again.get_output_columns() == ["origin", "decided_at", "wind", "late"]
    assert_df_equality(
        again.load_df().select("wind", "late"), training_set.load_df(), ignore_row_order=True, ignore_metadata=True
    )
    with pytest.raises(
        Misuse, match="origin cannot be excluded here: the feature spec looks up by it. Give feature_lookups"
    ):
        store.create_training_set(df=training_set.df, feature_spec="winds", label="late", exclude_columns=["origin"])

    store.delete_feature_spec(name="winds")
    with pytest.raises(NotFound, match="There is no feature spec test.flights.winds"):
        store.create_training_set(df=training_set.df, feature_spec="winds", label="late")
    with pytest.raises(NotFound, match="There is no feature spec test.flights.winds"):
        store.delete_feature_spec(name="winds")


def test_aggregated_features_in_a_training_set_are_refused_with_the_way_to_publish_them(store, training_set):
    with pytest.raises(Misuse, match="registered in Unity Catalog. Publish these as a feature table"):
        store.create_training_set(df=training_set.df, features=[], label="late")


def test_logging_needs_a_training_set_of_this_store(store):
    with pytest.raises(WrongKind, match="log_model needs the training_set that create_training_set returned"):
        store.log_model(model=None, artifact_path="model", flavor=mlflow.sklearn)


def test_reports_are_in_the_workspace_where_there_are_no_volumes(store):
    assert store.reports == store.workspace / "reports"
    assert store.reports.is_dir()
