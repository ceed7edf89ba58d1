"""The tables that monitoring writes: names and types as Databricks data profiling has them, then columns of our own.

Percentages run from 0 to 100 and ``granularity`` reads ``1 week``, as there. ``window_start`` repeats ``window.start``
at the top level, since that is what a window can be replaced by.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from feature_store.tables.protocol import Tables

METRICS_VERSION = 1
"""``monitor_version``: raised when a definition changes, so that every window is measured again."""

_LONG, _DOUBLE, _TEXT, _TIME = LongType(), DoubleType(), StringType(), TimestampType()
_ARROW_TYPES = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
}
_WINDOW = StructType([StructField("start", _TIME), StructField("end", _TIME)])
_SIGNIFICANCE = StructType([StructField("statistic", _DOUBLE), StructField("pvalue", _DOUBLE)])
_PER_CLASS = StructType(
    [
        StructField("one_vs_all", MapType(_TEXT, _DOUBLE)),
        StructField("macro", _DOUBLE),
        StructField("weighted", _DOUBLE),
    ]
)


def _schema(*columns: tuple[str, DataType, str]) -> StructType:
    return StructType([StructField(name, kind, True, {"comment": comment}) for name, kind, comment in columns])


PROFILE = _schema(
    ("window", _WINDOW, "The window of decision times, start included, end excluded"),
    ("log_type", _TEXT, "INPUT: of the monitored table"),
    ("logging_table_commit_version", IntegerType(), "Version of the score table that was measured"),
    ("monitor_version", _LONG, "Version of the metrics' definitions"),
    ("granularity", _TEXT, "Length of the window, such as 1 week"),
    ("slice_key", _TEXT, "Expression of the slice; null: all rows"),
    ("slice_value", _TEXT, "Value of the slice's expression"),
    ("column_name", _TEXT, "The column, or :table for the table as a whole"),
    ("count", _LONG, "Rows in the window"),
    ("data_type", _TEXT, "The column's Spark type"),
    ("num_nulls", _LONG, "Nulls"),
    ("avg", _DOUBLE, "Mean of the finite values"),
    ("quantiles", ArrayType(_DOUBLE), "The percentiles 0 to 100 of the finite values"),
    ("min", _DOUBLE, "Smallest value, infinities included"),
    ("max", _DOUBLE, "Largest value, infinities included"),
    ("stddev", _DOUBLE, "Sample standard deviation of the finite values"),
    ("num_zeros", _LONG, "Zeros"),
    ("num_nan", _LONG, "NaN, which is not counted as null"),
    ("min_length", _DOUBLE, "Length of the shortest text, in characters"),
    ("max_length", _DOUBLE, "Length of the longest text, in characters"),
    ("avg_length", _DOUBLE, "Mean length of the texts, in characters"),
    ("non_null_columns", ArrayType(_TEXT), "Of :table, the columns with at least one value"),
    (
        "frequent_items",
        ArrayType(StructType([StructField("item", _TEXT), StructField("count", _LONG)])),
        "The commonest categories, at most 100, commonest first",
    ),
    ("median", _DOUBLE, "Median of the finite values (the lower one)"),
    ("distinct_count", _LONG, "Different values, exact; of numbers, finite ones"),
    ("percent_nan", _DOUBLE, "NaN per 100 rows"),
    ("percent_null", _DOUBLE, "Nulls per 100 rows"),
    ("percent_zeros", _DOUBLE, "Zeros per 100 rows"),
    ("percent_distinct", _DOUBLE, "Different values per 100 rows"),
    ("model_version", _TEXT, "Version of the model that scored most of the window's rows"),
    ("accuracy_score", _DOUBLE, "Of :table, share of right decisions at a probability of 0.5"),
    (
        "confusion_matrix",
        ArrayType(
            StructType([StructField("prediction", _TEXT), StructField("label", _TEXT), StructField("count", _LONG)])
        ),
        "Of :table, labelled rows by decision at 0.5 and by label",
    ),
    ("precision", _PER_CLASS, "Of :table, precision at 0.5; one_vs_all has the positive class, true"),
    ("recall", _PER_CLASS, "Of :table, recall at 0.5; one_vs_all has the positive class, true"),
    ("f1_score", _PER_CLASS, "Of :table, harmonic mean of precision and recall; one_vs_all has the class true"),
    ("log_loss", _DOUBLE, "Of :table, mean negative log likelihood of the labels"),
    ("roc_auc_score", _PER_CLASS, "Of :table, area under the ROC curve; one_vs_all has the positive class, true"),
    ("mean_squared_error", _DOUBLE, "Of :table, mean squared difference of prediction and label"),
    ("root_mean_squared_error", _DOUBLE, "Of :table, its root, in the label's unit"),
    ("mean_average_error", _DOUBLE, "Of :table, mean absolute difference of prediction and label"),
    ("mean_absolute_percentage_error", _DOUBLE, "Of :table, mean absolute difference as a share of the label; null: a label is 0"),
    ("r2_score", _DOUBLE, "Of :table, share of the labels' variance that is explained"),
    ("bias", _DOUBLE, "Of :table, mean of prediction less label"),
    ("brier_score", _DOUBLE, "Of :table, mean squared difference of probability and label"),
    ("calibration_error", _DOUBLE, "Of :table, expected calibration error over ten bins of equal size"),
    ("label_rate", _DOUBLE, "Of :table, share of positive labels among the labelled rows"),
    ("labelled_count", _LONG, "Of :table, rows whose label was known when measured"),
    ("custom_metrics", MapType(_TEXT, _DOUBLE), "Of :table, the monitor's own measures, by name"),
    ("newest_row", _TIME, "Of :table, the newest row's moment up to the window's end"),
    ("definition", _TEXT, "Of :table, hash of the slices and measures that were asked for"),
    ("measured_as_of", _TIME, "The moment by which labels had to be known to be counted"),
    ("window_start", _TIME, "window.start"),
)  # fmt: skip

DRIFT = _schema(
    ("window", _WINDOW, "The window of decision times, start included, end excluded"),
    ("granularity", _TEXT, "Length of the window, such as 1 week"),
    ("monitor_version", _LONG, "Version of the metrics' definitions"),
    ("slice_key", _TEXT, "Expression of the slice; null: all rows"),
    ("slice_value", _TEXT, "Value of the slice's expression"),
    ("column_name", _TEXT, "The column, or :table for the table as a whole"),
    ("data_type", _TEXT, "The column's Spark type"),
    ("window_cmp", _WINDOW, "The window compared with; null: the baseline"),
    ("drift_type", _TEXT, "BASELINE: against the model's training set; CONSECUTIVE: against the window before"),
    ("count_delta", _LONG, "Rows, less those compared with"),
    ("avg_delta", _DOUBLE, "Mean, less that compared with"),
    ("percent_null_delta", _DOUBLE, "Nulls per 100 rows, less those compared with"),
    ("percent_zeros_delta", _DOUBLE, "Zeros per 100 rows, less those compared with"),
    ("percent_distinct_delta", _DOUBLE, "Different values per 100 rows, less those compared with"),
    (
        "non_null_columns_delta",
        StructType([StructField("added", IntegerType()), StructField("missing", IntegerType())]),
        "Of :table, columns that have values now and had none, and the reverse",
    ),
    ("js_distance", _DOUBLE, "Jensen-Shannon distance, base 2, over the bins of the index below"),
    ("ks_test", _SIGNIFICANCE, "Kolmogorov-Smirnov test, asymptotic p-value; of numbers"),
    ("wasserstein_distance", _DOUBLE, "Area between the distribution functions, in the column's unit; of numbers"),
    ("population_stability_index", _DOUBLE, "Over ten quantile bins or the common categories, and the missing values"),
    ("chi_squared_test", _SIGNIFICANCE, "Pearson's test of homogeneity over the common categories; of categories"),
    ("tv_distance", _DOUBLE, "Total variation distance over the common categories; of categories"),
    ("l_infinity_distance", _DOUBLE, "Largest change of a category's share; of categories"),
    ("model_version", _TEXT, "Version of the model whose training set is the baseline"),
    ("scaled_avg_delta", _DOUBLE, "avg_delta in standard deviations of what is compared with"),
    ("scaled_wasserstein_distance", _DOUBLE, "wasserstein_distance in standard deviations of what is compared with"),
    (
        "histogram",
        ArrayType(
            StructType([StructField("bin", _TEXT), StructField("baseline", _LONG), StructField("current", _LONG)])
        ),
        "Rows by bin of the index above: of what is compared with, and of the window",
    ),
    (
        "explained_prediction_delta",
        _DOUBLE,
        "Part of the mean prediction's change that the column's new shares explain",
    ),
    ("custom_metrics_delta", MapType(_TEXT, _DOUBLE), "Of :table, the monitor's own measures, less the baseline's"),
    ("window_start", _TIME, "window.start"),
)

EVENTS = _schema(
    ("event_id", _TEXT, "Hash of what makes the event this one: recorded twice, it is still one"),
    ("alert_id", _TEXT, "The alert: one per monitor, column and metric, from its opening to its end"),
    ("monitor", _TEXT, "The monitor's name"),
    ("table_name", _TEXT, "The monitored table"),
    ("column_name", _TEXT, "The column, or :table"),
    ("metric", _TEXT, "What was measured, such as psi"),
    ("slice_key", _TEXT, "Expression of the slice; empty: all rows"),
    ("slice_value", _TEXT, "Value of the slice's expression"),
    (
        "kind",
        _TEXT,
        "opened, still_violating, subsided, recovered, reopened, acknowledged, assigned, snoozed, resolved, "
        "retraining_started, retraining_finished",
    ),
    ("window_start", _TIME, "First instant of the window that the event is about; null: none"),
    ("window_end", _TIME, "End of that window, excluded"),
    ("value", _DOUBLE, "The measured value in the window"),
    ("limit", _DOUBLE, "The limit at the time"),
    ("severity", _TEXT, "warning or critical"),
    ("source", _TEXT, "The feature table that the column comes from; empty: none"),
    ("evidence", _TEXT, "JSON: the windows judged with their values, the bins, and a first diagnosis"),
    ("actor", _TEXT, "Who did it; check-drift for the job"),
    ("comment", _TEXT, "What they said"),
    ("assignee", _TEXT, "Of assigned: to whom"),
    ("until", _TIME, "Of snoozed: until when"),
    ("recorded_at", _TIME, "When it was written, by the writer's clock"),
    ("as_of", _TIME, "The moment as of which it was done"),
)

BASELINES = _schema(
    ("table_name", _TEXT, "The monitored table"),
    ("span", _TEXT, "The part of its past, start and end"),
    ("asked", _TEXT, "Hash of the slices, measures and windows that it was made for"),
    ("baseline", _TEXT, "JSON: the sketches of its columns"),
)

_DESCRIPTIONS = {
    "profile": (PROFILE, "Summary statistics and quality of {table} by window and column."),
    "drift": (
        DRIFT,
        "How {table} differs from the model's training set and from the window before, by window and column.",
    ),
    "baselines": (BASELINES, "What monitored tables are compared with: computed once for a span, never changed."),
    "events": (EVENTS, "All that happened to drift alerts, never changed; the alerts' state follows from it."),
}


def ensure(tables: Tables, name: str, kind: str, *, table: str = "", owner: str = "") -> None:
    """Create monitoring's table ``name`` of ``kind`` (profile, drift, baselines or events), or give it the columns it lacks."""
    schema, description = _DESCRIPTIONS[kind]
    if not tables.exists(name):
        # Each decision of a person is a commit: without a checkpoint, all of them are read each time.
        properties = {"delta.checkpointInterval": "20"} | ({"pipeline.owner": owner} if owner else {})
        tables.create(name, schema, description=description.format(table=table), properties=properties)
    tables.add_columns(name, schema)


def arrow_table(rows: Sequence[Mapping[str, object]], schema: StructType) -> pa.Table:
    """``rows`` as an Arrow table with ``schema``; what a row does not have is null."""
    arrow_schema = pa.schema([(column.name, _arrow_type(column.dataType)) for column in schema])
    return pa.Table.from_pylist(list(rows), schema=arrow_schema)


def _arrow_type(kind: DataType) -> pa.DataType:
    match kind:
        case StructType():
            return pa.struct([(column.name, _arrow_type(column.dataType)) for column in kind])
        case ArrayType():
            return pa.list_(_arrow_type(kind.elementType))
        case MapType():
            return pa.map_(_arrow_type(kind.keyType), _arrow_type(kind.valueType))
        case TimestampType():
            return pa.timestamp("us", tz="UTC")
        case _:
            return _ARROW_TYPES[kind.typeName()]
