"""Aggregated features inside a training set: computed at each row's own moment, packaged, and scored by keys alone."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cloudpickle
import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
from pyspark.sql import functions as F
from ruamel.yaml import YAML
from sklearn.base import BaseEstimator

from feature_store import FeatureLookup, Misuse, NotFound, SchemaMismatch, Source, WrongKind, open_store
from feature_store.aggregation import (
    AggregationFunction,
    ApproxPercentile,
    Count,
    DerivedSource,
    Feature,
    RollingWindow,
    Sum,
    TumblingWindow,
)
from feature_store.local import session
from feature_store.package.aggregated import looked_up
from feature_store.package.packaging import packaged_folder
from feature_store.package.spec_file import load_spec
from feature_store.tables.commit import Commit
from feature_store.tables.delta_tables import DeltaTables
from tests.frames import assert_df_equality

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The workers cannot import a test module.

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
LANDED = "order_id int, courier string, district string, euros double, paid boolean, ordered_at timestamp"
SOURCE = Source(
    name="orders",
    description="Orders",
    table="orders",
    columns=["courier", "district", "euros", "paid"],
    known_at="ordered_at",
)
ORDERS = [
    (1, "ann", "north", 1.0, True, NOON - 2 * HOUR),
    (2, "ann", "south", 10.0, False, NOON - HOUR),
    (3, "ann", "north", 100.0, True, NOON),
    (4, "bob", "north", 7.0, True, NOON - 3 * HOUR),
    (5, None, "north", 1e6, True, NOON - HOUR),
]


def cents(orders):
    return orders.withColumn("cents", (F.col("euros") * 100).cast("bigint"))


IN_CENTS = DerivedSource(
    name="in_cents", description="Cents", sources=[SOURCE], columns=["courier", "cents"], derive=cents
)


def feature(name, operator, window, **facts):
    function = AggregationFunction(operator, window)
    given = {
        "source": SOURCE,
        "entity": ["courier"],
        "timeseries_column": "decided_at",
        "name": name,
        "function": function,
    }
    return Feature(**given | facts)


TWO_HOURS = RollingWindow(window_duration=2 * HOUR)
FEATURES = [
    feature("euros_2h", Sum("euros"), TWO_HOURS),
    feature("in_district", Count("euros"), TumblingWindow(window_duration=6 * HOUR), entity=["district"]),
    feature("paid_2h", Count("euros"), TWO_HOURS, filter_condition="paid"),
    feature("cents_2h", Sum("cents"), RollingWindow(window_duration=2 * HOUR, delay=HOUR), source=IN_CENTS),
]
SPINE = "courier string, district string, decided_at timestamp, is_late boolean"
ROWS = [
    ("ann", "north", NOON, True),  # the order at noon itself does not count; that of ten does
    ("ann", "north", NOON + MICROSECOND, False),
    ("ann", "north", NOON + MICROSECOND, False),
    ("cid", "north", NOON, True),
    (None, "north", NOON, True),
    ("ann", None, None, True),
]
COMPUTED = "euros_2h double, in_district bigint, paid_2h bigint, cents_2h bigint"
VALUES = [
    (11.0, 3, 1, 100),
    (110.0, 3, 1, 1100),
    (110.0, 3, 1, 1100),
    (None, 3, 0, None),
    (None, 3, None, None),
    (None, None, None, None),
]


class FirstEuros(BaseEstimator):
    """Says the euros it was given, and -1 without; refuses anything but the columns it was trained with."""

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        if list(frame.columns) != ["euros_2h", "in_district", "paid_2h", "cents_2h"]:
            raise ValueError(f"the model was given {list(frame.columns)}")
        return frame["euros_2h"].fillna(-1.0) + frame["paid_2h"].fillna(0) * 1000


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory):
    opened = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("aggregated"))
    df = frame(ORDERS, LANDED)
    opened.tables.create("orders", df.schema)
    opened.tables.append("orders", df, commit=Commit(verb="test", as_of=NOON))
    return opened


@pytest.fixture(scope="module")
def training_set(store, frame):
    keys = ["courier", "district", "decided_at"]
    return store.create_training_set(df=frame(ROWS, SPINE), features=FEATURES, label="is_late", exclude_columns=keys)


@pytest.fixture(scope="module")
def model(store, training_set):
    name = "test.couriers.lateness"
    store.log_model(
        model=FirstEuros(),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=training_set,
        registered_model_name=name,
        serialization_format="cloudpickle",
    )
    return f"models:/{name}/1"


def test_each_row_has_the_features_of_its_own_moment_and_the_label_stands_last(store, frame):
    found = store.create_training_set(df=frame(ROWS, SPINE), features=FEATURES, label="is_late")

    assert found.get_output_columns() == [
        "courier",
        "district",
        "decided_at",
        *(one.name for one in FEATURES),
        "is_late",
    ]
    assert_df_equality(
        found.load_df(),
        frame(
            [(*row[:3], *values, row[3]) for row, values in zip(ROWS, VALUES, strict=True)],
            f"courier string, district string, decided_at timestamp, {COMPUTED}, is_late boolean",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_an_empty_frame_and_rows_without_any_moment_are_kept(store, frame):
    for rows in ([], [("ann", "north", None, True)]):
        found = store.create_training_set(df=frame(rows, SPINE), features=FEATURES, label="is_late").load_df()
        assert [tuple(row)[3:7] for row in found.collect()] == [(None, None, None, None)] * len(rows)


def test_the_version_of_the_source_is_fixed_when_the_training_set_is_created(store, frame):
    again = replace(SOURCE, table="orders_twice")
    df, spine = frame(ORDERS, LANDED), frame([("ann", "north", NOON, True)], SPINE)
    store.tables.create("orders_twice", df.schema)
    training_sets = []
    for _ in range(2):
        store.tables.append("orders_twice", df, commit=Commit(verb="test", as_of=NOON))
        euros = feature("euros_2h", Sum("euros"), TWO_HOURS, source=again)
        training_sets.append(store.create_training_set(df=spine, features=[euros], label="is_late"))

    assert [one.load_df().first().euros_2h for one in training_sets] == [11.0, 22.0]
    assert [one.table_versions["test.couriers.orders_twice"] for one in training_sets] == [1, 2]


def test_only_events_that_some_row_can_see_are_read(store, frame):
    spine = frame([("ann", "north", NOON - HOUR, True)], SPINE)
    found = store.create_training_set(df=spine, features=FEATURES[:1], label="is_late").load_df()
    plan = found._jdf.queryExecution().optimizedPlan().toString()  # type: ignore[operator]
    assert "2013-06-01 09:00:00" in plan
    assert "2013-06-01 11:00:00" in plan


def test_features_are_computed_for_each_row_of_their_source(store, frame):
    found = store.compute_features(features=[FEATURES[0], FEATURES[2]])
    assert_df_equality(
        found,
        frame(
            [
                ("ann", NOON - 2 * HOUR, None, 0),
                ("ann", NOON - HOUR, 1.0, 1),
                ("ann", NOON, 11.0, 1),
                ("bob", NOON - 3 * HOUR, None, 0),
                (None, NOON - HOUR, None, None),
            ],
            "courier string, decided_at timestamp, euros_2h double, paid_2h bigint",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


# ---- packaged


def test_a_packaged_model_scores_keys_alone_and_names_versions(store, model, frame, training_set):
    keys = frame([row[:3] for row in ROWS], "courier string, district string, decided_at timestamp")

    scored = store.score_batch(model_uri=model, df=keys)

    assert scored.columns == ["courier", "district", "decided_at", *(one.name for one in FEATURES), "prediction"]
    found = sorted((row.courier or "", row.euros_2h or 0.0, row.prediction) for row in scored.collect())
    assert found == [
        ("", 0.0, -1.0),
        ("ann", 0.0, -1.0),
        ("ann", 11.0, 1011.0),
        ("ann", 110.0, 1110.0),
        ("ann", 110.0, 1110.0),
        ("cid", 0.0, -1.0),
    ]
    assert store.feature_versions(model_uri=model) == training_set.table_versions == {"test.couriers.orders": 1}


def test_an_override_is_taken_instead_of_the_aggregate_only_when_asked_for(store, model, frame):
    brought = frame(
        [("ann", "north", NOON, 5.0)], "courier string, district string, decided_at timestamp, euros_2h double"
    )
    with pytest.raises(Misuse, match="brings feature columns: euros_2h"):
        store.score_batch(model_uri=model, df=brought)
    scored = store.score_batch(model_uri=model, df=brought, override_features=True).first()
    assert (scored.euros_2h, scored.prediction) == (5.0, 1005.0)


def test_mlflow_loads_the_model_and_gives_predictions_in_the_order_of_the_keys(model):
    keys = pd.DataFrame(
        {
            "courier": ["cid", "ann", "ann"],
            "district": "north",
            "decided_at": pd.to_datetime([NOON, NOON + MICROSECOND, NOON]).tz_localize(None),
        }
    )
    assert list(mlflow.pyfunc.load_model(model).predict(keys)["prediction"]) == [-1.0, 1110.0, 1011.0]


def test_the_spec_is_of_the_documented_declarative_form_and_is_read_back(model):
    folder = packaged_folder(model)
    document = YAML(typ="safe").load((folder / "feature_spec.yaml").read_text())
    assert document == {
        "input_columns": [
            {"courier": {"source": "training_data", "include": False, "data_type": "string"}},
            {"district": {"source": "training_data", "include": False, "data_type": "string"}},
            {"decided_at": {"source": "training_data", "include": False, "data_type": "timestamp"}},
        ],
        "features": [f"test.couriers.{one.name}" for one in FEATURES],
        "workspace_id": 0,
        "feature_store_client_version": "0.18.2",
        "serialization_version": 11,
    }
    declared = load_spec(folder).declared
    assert [(one.name, one.function, one.entity) for one in declared] == [
        (one.name, one.function, one.entity) for one in FEATURES
    ]
    assert declared[0].source is declared[2].source
    assert declared[0].source.table == "test.couriers.orders"
    assert [one.filter_condition for one in declared] == [None, None, "paid", None]


def test_a_package_whose_definitions_are_missing_or_damaged_says_so(model, tmp_path):
    spec, definitions = tmp_path / "feature_spec.yaml", tmp_path / "features.json"
    spec.write_text((packaged_folder(model) / "feature_spec.yaml").read_text())
    with pytest.raises(Misuse, match=r"declared in Databricks' catalog: it has no features\.json"):
        load_spec(tmp_path)

    document = json.loads((packaged_folder(model) / "features.json").read_text())
    definitions.write_text(json.dumps({**document, "features": document["features"][1:]}))
    with pytest.raises(Misuse, match="The package is damaged"):
        load_spec(tmp_path)

    document["features"][0]["operator"]["kind"] = "Product"
    definitions.write_text(json.dumps(document))
    with pytest.raises(Misuse, match=r"features\.json cannot be read"):
        load_spec(tmp_path)

    document["sources"][1]["derive"] = "nowhere:cents"
    definitions.write_text(json.dumps(document))
    with pytest.raises(Misuse, match="derived by nowhere:cents, which cannot be imported"):
        load_spec(tmp_path)


def test_scoring_says_which_column_the_source_no_longer_has(training_set, store, frame):
    elsewhere = DeltaTables(store.workspace / "warehouse", catalog="test", schema="elsewhere", engine=session)
    keys = frame([row[:3] for row in ROWS], "courier string, district string, decided_at timestamp")
    with pytest.raises(NotFound, match=r"test\.elsewhere\.orders"):
        looked_up(training_set.feature_spec, keys, [], {}, elsewhere)
    elsewhere.create("orders", frame([], LANDED.replace("euros", "dollars")).schema)
    with pytest.raises(
        SchemaMismatch, match=r"trained with euros of test\.elsewhere\.orders, which the table no longer has"
    ):
        looked_up(training_set.feature_spec, keys, [], {}, elsewhere)


# ---- arguments that are wrong

LATEST = feature("euros_2h", ApproxPercentile(0.5, "euros"), TWO_HOURS)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"features": FEATURES, "feature_lookups": []}, Misuse, "several were given: feature_lookups, features"),
        ({}, Misuse, "none was given"),
        ({"features": []}, Misuse, "needs one at least"),
        ({"features": FEATURES[0]}, WrongKind, "features is a list of Feature"),
        ({"features": [FeatureLookup("a", "b")]}, WrongKind, "features is a list of Feature"),
        ({"features": [FEATURES[0], LATEST]}, Misuse, "Two features are called 'euros_2h'"),
        ({"features": FEATURES, "label": "lateness"}, Misuse, "has no label column 'lateness'. There are: courier, decided_at"),
        ({"features": FEATURES, "label": "district"}, Misuse, "Feature in_district: the label 'district' cannot be an input"),
        ({"features": FEATURES, "exclude_columns": ["is_late"]}, Misuse, "The label 'is_late' cannot be excluded"),
        ({"features": FEATURES, "exclude_columns": ["euros"]}, NotFound, "exclude_columns names 'euros', which is no column"),
        ({"features": [feature("district", Sum("euros"), TWO_HOURS)]}, Misuse, "already has a column 'district'"),
        ({"features": [feature("x", Sum("euros"), TWO_HOURS, timeseries_column="at")]}, Misuse, "has no column 'at'"),
        (
            {"features": [feature("x", Count("courier"), TWO_HOURS, source=DerivedSource(
                name="local", description="", sources=[SOURCE], columns=["courier"], derive=lambda orders: orders))]},
            Misuse, "no other process could find. Make it a function of a module",
        ),
        ({"features": [feature("x", Sum("district"), TWO_HOURS)]}, SchemaMismatch, "Sum cannot take 'district', which is string"),
    ],
)  # fmt: skip
def test_a_training_set_that_cannot_be_right_says_why_before_anything_is_computed(store, frame, arguments, error, text):
    with pytest.raises(error) as raised:
        store.create_training_set(**{"df": frame(ROWS, SPINE), "label": "is_late"} | arguments)
    assert text in str(raised.value)


def test_features_to_compute_side_by_side_must_share_source_entity_and_moment(store):
    with pytest.raises(Misuse, match="differ in source or entity"):
        store.compute_features(features=FEATURES)
    with pytest.raises(Misuse, match="name their moment differently: decided_at, known_at"):
        store.compute_features(
            features=[FEATURES[0], feature("x", Sum("euros"), TWO_HOURS, timeseries_column="known_at")]
        )
    with pytest.raises(WrongKind, match="features is a list of Feature"):
        store.compute_features(features=["euros_2h"])
