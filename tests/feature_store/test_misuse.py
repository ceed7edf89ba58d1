"""Arguments of a wrong kind, and what contradicts itself across arguments: refused at once, and nothing has changed."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from feature_store import FeatureLookup, Misuse, NotFound, WrongKind, open_store

SCHEMA = "faa string, runways int, opened timestamp, tags array<string>"
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
PANDAS = pd.DataFrame({"faa": ["JFK"]})


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory):
    opened = open_store(catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("misuse"))
    opened.create_table(name="airport", primary_keys="faa", df=frame([("JFK", 4, NOON, ["big"])], SCHEMA))
    return opened


@pytest.mark.parametrize(
    ("verb", "arguments", "error", "text"),
    [
        ("create_table", {"name": 7, "primary_keys": "faa"}, WrongKind, "A name is a text like catalog.schema.table, not 7"),
        ("create_table", {"name": "two.parts", "primary_keys": "faa"}, Misuse, "'two.parts' is not a table name: write catalog.schema.table"),
        ("create_table", {"primary_keys": 7}, WrongKind, "primary_keys is a list of names, not 7"),
        ("create_table", {"primary_keys": ["faa", 7]}, WrongKind, "primary_keys is a list of names"),
        ("create_table", {"primary_keys": "faa", "df": PANDAS, "schema": None}, WrongKind, "df is a Spark data frame, not a pandas DataFrame. Convert it"),
        ("write_table", {"name": "airport", "df": PANDAS}, WrongKind, "df is a Spark data frame"),
        ("write_table", {"name": "airport", "df": None}, WrongKind, "df is a Spark data frame, not a builtins NoneType"),
        ("get_table", {"name": None}, WrongKind, "A name is a text like catalog.schema.table, not None"),
        ("read_table", {"name": "airport", "as_of_delta_version": 1, "as_of_delta_timestamp": NOON}, Misuse, "as_of_delta_version and as_of_delta_timestamp both say what to read. Give one"),
        ("read_table", {"name": "airport", "as_of_delta_version": -1}, Misuse, "There is no version -1: a table's versions are counted from 0"),
        ("read_table", {"name": "airport", "as_of_delta_version": "1"}, WrongKind, "as_of_delta_version is a whole number, not '1'"),
        ("read_table", {"name": "airport", "as_of_delta_version": 7}, NotFound, "cannot be read at version 7: there is no such version yet. Versions that can be read: 0 to 1"),
        ("create_training_set", {"df": PANDAS}, WrongKind, "df is a Spark data frame"),
        ("create_training_set", {"label": 7}, WrongKind, "label is a list of names, not 7"),
        ("create_training_set", {"exclude_columns": {"faa": 1}}, WrongKind, "exclude_columns is a list of names"),
        ("create_training_set", {"feature_lookups": None}, Misuse, "A training set is made of one of feature_lookups, feature_spec, features, and none was given"),
        ("create_training_set", {"feature_spec": "by_origin"}, Misuse, "several were given: feature_lookups, feature_spec. Give one of them"),
        ("create_training_set", {"feature_lookups": [], "label": "origin"}, Misuse, "Nothing is left to train on"),
        ("create_training_set", {"feature_lookups": [FeatureLookup("airport", "origin", default_values={"opened": "2013"})]}, Misuse, "The default of 'opened', '2013', cannot be a timestamp"),
        ("create_training_set", {"feature_lookups": [FeatureLookup("airport", "origin", default_values={"tags": "big"})]}, Misuse, "The default of 'tags', 'big', cannot be a array<string>"),
        ("create_training_set", {"feature_lookups": None, "feature_spec": 7}, WrongKind, "A name is a text"),
        ("score_batch", {"model_uri": "models:/test.flights.nothing/1"}, NotFound, "There is no model"),
        ("score_batch", {"model_uri": "nothing"}, Misuse, "'nothing' is not the address of a model"),
        ("feature_versions", {"model_uri": "nothing"}, Misuse, "'nothing' is not the address of a model"),
    ],
)  # fmt: skip
def test_a_misuse_is_told_and_nothing_has_changed(frame, store, verb, arguments, error, text):
    origins = frame([], "origin string")
    given = {
        "create_table": {"name": "new", "schema": frame([], SCHEMA).schema},
        "create_training_set": {"df": origins, "feature_lookups": [FeatureLookup("airport", "origin")], "label": None},
        "score_batch": {"df": origins},
    }
    with pytest.raises(error, match=text):
        getattr(store, verb)(**(given.get(verb, {}) | arguments))
    assert store.tables.names() == ["airport"]
    assert store.get_table(name="airport").version == 1


def test_two_columns_of_one_name_are_refused_since_nobody_can_tell_them_apart(frame, store):
    from pyspark.sql import functions as F

    twice = frame([], "origin string").select("origin", F.col("origin").alias("Origin"))
    with pytest.raises(Misuse, match="two columns that are called 'Origin', but for case"):
        store.create_training_set(df=twice, feature_lookups=[], label=None)


def test_a_stream_is_not_written_and_not_scored(spark, store):
    stream = spark.readStream.format("rate").load().selectExpr("CAST(value AS string) AS faa", "1 AS runways")
    with pytest.raises(Misuse, match="write_table takes a batch data frame; this one streams. Use foreachBatch"):
        store.write_table(name="airport", df=stream)
    assert store.get_table(name="airport").version == 1


def test_a_table_is_read_as_it_was_at_a_version(frame, store):
    store.create_table(name="versions", primary_keys="faa", df=frame([("JFK", 4)], "faa string, runways int"))
    store.write_table(name="versions", df=frame([("JFK", 5)], "faa string, runways int"))
    read = [store.read_table(name="versions", as_of_delta_version=version).collect() for version in (0, 1, 2)]
    assert [[tuple(row) for row in rows] for rows in read] == [[], [("JFK", 4)], [("JFK", 5)]]
    store.drop_table(name="versions")


def test_features_can_be_left_out_as_long_as_a_column_remains(frame, store):
    training_set = store.create_training_set(df=frame([], "origin string, late int"), feature_lookups=[], label="late")
    assert training_set.get_output_columns() == ["origin", "late"]
    assert training_set.load_df().columns == ["origin", "late"]
