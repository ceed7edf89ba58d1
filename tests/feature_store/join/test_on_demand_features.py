"""On-demand features: Python functions over the data frame, looked-up features and each other, in batches."""

import sys

import cloudpickle
import pandas as pd
import pytest
from pyspark.errors import PythonException

from feature_store import FeatureFunction, FeatureLookup, Misuse, NotFound, open_store
from tests.frames import assert_df_equality

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The workers cannot import a test module.

FLIGHTS = "flight string, code string, seats int, label double"
ROWS = [("a", "JFK-4", 10, 1.0), ("b", "LGA-1", 20, 0.0), ("c", None, None, 1.0), ("b", "LGA-1", 20, 0.0)]


def origin(code: pd.Series) -> pd.Series:
    return code.str[:3]


def seats_per_runway(seats: pd.Series, runways: pd.Series) -> pd.Series:
    return seats / runways


def twice(value: pd.Series) -> pd.Series:
    return value * 2


def is_big(seats: pd.Series) -> pd.Series:
    return seats > 15


def batch_length(seats: pd.Series) -> pd.Series:
    return pd.Series([1.0])


def bare_array(seats: pd.Series) -> pd.Series:
    return seats.to_numpy()


def words(seats: pd.Series) -> pd.Series:
    return seats.astype(str)


PER_RUNWAY = FeatureFunction(udf_name=seats_per_runway, returns="double")
ORIGIN = FeatureFunction(udf_name=origin, returns="string")
RUNWAYS = FeatureLookup("airport", "origin", default_values={"runways": 0})
CITY = FeatureLookup("city", "city_id", feature_names="people")


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory):
    opened = open_store(catalog="test", schema="flights", workspace=tmp_path_factory.mktemp("on-demand"))
    airports = frame([("JFK", 4, 1), ("LGA", None, 2)], "faa string, runways int, city_id int")
    opened.create_table(name="airport", primary_keys="faa", df=airports)
    opened.create_table(name="city", primary_keys="id", df=frame([(1, 8)], "id int, people int"))
    return opened


@pytest.fixture(scope="module")
def flights(frame):
    return frame(ROWS, FLIGHTS)


def loaded(store, df, features, **options):
    return store.create_training_set(df=df, feature_lookups=features, **{"label": "label", **options}).load_df()


def test_functions_read_columns_features_and_each_other_in_whatever_order_they_are_listed(frame, store, flights):
    features = [
        FeatureFunction(udf_name=twice, input_bindings={"value": "seats_per_runway"}, output_name="doubled", returns="double"),
        PER_RUNWAY,
        CITY,
        RUNWAYS,
        ORIGIN,
        FeatureFunction(udf_name=is_big, returns="boolean"),
    ]  # fmt: skip
    training_set = store.create_training_set(
        df=flights, feature_lookups=features, label="label", exclude_columns=["code", "origin"]
    )
    # A key made by a function, a key that is looked up; nulls reach the functions before the default does.
    expected = [
        ("a", 10, 8, 4, 1, 5.0, 2.5, False, 1.0),
        ("b", 20, None, 0, 2, None, None, True, 0.0),
        ("c", None, None, 0, None, None, None, False, 1.0),
        ("b", 20, None, 0, 2, None, None, True, 0.0),
    ]
    schema = "flight string, seats int, people int, runways int, city_id int, doubled double, seats_per_runway double, is_big boolean, label double"
    assert training_set.get_output_columns() == [text.split()[0] for text in schema.split(", ")]
    assert_df_equality(training_set.load_df(), frame(expected, schema), ignore_row_order=True, ignore_nullable=True)


def test_one_function_can_be_used_twice_and_a_frame_without_rows_stays_without(store, flights):
    features = [
        FeatureFunction(udf_name=twice, input_bindings={"value": "seats"}, output_name="two", returns="int"),
        FeatureFunction(udf_name=twice, input_bindings={"value": "two"}, output_name="four", returns="bigint"),
    ]
    training_set = store.create_training_set(df=flights.limit(0), feature_lookups=features, label=None)
    assert [column.udf_name for column in training_set.feature_spec.functions] == ["test.flights.twice"] * 2
    assert dict(training_set.load_df().dtypes) | {"two": "int", "four": "bigint"} == dict(training_set.load_df().dtypes)
    assert training_set.load_df().collect() == []


