"""``feature_spec.yaml``: the documented form, read back as it was written."""

from datetime import timedelta

import pytest
from databricks.ml_features_common.entities.feature_spec import FeatureSpec as TheirSpec
from ruamel.yaml import YAML

from feature_store import Misuse
from feature_store.join.columns import FeatureColumn, FunctionColumn, SourceColumn
from feature_store.package.feature_spec import FILE_NAME, FeatureSpec
from feature_store.package.spec_file import load_spec

USERS, HISTORY = "main.fs.users", "main.fs.hist"

SPEC = FeatureSpec(
    sources=[SourceColumn(name="id", data_type="bigint", include=False), SourceColumn(name="y2", data_type="double")],
    features=[
        FeatureColumn(name="amt", data_type="double", table=USERS, feature="amt", lookup_key=["id"], default="-1.0"),
        FeatureColumn(
            name="val", data_type="double", table=HISTORY, feature="v", lookup_key=["id"], timestamp_lookup_key="ts",
            lookback=timedelta(days=30), default="0.0",
        ),
        FeatureColumn(
            name="n", data_type="int", table=HISTORY, feature="n", lookup_key=["id"], timestamp_lookup_key="ts",
            lookback=timedelta(days=30),
        ),
    ],
    functions=[FunctionColumn(name="r", data_type="double", udf_name="main.fs.ratio", bindings={"a": "amt", "b": "y2"})],
    table_ids={USERS: "479296ca", HISTORY: "07dd22ee"},
)  # fmt: skip

DOCUMENTED = """\
input_columns:
- id:
    data_type: bigint
    include: false
    topological_ordering: 0
    source: training_data
- y2:
    data_type: double
    topological_ordering: 1
    source: training_data
- amt:
    table_name: main.fs.users
    feature_name: amt
    lookup_key:
    - id
    default_value: '-1.0'
    data_type: double
    topological_ordering: 2
    source: feature_store
- val:
    table_name: main.fs.hist
    feature_name: v
    lookup_key:
    - id
    timestamp_lookup_key:
    - ts
    default_value: '0.0'
    data_type: double
    topological_ordering: 4
    source: feature_store
- n:
    table_name: main.fs.hist
    feature_name: n
    lookup_key:
    - id
    timestamp_lookup_key:
    - ts
    data_type: int
    topological_ordering: 3
    source: feature_store
- r:
    udf_name: main.fs.ratio
    input_bindings:
      a: amt
      b: y2
    data_type: double
    topological_ordering: 5
    source: on_demand_feature
feature_store_client_version: 0.18.2
input_tables:
- main.fs.hist:
    table_id: 07dd22ee
    lookback_window: 2592000.0
- main.fs.users:
    table_id: 479296ca
input_functions:
- main.fs.ratio: {}
serialization_version: 11
"""


def test_the_file_has_the_documented_form(tmp_path):
    SPEC.save(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == DOCUMENTED


def test_the_file_comes_back_as_it_was_written(tmp_path):
    SPEC.save(tmp_path)
    assert load_spec(tmp_path) == SPEC


@pytest.mark.parametrize("word", ["no", "on", "y", "null", "1:30", "1_000", "2013-01-01", "straße"])
def test_a_column_called_as_a_value_is_written_stays_a_name_to_either_reader(word, tmp_path):
    spec = FeatureSpec(
        sources=[SourceColumn(name=word, data_type="string")],
        features=[
            FeatureColumn(name=f"{word}_", data_type="int", table=USERS, feature=word, lookup_key=[word], default=word)
        ],
        table_ids={USERS: "x"},
    )

    spec.save(tmp_path)

    assert load_spec(tmp_path) == spec
    assert [one.output_name for one in TheirSpec.load(str(tmp_path)).column_infos] == [word, f"{word}_"]


def test_one_table_looked_up_through_two_windows_keeps_both(tmp_path):
    def by(name, lookback):
        return FeatureColumn(
            name=name,
            data_type="int",
            table=HISTORY,
            feature="n",
            lookup_key=["id"],
            timestamp_lookup_key="ts",
            lookback=lookback,
        )

    spec = FeatureSpec(
        sources=[SourceColumn(name="id", data_type="int")],
        features=[by("hour", timedelta(hours=1)), by("exact", timedelta(microseconds=1)), by("ever", None)],
        table_ids={HISTORY: "x"},
    )
    spec.save(tmp_path)

    assert [column.lookback for column in load_spec(tmp_path).features] == [
        timedelta(hours=1),
        timedelta(microseconds=1),
        None,
    ]


def test_what_the_vendors_client_adds_is_passed_over(tmp_path):
    (tmp_path / FILE_NAME).write_text(
        DOCUMENTED.replace("feature_store_client", "workspace_id: '12'\nhearsay: []\nfeature_store_client")
    )
    assert load_spec(tmp_path) == SPEC


def test_the_caller_brings_source_columns_keys_and_moments_and_the_model_sees_what_is_included():
    assert SPEC.required == ["id", "y2", "ts"]
    assert SPEC.included == ["y2", "amt", "val", "n", "r"]


def test_what_another_column_gives_need_not_be_brought_and_stands_before_those_that_need_it(tmp_path):
    spec = FeatureSpec(
        sources=[SourceColumn(name="text", data_type="string", include=False)],
        features=[FeatureColumn(name="amt", data_type="double", table=USERS, feature="amt", lookup_key=["key"])],
        functions=[FunctionColumn(name="key", data_type="bigint", udf_name="main.fs.key", bindings={"text": "text"})],
        table_ids={USERS: "x"},
    )
    spec.save(tmp_path)

    assert load_spec(tmp_path) == spec
    assert spec.required == ["text"]
    written = YAML(typ="safe").load((tmp_path / FILE_NAME).read_text())["input_columns"]
    assert {name: entry["topological_ordering"] for one in written for name, entry in one.items()} == {
        "text": 0,
        "key": 1,
        "amt": 2,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("input_columns: 7", "cannot be read"),
        ("input_columns:\n- x: {data_type: int}", "'source'.* is missing or of another form"),
        ("input_columns:\n- x: {source: hearsay}", "column 'x' comes from 'hearsay'; this store scores: training_data, feature_store, on_demand_feature"),
        ("input_columns:\n- x: {source: on_demand_feature}", "'udf_name'"),
        ("input_columns:\n- x: {source: on_demand_feature, udf_name: a.b.c, input_bindings: [x]}", "input_bindings of x"),
        ("input_columns:\n- x: {source: feature_store, table_name: a.b.c, feature_name: x, lookup_key: id}", "lookup_key or timestamp_lookup_key of x"),
        ("input_columns:\n- x: {source: feature_store}", "'table_name'"),
        ("input_columns: [", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(tmp_path, text, said):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(Misuse, match=said):
        load_spec(tmp_path)


def test_a_folder_without_the_file_is_a_model_without_features(tmp_path):
    with pytest.raises(Misuse, match="not packaged with features: it has no feature_spec.yaml"):
        load_spec(tmp_path)
