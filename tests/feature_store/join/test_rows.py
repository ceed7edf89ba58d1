"""Rows that a join in this process gives are those that Spark would give, to their types."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from feature_store import FeatureLookup
from feature_store.join.rows import Rows

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
EVERY_TYPE = (
    "key int, whole bigint, small smallint, share float, name string, flag boolean, raw binary, price decimal(10,2), "
    "day date, moment timestamp, list array<string>, pair struct<a: int, b: string>, lookup map<string,int>"
)


def test_a_training_set_gives_the_same_rows_of_the_same_types_here_and_in_spark(store, frame) -> None:
    values = (
        1, 2**60, 7, 0.5, "ü", False, b"\x00\xff", Decimal("12.34"), date(1969, 12, 31), NOON,
        ["a", None], {"a": 1, "b": None}, [("x", 1)],
    )  # fmt: skip
    store.create_table(name="everything", primary_keys="key", df=frame([values], EVERY_TYPE))
    training_set = store.create_training_set(
        df=frame(
            [(1, True, NOON.replace(tzinfo=None)), (2, False, None)], "key int, late boolean, clock timestamp_ntz"
        ),
        feature_lookups=[FeatureLookup("everything", "key", default_values={"name": "nobody"})],
        label="late",
    )

    rows, there = training_set.load_rows(), training_set.load_df().toArrow()
    with_ages, _ages = training_set.load_rows_and_ages()

    assert rows.schema == with_ages.schema == there.schema
    assert rows.sort_by("key").to_pylist() == there.sort_by("key").to_pylist()
    assert with_ages.sort_by("key").to_pylist() == there.sort_by("key").to_pylist()
    assert rows.sort_by("key")["name"].to_pylist() == ["ü", "nobody"]


def test_defaults_fill_nulls_and_nan_as_spark_fills_them(spark, frame) -> None:
    schema = "number double, single float, whole int, name string, flag boolean, other double"
    df = frame([(None, None, None, None, None, None), (math.nan, 1.0, 2, "a", True, math.nan)], schema)
    defaults = {"number": -1.0, "single": 0.5, "whole": 0, "name": "none", "flag": False, "absent": 1}

    filled = Rows(df.toArrow(), df.schema, spark).filled(defaults).as_spark_has_them()

    assert filled.slice(0, 1).to_pylist() == [
        {"number": -1.0, "single": 0.5, "whole": 0, "name": "none", "flag": False, "other": None}
    ]
    assert str(filled.to_pylist()) == str(
        df.fillna({name: value for name, value in defaults.items() if name != "absent"}).toArrow().to_pylist()
    )
    assert filled.schema.types == [pa.float64(), pa.float32(), pa.int32(), pa.string(), pa.bool_(), pa.float64()]