def test_a_registered_function_is_called_by_its_parameters_names_and_spark_knows_its_type(frame, spark, store):
    def less(a: int, b: int) -> int | None:
        return None if a is None or b is None else a - b

    spark.udf.register("test.flights.less", less, "int")
    features = [
        FeatureFunction(udf_name="test.flights.LESS", input_bindings={"b": "small", "a": "big"}),
        FeatureFunction(udf_name=twice, input_bindings={"value": "less"}, returns="double"),
    ]
    df = frame([(7, 2), (None, 1)], "big int, small int")
    assert_df_equality(
        loaded(store, df, features, label=None),
        frame([(7, 2, 5, 10.0), (None, 1, None, None)], "big int, small int, less int, twice double"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


@pytest.mark.parametrize(
    ("features", "options", "error", "text"),
    [
        ([PER_RUNWAY], {}, Misuse, r"Function test.flights.seats_per_runway: the data frame has no column 'runways', and no feature is called so"),
        ([FeatureFunction(udf_name=twice, input_bindings={"value": "label"}, returns="double")], {}, Misuse, "the label 'label' cannot be an input: it is not known when the model is asked"),
        ([ORIGIN, FeatureFunction(udf_name=is_big, output_name="origin", returns="boolean")], {}, Misuse, "Two features are called 'origin': function test.flights.origin and function test.flights.is_big"),
        ([ORIGIN, FeatureLookup("airport", "origin", rename_outputs={"city_id": "Origin"})], {}, Misuse, "Two features are called 'origin'"),
        ([FeatureFunction(udf_name=is_big, output_name="SEATS", returns="boolean")], {}, Misuse, "already has a column 'SEATS', which is also a feature: function test.flights.is_big"),
        ([FeatureFunction(udf_name=is_big, output_name="label", returns="boolean")], {}, Misuse, "The label 'label' has the name of a feature: function"),
        ([FeatureFunction(udf_name=is_big, output_name=f"big{n}", returns="boolean") for n in range(101)], {}, Misuse, "There are 101 functions; at most 100"),
        ([FeatureFunction(udf_name=twice, input_bindings={"value": "twice"}, returns="double")], {}, Misuse, "need each other, so none can be computed first: twice"),
        ([FeatureFunction(udf_name=is_big, returns="bool ean")], {}, Misuse, "Function test.flights.is_big returns 'bool ean', which is no type of Spark's"),
        ([FeatureFunction(udf_name=is_big, returns="int, x int")], {}, Misuse, "which is no type of Spark's"),
        ([FeatureFunction(udf_name="test.flights.unheard_of", input_bindings={"x": "seats"})], {}, NotFound, "test.flights.unheard_of is not packaged with its code, and Spark knows none of that name. Register it"),
        ([FeatureFunction(udf_name=twice, input_bindings={"value": "seats"}, output_name="origin", returns="int"), RUNWAYS], {}, Misuse, "'origin' is int in the data frame, and the table's 'faa' is string"),
        ([ORIGIN], {"exclude_columns": ["orign"]}, NotFound, r"exclude_columns names 'orign', which is no column. Did you mean origin\?"),
    ],
)  # fmt: skip
def test_functions_that_do_not_fit_are_refused_before_anything_is_computed(
    store, flights, features, options, error, text
):
    with pytest.raises(error, match=text):
        store.create_training_set(df=flights, feature_lookups=features, **{"label": "label", **options})


def test_two_different_functions_of_one_name_are_refused(store, flights):
    def twice(value: pd.Series) -> pd.Series:
        return value * 2.0

    other = FeatureFunction(udf_name=twice, input_bindings={"value": "seats"}, output_name="other", returns="double")
    features = [
        FeatureFunction(udf_name=globals()["twice"], input_bindings={"value": "seats"}, returns="double"),
        other,
    ]
    with pytest.raises(Misuse, match="Two different functions are called test.flights.twice. Rename one"):
        store.create_training_set(df=flights, feature_lookups=features, label=None)


def test_a_function_that_holds_the_session_cannot_be_packaged(store, flights):
    session = flights.sparkSession

    def counted(seats: pd.Series) -> pd.Series:
        return seats + session.range(1).count()

    with pytest.raises(Misuse, match="test.flights.counted cannot be packaged: .*must not hold a session"):
        store.create_training_set(
            df=flights, feature_lookups=[FeatureFunction(udf_name=counted, returns="int")], label=None
        )


@pytest.mark.parametrize(
    ("function", "returns", "text"),
    [
        (batch_length, "double", "test.flights.batch_length gave 1 values for 4 rows. It must give a pandas Series of as many"),
        (bare_array, "double", "test.flights.bare_array gave a ndarray for 4 rows"),
        (words, "double", "test.flights.words gave values that are no double"),
    ],
)  # fmt: skip
def test_a_function_that_gives_something_else_than_it_declared_stops_the_job_by_its_name(
    store, flights, function, returns, text
):
    df = flights.coalesce(1)
    with pytest.raises(PythonException, match=text):
        loaded(store, df, [FeatureFunction(udf_name=function, returns=returns)]).collect()


def test_an_excluded_feature_that_nothing_needs_is_not_looked_up_at_all(store, flights):
    training_set = store.create_training_set(
        df=flights, feature_lookups=[ORIGIN, RUNWAYS, CITY], label="label", exclude_columns=["people", "runways"]
    )
    assert training_set.get_output_columns() == ["flight", "code", "seats", "city_id", "origin", "label"]
    assert training_set.table_versions == {"test.flights.airport": 1}
