"""For the tests of a project's own models: what a packaged model must do, told in one line each.

    def test_more_open_orders_never_make_a_delivery_less_likely_to_be_late(store, keys):
        check_direction(store, CHAMPION, keys, feature="open_orders", change=lambda values: values + 1, goes="up")

Models are asked as scoring asks them: by keys and the moment of decision, with the features that the store has, but for those
that a check changes. What does not hold is an ``AssertionError`` that shows the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import LongType, StructField, StructType

from feature_store import FeatureStore, Misuse
from feature_store.errors import suggestion
from training.spec import TrainingSpec
from training.steps.evaluate import packaged_scores
from training.steps.frame import assemble, labels_of
from training.steps.kinds import kind_of, label_type_of
from training.steps.metrics import LOWER_IS_BETTER

Change = Callable[[pd.Series], pd.Series]
_SHOWN = 5


def check_invariant(
    store: FeatureStore, model_uri: str, keys: DataFrame, *, feature: str, change: Change, tolerance: float = 0.0
) -> None:
    """The predictions for ``keys`` stay within ``tolerance`` when ``feature`` is changed.

    Raises
    ------
    AssertionError
        If one moves further; the rows that move furthest are shown.
    Misuse
        If the model looks no such feature up.
    """
    rows = _both(store, model_uri, keys, feature, change)
    _refuse(rows, rows["moved"].abs() > tolerance, f"changing {feature!r} moves predictions by more than {tolerance:g}")


def check_direction(
    store: FeatureStore,
    model_uri: str,
    keys: DataFrame,
    *,
    feature: str,
    change: Change,
    goes: Literal["up", "down"],
    at_most: float = 0.0,
) -> None:
    """The predictions for ``keys`` do not go the other way when ``feature`` is changed, but for a share of ``at_most``.

    Raises
    ------
    AssertionError
        If more of them do, or none moves at all; the rows that move furthest the wrong way are shown.
    Misuse
        If the model looks no such feature up.
    """
    rows = _both(store, model_uri, keys, feature, change)
    if not (rows["moved"] != 0).any():
        raise AssertionError(f"Changing {feature!r} moves none of {len(rows):,} predictions.")
    wrong = rows["moved"] < 0 if goes == "up" else rows["moved"] > 0
    if wrong.mean() > at_most:
        _refuse(rows, wrong, f"changing {feature!r} moves predictions {'down' if goes == 'up' else 'up'}")


def check_quality(
    store: FeatureStore,
    spec: TrainingSpec,
    model_uri: str,
    *,
    as_of: datetime,
    metric: str,
    limit: float,
    per: Sequence[str] = (),
    rows: int = 500,
) -> None:
    """On the holdout as of ``as_of`` the model's metric is as good as ``limit``; for each value of ``per``, too.

    Values of fewer than ``rows`` rows, and slices whose labels are all the same, are passed over.

    Raises
    ------
    AssertionError
        If the metric is worse, on the whole or in a slice; all such slices are shown.
    Misuse
        If there is no such metric or column.
    """
    kind = kind_of(spec, label_type_of(store, spec))
    frame = assemble(store, spec, labels_of(store, spec), as_of=as_of)
    held = frame.rows[frame.is_in("holdout")].reset_index(drop=True)
    labels, predictions = kind.labels(held[spec.label]).to_numpy(), packaged_scores(store, spec, frame, model_uri)

    whole = kind.metrics(labels, predictions)
    if metric not in whole:
        raise Misuse(f"There is no metric {metric!r}. {suggestion(metric, whole)}")

    def is_worse(value: float) -> bool:
        return not (value <= limit if metric in LOWER_IS_BETTER else value >= limit)

    found = [("all rows", len(held), whole[metric])]
    for column in per:
        if column not in held:
            raise Misuse(f"There is no column {column!r}. {suggestion(column, held.columns)}")
        for value, positions in held.groupby(column, dropna=False).indices.items():
            part = kind.metric_of_part(labels[positions], predictions[positions], metric, at_least=rows)
            if part is not None:
                found.append((f"{column} {value}", len(positions), part))
    bad = [f"{where} ({count:,} rows): {value:.4f}" for where, count, value in found if is_worse(value)]
    if bad:
        side = "at most" if metric in LOWER_IS_BETTER else "at least"
        raise AssertionError(f"{metric} should be {side} {limit:g}, and is not for {'; '.join(bad)}.")


def _both(store: FeatureStore, model_uri: str, keys: DataFrame, feature: str, change: Change) -> pd.DataFrame:
    """Each row with the feature as it is and changed, and the two predictions."""
    versions = store.feature_versions(model_uri=model_uri)
    looked = store.look_up(model_uri=model_uri, df=keys, table_versions=versions)
    if feature not in looked.columns or feature in keys.columns:
        features = [name for name in looked.columns if name not in keys.columns]
        raise Misuse(f"The model looks no feature {feature!r} up. {suggestion(feature, features)}")
    rows = looked.toPandas()
    changed = rows.assign(**{feature: change(rows[feature])})
    before, after = (_predictions(store, model_uri, looked, frame) for frame in (rows, changed))
    result = rows[list(keys.columns)].copy()
    result[feature], result["changed to"] = rows[feature], changed[feature]
    result["before"], result["after"] = before, after
    return result.assign(moved=result["after"].astype(float) - result["before"].astype(float))


def _predictions(store: FeatureStore, model_uri: str, like: DataFrame, rows: pd.DataFrame) -> pd.Series:
    schema = StructType([*like.schema.fields, StructField("__position", LongType())])
    positioned = rows.assign(__position=range(len(rows)))
    typed = pa.Table.from_pandas(positioned, schema=to_arrow_schema(schema, timezone="UTC"), preserve_index=False)
    df = store.spark.createDataFrame(typed, schema)
    scored = store.score_batch(model_uri=model_uri, df=df, override_features=True).toPandas()
    return scored.sort_values("__position")["prediction"].reset_index(drop=True)


def _refuse(rows: pd.DataFrame, wrong: pd.Series, what: str) -> None:
    if wrong.any():
        worst = rows[wrong].sort_values("moved", key=lambda moved: -moved.abs()).head(_SHOWN)
        raise AssertionError(
            f"For {int(wrong.sum()):,} of {len(rows):,} rows {what}, for example:\n{worst.to_string(index=False)}"
        )
