"""The pass over the windows' rows, and the shape of the tables that it fills."""

import pytest

from monitoring.drift.measure import Pass
from monitoring.drift.observed import measured_columns, observed, windows_of
from monitoring.drift.schemas import BASELINES, DRIFT, EVENTS, PROFILE

LOADS = [[1.0, 2.0, 3.0, None], [2.0, 2.0], [9.0, None, 4.0]]


def test_however_much_is_read_at_once_the_metrics_are_the_same(parcels):
    parcels.score(0, *LOADS)
    monitor, as_of = parcels.monitor(), parcels.week(3)
    types = measured_columns(parcels.store, monitor)
    version = parcels.store.tables.version("parcel_scores")
    frame, _ = observed(parcels.store, monitor, version=version, kind="binary", as_of=as_of)
    scored = windows_of(monitor, frame, as_of)

    def measured(most):
        passing = Pass(frame, types, lambda version: None, monitor.calendar, 1, as_of, "binary", most_values=most)
        found = passing.measure(scored[1:], scored)
        return [
            sorted(rows, key=lambda row: (row["window_start"], row["column_name"]))
            for rows in (found.profile, found.drift)
        ]

    profile, drift = measured(10_000)
    assert measured(1) == [profile, drift]
    assert measured(15) == [profile, drift]
    columns = [":table", "depot", "load", "prediction"]
    assert [(row["window_start"], row["column_name"]) for row in profile] == [
        (parcels.week(number), column) for number in (1, 2) for column in columns
    ]
    assert [row["count"] for row in profile] == [2] * 4 + [3] * 4
    assert [row["window_cmp"]["start"] for row in drift] == [parcels.week(0)] * 4 + [parcels.week(1)] * 4


def test_keys_and_bookkeeping_are_not_measured(parcels):
    parcels.score(0, [1.0])
    assert measured_columns(parcels.store, parcels.monitor()) == {
        "depot": "string",
        "load": "double",
        "prediction": "double",
    }


def described(schema, last):
    names = schema.names[: schema.names.index(last) + 1]
    return [f"{name} {schema[name].dataType.simpleString()}" for name in names]


def test_the_profile_table_begins_as_that_of_databricks():
    window = "struct<start:timestamp,end:timestamp>"
    assert described(PROFILE, "percent_distinct") == [
        f"window {window}", "log_type string", "logging_table_commit_version int", "monitor_version bigint",
        "granularity string", "slice_key string", "slice_value string", "column_name string", "count bigint",
        "data_type string", "num_nulls bigint", "avg double", "quantiles array<double>", "min double", "max double",
        "stddev double", "num_zeros bigint", "num_nan bigint", "min_length double", "max_length double",
        "avg_length double", "non_null_columns array<string>", "frequent_items array<struct<item:string,count:bigint>>",
        "median double", "distinct_count bigint", "percent_nan double", "percent_null double", "percent_zeros double",
        "percent_distinct double",
    ]  # fmt: skip


def test_the_drift_table_begins_as_that_of_databricks():
    window, significance = "struct<start:timestamp,end:timestamp>", "struct<statistic:double,pvalue:double>"
    assert described(DRIFT, "l_infinity_distance") == [
        f"window {window}", "granularity string", "monitor_version bigint", "slice_key string", "slice_value string",
        "column_name string", "data_type string", f"window_cmp {window}", "drift_type string", "count_delta bigint",
        "avg_delta double", "percent_null_delta double", "percent_zeros_delta double", "percent_distinct_delta double",
        "non_null_columns_delta struct<added:int,missing:int>", "js_distance double", f"ks_test {significance}",
        "wasserstein_distance double", "population_stability_index double", f"chi_squared_test {significance}",
        "tv_distance double", "l_infinity_distance double",
    ]  # fmt: skip


@pytest.mark.parametrize("schema", [PROFILE, DRIFT, EVENTS, BASELINES])
def test_every_column_is_described(schema):
    assert all(column.metadata["comment"].strip() for column in schema)
