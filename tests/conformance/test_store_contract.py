"""The store's verbs: what they keep, what they refuse and, when they refuse, that nothing has changed."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_store import FeatureLookup, InvalidRows, Misuse, NotFound, SchemaMismatch, WrongKind, open_store
from tests.conformance.conftest import fill_without_spark
from tests.frames import assert_df_equality

WEATHER = "origin string, known_at timestamp, wind double"
AIRPORTS = "faa string, runways int, altitude int"
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=["local", "databricks"])
def store(request, frame, tmp_path_factory):
    """A store with ``airport_weather`` and ``airport``, which the refusals below must leave as they are."""
    if request.param == "databricks":
        opened = request.getfixturevalue("databricks_store")
    else:
        opened = open_store(
            catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("contract"), backend="local"
        )
    opened.create_table(
        name="airport_weather",
        primary_keys=["known_at", "origin"],
        timeseries_column="known_at",
        schema=frame([], WEATHER).schema,
        description="Wind",
        tags={"team": "weather"},
    )
    opened.create_table(name="airport", primary_keys="faa", schema=frame([], AIRPORTS).schema)
    fill_without_spark(opened, "airport_weather", [("JFK", NOON, 5.0)], request)
    fill_without_spark(opened, "airport", [("JFK", 4, 13), ("LGA", 2, None)], request)
    return opened


def create(store, df, name="new", **options):
    return store.create_table(name=name, df=df, **{"primary_keys": ["faa"], **options})


def create_empty(store, df, name):
    return store.create_table(name=name, schema=df.schema, primary_keys=["faa"])


# ---- feature tables


def test_a_feature_table_tells_its_keys_with_the_time_last_and_all_its_columns_in_order(store):
    stored = store.get_table(name="airport_weather")

    assert stored.name == "test.flights.airport_weather"
    assert stored.primary_keys == ["origin", "known_at"]
    assert stored.timestamp_keys == ["known_at"]
    assert stored.entity_keys == ["origin"]
    assert stored.features == ["origin", "known_at", "wind"]
    assert stored.feature_columns == ["wind"]
    assert (stored.description, stored.tags) == ("Wind", {"team": "weather"})
    assert [field.name for field in stored.schema if not field.nullable] == ["origin", "known_at"]


def test_one_part_of_a_name_is_completed_and_two_are_refused(store):
    assert store.get_table(name="test.flights.airport") == store.get_table(name="airport")
    with pytest.raises(Misuse, match=r"'flights.airport' is not a table name: write catalog.schema.table"):
        store.get_table(name="flights.airport")


def test_an_unknown_table_is_not_found_and_the_closest_names_are_offered(store):
    with pytest.raises(
        NotFound, match=r"There is no table test.flights.airports. Did you mean airport or airport_weather\?"
    ):
        store.read_table(name="airports")
    with pytest.raises(NotFound, match="other.flights.airport"):
        store.get_table(name="other.flights.airport")


def test_writing_updates_known_keys_and_inserts_new_ones(frame, store):
    create(store, frame([("JFK", 4, 13), ("LGA", 2, 21)], AIRPORTS), name="merged")

    store.write_table(name="merged", df=frame([("LGA", 3, None), ("EWR", 3, 18)], AIRPORTS))

    assert_df_equality(
        store.read_table(name="merged"),
        frame([("JFK", 4, 13), ("LGA", 3, None), ("EWR", 3, 18)], AIRPORTS),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_columns_that_are_not_written_keep_their_values_and_new_columns_are_added(frame, store, filled):
    create_empty(store, frame([], AIRPORTS), name="widened")
    filled("widened", [("JFK", 4, 13), ("LGA", 2, 21)])

    store.write_table(name="widened", df=frame([("LGA", "La Guardia"), ("EWR", "Newark")], "faa string, name string"))

    assert_df_equality(
        store.read_table(name="widened"),
        frame(
            [("JFK", 4, 13, None), ("LGA", 2, 21, "La Guardia"), ("EWR", None, None, "Newark")],
            AIRPORTS + ", name string",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_creating_a_table_again_returns_it_if_it_is_the_same_and_says_the_difference_if_not(frame, store):
    same = frame([], AIRPORTS).schema
    before = store.get_table(name="airport")

    assert store.create_table(name="airport", primary_keys="faa", schema=same) == before
    with pytest.raises(SchemaMismatch, match="exists and is another one: its keys are faa, not faa, runways"):
        store.create_table(name="airport", primary_keys=["faa", "runways"], schema=same)
    with pytest.raises(SchemaMismatch, match="'runways' is int, not bigint"):
        store.create_table(
            name="airport", primary_keys="faa", schema=frame([], "faa string, runways long, altitude int").schema
        )
    assert store.get_table(name="airport") == before


def test_tags_can_be_set_changed_and_deleted(frame, store):
    create_empty(store, frame([], AIRPORTS), name="tagged")

    store.set_feature_table_tag(name="tagged", key="team", value="it's ours")
    store.set_feature_table_tag(name="tagged", key="tier", value="1")
    store.set_feature_table_tag(name="tagged", key="tier", value="2")
    assert store.get_table(name="tagged").tags == {"team": "it's ours", "tier": "2"}

    store.delete_feature_table_tag(name="tagged", key="team")
    store.delete_feature_table_tag(name="tagged", key="never set")
    assert store.get_table(name="tagged").tags == {"tier": "2"}


def test_a_dropped_table_is_gone_and_its_name_is_free(frame, store):
    create_empty(store, frame([], AIRPORTS), name="dropped")
    store.drop_table(name="dropped")

    with pytest.raises(NotFound, match="dropped"):
        store.get_table(name="dropped")
    with pytest.raises(NotFound, match="dropped"):
        store.drop_table(name="dropped")
    assert create(store, frame([], "faa string, name string"), name="dropped").features == ["faa", "name"]


def test_a_table_is_read_as_it_was_at_a_moment(frame, store, filled):
    create_empty(store, frame([], AIRPORTS), name="read_back")
    filled("read_back", [("JFK", 4, 13)])
    written_at = store.tables.history("read_back")[0].at
    filled("read_back", [("JFK", 5, 13)])

    assert [row.runways for row in store.read_table(name="read_back", as_of_delta_timestamp=written_at).collect()] == [
        4
    ]
    assert [
        row.runways
        for row in store.read_table(name="read_back", as_of_delta_timestamp=written_at.isoformat()).collect()
    ] == [4]
    with pytest.raises(Misuse, match="'yesterday' is not a moment"):
        store.read_table(name="read_back", as_of_delta_timestamp="yesterday")
    with pytest.raises(NotFound, match="read_back had not been written by 2001-01-01"):
        store.read_table(name="read_back", as_of_delta_timestamp=datetime(2001, 1, 1, tzinfo=UTC))


def test_a_table_that_declares_no_keys_can_be_read_but_is_no_feature_table(frame, store):
    df = frame([("JFK", 4, 13)], AIRPORTS)
    store.tables.create("landed", df.schema)

    assert store.read_table(name="landed").columns == df.columns
    with pytest.raises(Misuse, match="landed is not a feature table: it declares no primary keys"):
        store.get_table(name="landed")


@pytest.mark.parametrize(
    ("schema", "options", "text"),
    [
        (AIRPORTS, {"primary_keys": ["faaa"]}, r"the key 'faaa' is not a column. Did you mean faa\?"),
        (AIRPORTS, {"primary_keys": []}, "needs at least one primary key"),
        (AIRPORTS, {"primary_keys": ["faa", "faa"]}, "a primary key is named twice"),
        (WEATHER, {"primary_keys": ["origin"], "timeseries_column": "known_at"}, "'known_at' is not among the primary keys"),
        (WEATHER, {"primary_keys": ["known_at"], "timeseries_column": "known_at"}, "at least one primary key besides"),
        (WEATHER, {"primary_keys": ["origin", "wind"], "timeseries_column": "wind"}, "'wind' must be a timestamp or a date"),
        ("faa string, at timestamp_ntz", {}, "'at' is timestamp_ntz, which a feature table cannot hold"),
        ("faa string, flag byte", {}, "'flag' is tinyint, which"),
        pytest.param(AIRPORTS, {"partition_columns": ["runways"]}, "not partitioned", id="partitioned"),
        (AIRPORTS, {"name": "up/../../here"}, "is not a table name|cannot be the name"),
    ],
)  # fmt: skip
def test_a_table_that_contradicts_itself_is_not_created(frame, store, schema, options, text):
    before = store.tables.names()
    with pytest.raises(ValueError, match=text):
        create(store, frame([], schema), **options)
    assert store.tables.names() == before


def test_a_table_needs_a_schema_from_somewhere(store):
    with pytest.raises(ValueError, match="'new' needs a schema or a df"):
        store.create_table(name="new", primary_keys="faa")


@pytest.mark.parametrize(
    ("name", "schema", "rows", "error", "text"),
    [
        ("airport", AIRPORTS, [(None, 1, 1), ("EWR", 1, 1)], InvalidRows, "1 key with a null, for example faa=None. Nothing was written"),
        ("airport", AIRPORTS, [("EWR", 1, 1), ("EWR", 1, 1)], InvalidRows, "1 key with more than one row, for example faa=EWR"),
        ("airport_weather", WEATHER, [("EWR", None, 1.0)], InvalidRows, "origin=EWR, known_at=None"),
        ("airport_weather", WEATHER, [("EWR", NOON, 1.0), ("EWR", NOON, 2.0)], InvalidRows, "origin=EWR, known_at=2013-06-01 12:00:00"),
        ("airport", "code string, runways int", [("EWR", 1)], Misuse, r"the key 'faa' is missing from the rows"),
        ("airport", "faa string, runways long", [("EWR", 1)], SchemaMismatch, "'runways' is bigint and the table has int"),
        ("airport", "faa int, runways int", [(1, 1)], SchemaMismatch, "'faa' is int and the table has string"),
        ("airport", "faa string, Runways int", [("EWR", 1)], SchemaMismatch, "'Runways' differs from 'runways' by case only"),
        ("airport_weather", "origin string, known_at timestamp", [("EWR", NOON)], SchemaMismatch, "'wind' is missing, and a table with a timeseries column"),
    ],
)  # fmt: skip
def test_rows_that_the_contract_refuses_are_named_and_the_table_stays_as_it_was(
    frame, store, name, schema, rows, error, text
):
    before = store.get_table(name=name)
    with pytest.raises(error, match=text) as raised:
        store.write_table(name=name, df=frame(rows, schema))
    assert isinstance(raised.value, ValueError)
    assert store.get_table(name=name) == before


def test_a_table_is_not_created_when_its_first_rows_are_refused(frame, store):
    with pytest.raises(InvalidRows, match="faa=EWR"):
        create(store, frame([("EWR", 1, 1), ("EWR", 2, 2)], AIRPORTS), name="stillborn")
    assert "stillborn" not in store.tables.names()


def test_writing_merges_and_knows_no_other_mode(frame, store):
    before = store.get_table(name="airport")
    with pytest.raises(ValueError, match="cannot write with mode 'overwrite'. There is: merge"):
        store.write_table(name="airport", df=frame([], AIRPORTS), mode="overwrite")
    assert store.get_table(name="airport") == before


# ---- training sets

FLIGHTS = "flight string, origin string, number int, decided_at timestamp, day date, runways_there int, is_late boolean"


def by_origin(**options):
    return FeatureLookup("airport", options.pop("lookup_key", "origin"), **options)


def by_time(**options):
    return FeatureLookup("airport_weather", "origin", **{"timestamp_lookup_key": "decided_at", **options})


@pytest.mark.parametrize(
    ("lookup", "text"),
    [
        (by_origin(feature_names=["runway"]), r"there is no feature 'runway'. Did you mean runways\? There are: altitude, runways"),
        (by_origin(feature_names="Runways"), r"there is no feature 'Runways'. Did you mean runways\?"),
        (by_origin(feature_names="faa"), "there is no feature 'faa'"),
        (by_origin(lookup_key="orign"), r"Lookup in test.flights.airport: the data frame has no column 'orign', and no feature is called so. Did you mean origin\?"),
        (by_origin(lookup_key="Origin"), r"the data frame has no column 'Origin', and no feature is called so. Did you mean origin\?"),
        (by_origin(lookup_key="number"), r"'number' is int in the data frame, and the table's 'faa' is string. Cast it: df.withColumn\(\"number\", df\[\"number\"\].cast\(\"string\"\)\)"),
        (by_origin(lookup_key=["origin", "flight"]), r"lookup_key names 2 columns \(origin, flight\); the table has 1 keys: faa"),
        (by_origin(lookup_key="is_late", feature_names="runways"), "the label 'is_late' cannot be an input"),
        (by_origin(timestamp_lookup_key="decided_at"), "the table has no timeseries column; leave timestamp_lookup_key out"),
        (by_time(timestamp_lookup_key=None), "the table has the timeseries column 'known_at', so the lookup needs a timestamp_lookup_key"),
        (by_time(timestamp_lookup_key="decided"), r"the data frame has no column 'decided', and no feature is called so. Did you mean decided_at"),
        (by_time(timestamp_lookup_key="day"), "'day' is date in the data frame, and the table's 'known_at' is timestamp"),
        (by_origin(rename_outputs={"runway": "r"}), r"rename_outputs names 'runway', which is not looked up. Did you mean runways\?"),
        (by_origin(feature_names="runways", rename_outputs={"altitude": "a"}), "rename_outputs names 'altitude', which is not looked up"),
        (by_origin(default_values={"runway": 0}), r"default_values names 'runway', which is no output. Did you mean runways\?"),
        (by_origin(rename_outputs={"runways": "r"}, default_values={"runways": 0}), "default_values names 'runways', which is no output"),
        (by_origin(default_values={"runways": "many"}), "The default of 'runways', 'many', cannot be a int"),
        (by_origin(rename_outputs={"runways": "runways_there"}), "already has a column 'runways_there', which is also a feature: 'runways' of test.flights.airport. Drop it. Or rename the feature"),
        (by_origin(rename_outputs={"runways": "ORIGIN"}), "already has a column 'ORIGIN'"),
        (by_origin(rename_outputs={"runways": "is_late"}), "The label 'is_late' has the name of a feature: 'runways' of test.flights.airport"),
        (FeatureLookup("airprt", "origin"), r"There is no table test.flights.airprt. Did you mean airport"),
    ],
)  # fmt: skip
def test_a_lookup_that_does_not_fit_is_refused_before_anything_is_read(frame, store, lookup, text):
    with pytest.raises(ValueError, match=text):
        store.create_training_set(df=frame([], FLIGHTS), feature_lookups=[lookup], label="is_late")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"label": "is_latte"}, ValueError, r"no label column 'is_latte'. Did you mean is_late\?"),
        ({"exclude_columns": ["is_late"]}, ValueError, "The label 'is_late' cannot be excluded"),
        ({"exclude_columns": ["runway"]}, ValueError, r"exclude_columns names 'runway', which is no column. Did you mean runways"),
        ({"exclude_columns": "runways"}, TypeError, r"exclude_columns is a list of names. Write \['runways'\]"),
        ({"feature_lookups": by_origin()}, TypeError, "feature_lookups is a list of FeatureLookup and FeatureFunction, not a FeatureLookup"),
        ({"feature_lookups": ["airport"]}, TypeError, "and has a str"),
        ({"feature_lookups": [by_origin(), by_origin()]}, ValueError, "Two features are called 'runways': 'runways' of test.flights.airport and 'runways' of test.flights.airport"),
        ({"feature_lookups": [by_origin(lookup_key="flight")], "label": "flight"}, ValueError, "the label 'flight' cannot be an input: it is not known when the model is asked"),
        ({"feature_lookups": [], "exclude_columns": FLIGHTS.replace(",", "").split(" ")[:-2:2]}, ValueError, "Nothing is left to train on"),
    ],
)  # fmt: skip
def test_a_training_set_that_contradicts_itself_is_refused(frame, store, options, error, text):
    arguments = {"feature_lookups": [by_origin()], "label": "is_late", **options}
    with pytest.raises(error, match=text):
        store.create_training_set(df=frame([], FLIGHTS), **arguments)


def test_a_lookup_in_a_table_of_keys_alone_is_refused(frame, store):
    create_empty(store, frame([], "faa string"), name="keys_only")
    with pytest.raises(ValueError, match="keys_only: the table has keys only, and no features"):
        store.create_training_set(
            df=frame([], FLIGHTS), feature_lookups=[FeatureLookup("keys_only", "origin")], label=None
        )


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: by_time(lookback_window=timedelta(seconds=-1)), ValueError, "lookback_window cannot be negative"),
        (lambda: by_origin(lookback_window=timedelta(1)), ValueError, "lookback_window needs a timestamp_lookup_key"),
        (lambda: by_time(lookback_window=3600), TypeError, "lookback_window is a timedelta, not int"),
        (lambda: by_time(timestamp_lookup_key=["a", "b"]), ValueError, r"timestamp_lookup_key names 2 columns \(a, b\)"),
        (lambda: by_origin(lookup_key=[]), ValueError, "has no lookup_key"),
        (lambda: by_origin(lookup_key=[7]), TypeError, "lookup_key is a column name or a list"),
        (lambda: FeatureLookup(7, "origin"), TypeError, "not int"),
        (lambda: by_origin(default_values={"runways": [1]}), ValueError, "the default of 'runways' is a list"),
    ],
)  # fmt: skip
def test_a_lookup_that_contradicts_itself_is_refused_where_it_is_written(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_every_refusal_is_an_error_of_this_pipeline():
    assert issubclass(NotFound, Misuse)
    assert issubclass(SchemaMismatch, Misuse)
    assert issubclass(InvalidRows, Misuse)
    assert issubclass(Misuse, ValueError)
    assert issubclass(WrongKind, TypeError)
