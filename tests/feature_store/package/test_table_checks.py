"""Feature tables held against what a model was trained on: every change is told, table by table."""

import pytest
from pyspark.sql.types import (
    DataType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from feature_store import SchemaMismatch
from feature_store.join.columns import FeatureColumn, SourceColumn
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.table_checks import check_tables
from feature_store.tables.stored import StoredFeatureTable

WEATHER, AIRPORT = "dev.flights.weather", "dev.flights.airport"
SPEC = FeatureSpec(
    sources=[SourceColumn(name="origin", data_type="string"), SourceColumn(name="at", data_type="timestamp")],
    features=[
        FeatureColumn(name="wind", data_type="double", table=WEATHER, feature="wind", lookup_key=["origin"], timestamp_lookup_key="at"),
        FeatureColumn(name="gust", data_type="double", table=WEATHER, feature="gust", lookup_key=["origin"], timestamp_lookup_key="at"),
        FeatureColumn(name="lanes", data_type="int", table=AIRPORT, feature="runways", lookup_key=["origin"]),
    ],
    table_ids={WEATHER: "w1", AIRPORT: "a1"},
)  # fmt: skip
KEYS = {WEATHER: {"faa": "string", "known_at": "timestamp"}, AIRPORT: {"faa": "string"}}
STRING, TIME, NUMBER = StringType(), TimestampType(), DoubleType()


def table(
    name: str, keys: list[str], time: str | None, columns: dict[str, DataType], table_id: str
) -> StoredFeatureTable:
    schema = StructType([StructField(column, kind) for column, kind in columns.items()])
    times = [time] if time else []
    return StoredFeatureTable(name, "", "", [*keys, *times], times, schema.names, schema, {}, 1, table_id)


def weather(keys=("faa",), time="known_at", table_id="w1", **changed):
    columns = {"faa": STRING, "known_at": TIME, "wind": NUMBER, "gust": NUMBER} | changed
    return table(WEATHER, list(keys), time, {name: kind for name, kind in columns.items() if kind}, table_id)


def airport(keys=("faa",), time=None, **changed):
    columns = {"faa": STRING, "runways": IntegerType()} | changed
    return table(AIRPORT, list(keys), time, {name: kind for name, kind in columns.items() if kind}, "a1")


def test_tables_that_grew_new_features_or_changed_their_column_order_are_the_same_tables():
    check_tables(SPEC, KEYS, {WEATHER: weather(rain=NUMBER), AIRPORT: airport(name=STRING)})
    check_tables(SPEC, {}, {WEATHER: weather(), AIRPORT: airport()})


@pytest.mark.parametrize(
    ("changed_weather", "changed_airport", "told"),
    [
        (weather(), None, f"{AIRPORT} does not exist any more"),
        (weather(gust=None), airport(), f"{WEATHER}: the feature 'gust' is gone"),
        (weather(wind=STRING), airport(), f"{WEATHER}: the feature 'wind' was double and is string"),
        (weather(wind=None, gust=STRING), airport(runways=LongType()), f"{WEATHER}: the feature 'wind' is gone, the feature 'gust' was double and is string; {AIRPORT}: the feature 'runways' was int and is bigint"),
        (weather(known_at=DateType()), airport(), f"{WEATHER}: the key 'known_at' was timestamp and is date"),
        (weather(), airport(keys=["faa", "name"], name=STRING), f"{AIRPORT}: its keys were faa and are faa, name"),
        (weather(time=None), airport(), f"{WEATHER}: its keys were faa, known_at and are faa"),
        (weather(), airport(keys=["icao"], icao=STRING), f"{AIRPORT}: its keys were faa and are icao"),
    ],
)  # fmt: skip
def test_every_change_since_training_is_told_by_table(changed_weather, changed_airport, told):
    with pytest.raises(SchemaMismatch) as raised:
        check_tables(SPEC, KEYS, {WEATHER: changed_weather, AIRPORT: changed_airport})
    assert str(raised.value).startswith(
        f"The feature tables are not those that the model was trained with. {told}. Publish"
    )


@pytest.mark.parametrize(
    ("changed_weather", "changed_airport", "told"),
    [
        (weather(), airport(keys=["faa", "name"], name=STRING), f"{AIRPORT}: it is looked up by origin and its keys are faa, name"),
        (weather(time=None), airport(), f"{WEATHER}: it is looked up as of 'at' and its timeseries column is none"),
        (weather(), airport(time="since", since=TIME), f"{AIRPORT}: it is looked up without a moment and its timeseries column is 'since'"),
        (weather(known_at=DateType()), airport(), f"{WEATHER}: the key 'known_at' is date and is looked up by 'at', which was timestamp"),
        (weather(), airport(faa=LongType()), f"{AIRPORT}: the key 'faa' is bigint and is looked up by 'origin', which was string"),
    ],
)  # fmt: skip
def test_a_model_that_tells_nothing_of_keys_is_checked_by_what_its_lookups_say(changed_weather, changed_airport, told):
    with pytest.raises(SchemaMismatch) as raised:
        check_tables(SPEC, {}, {WEATHER: changed_weather, AIRPORT: changed_airport})
    assert f"trained with. {told}. Publish" in str(raised.value)


def test_a_table_that_was_dropped_and_made_again_alike_is_only_warned_of():
    with pytest.warns(UserWarning, match=f"{WEATHER} was dropped and made again since the model was trained on it."):
        check_tables(SPEC, KEYS, {WEATHER: weather(table_id="w2"), AIRPORT: airport()})
