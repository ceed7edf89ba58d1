"""The step ``evaluate``: what each estimator, and the champion, makes of the same holdout."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feature_store import FeatureStore
from training.spec import TrainingSpec
from training.steps.champion import Champion
from training.steps.fit import Fitted
from training.steps.frame import HOLDOUT, TRAIN, TrainingFrame
from training.steps.importance import Shuffled, columns_by_origin
from training.steps.kinds import SECONDS, Kind, Values, result_type
from training.steps.metrics import LOWER_IS_BETTER

CHAMPION = "champion"
_PREDICTIONS, _SCORES = "predictions.parquet", "scores.parquet"


@dataclass(frozen=True)
class Evaluation:
    """What was found out of fitted estimators.

    ``metrics`` maps each estimator's name, and ``champion``, to metrics on the holdout; ``scores`` to predictions of its rows,
    in the frame's order. ``predictions`` are the model's own of all rows; ``importance`` is of its columns, ``table_importance``
    of all columns of a table together.
    """

    metrics: Mapping[str, Mapping[str, float]]
    fitted_metrics: Mapping[str, float]
    importance: Mapping[str, float]
    table_importance: Mapping[str, float]
    predictions: Values
    scores: Mapping[str, Values]


def evaluate(
    store: FeatureStore,
    spec: TrainingSpec,
    kind: Kind,
    frame: TrainingFrame,
    fitted: Fitted,
    rival: Champion | None,
    *,
    step: Callable[[str], None],
) -> Evaluation:
    """Predict, and compare with the labels. The first estimator is the model; ``rival`` is the champion, if there is one.

    The model's metrics have two more: ``<main metric>_gap``, by how much it is better on what it was fitted on, and
    ``seconds_per_million_rows`` that it took to predict.
    """
    step("evaluating on the holdout")
    held, truth = frame.part(HOLDOUT)
    labels = kind.labels(truth).to_numpy()
    main = next(iter(fitted))
    began = time.perf_counter()
    # One prediction for each row: for the metrics of both parts, and for the training set that is kept.
    predictions = kind.predict(fitted[main], frame.inputs_of_all)
    seconds = time.perf_counter() - began
    others = {name: kind.predict(one, held) for name, one in fitted.items() if name != main}
    scores = {main: predictions[frame.is_in(HOLDOUT)], **others}
    if rival is not None:
        step(f"scoring the holdout with the champion, version {rival.version}")
        scores[CHAMPION] = packaged_scores(store, spec, frame, rival.uri)
    results = {name: dict(kind.metrics(labels, values)) for name, values in scores.items()}
    fitted_labels = kind.labels(frame.truth(TRAIN)).to_numpy()
    on_fitted = kind.metrics(fitted_labels, predictions[frame.is_in(TRAIN)])
    sign = -1 if kind.main_metric in LOWER_IS_BETTER else 1
    gap = sign * (on_fitted[kind.main_metric] - results[main][kind.main_metric])
    results[main] |= {
        f"{kind.main_metric}_gap": float(gap),
        SECONDS: seconds / len(predictions) * 1_000_000,
    }
    step("measuring the importance of columns")
    shuffled = Shuffled(fitted[main], kind, held, labels, decided_at=spec.decided_at)
    importance = shuffled.losses({name: [name] for name in held.columns})
    by_table = shuffled.losses(columns_by_origin(held.columns, frame.origins))
    return Evaluation(results, on_fitted, importance, by_table, predictions, scores)


def packaged_scores(store: FeatureStore, spec: TrainingSpec, frame: TrainingFrame, model_uri: str) -> Values:
    """A packaged model's predictions of the holdout, in the frame's order; it looks its features up itself."""
    entities = frame.entities(store, HOLDOUT, position="__position")
    scored = store.score_batch(model_uri=model_uri, df=entities, result_type=result_type(store, spec))
    rows = scored.select("__position", "prediction").toArrow().sort_by("__position")
    return np.asarray(rows["prediction"].to_numpy(zero_copy_only=False))


def save_evaluation(found: Evaluation, folder: Path) -> dict[str, object]:
    """Write predictions and scores into ``folder``; the rest, as JSON data."""
    pq.write_table(pa.table({"prediction": found.predictions}), folder / _PREDICTIONS)
    pq.write_table(pa.table(dict(found.scores)), folder / _SCORES)
    return {
        "metrics": found.metrics, "fitted_metrics": found.fitted_metrics,
        "importance": found.importance, "table_importance": found.table_importance,
    }  # fmt: skip


def load_evaluation(folder: Path, told: Mapping[str, Any]) -> Evaluation:
    """What :func:`save_evaluation` wrote, and told, of the same ``folder``."""
    predictions = pq.read_table(folder / _PREDICTIONS)["prediction"].to_numpy()
    table = pq.read_table(folder / _SCORES)
    scores = {name: table[name].to_numpy() for name in table.column_names}
    return Evaluation(
        told["metrics"], told["fitted_metrics"], told["importance"], told["table_importance"], predictions, scores
    )
