"""The three kinds of model: what a prediction is, how good it is, and what is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_regressor

from feature_store import FeatureStore
from feature_store.errors import WrongKind
from training.estimators import HoursBefore
from training.scores import PositiveProbability, probability
from training.spec import Search, TrainingSpec
from training.steps.metrics import class_metrics, metrics, number_metrics, rmse, roc_auc

Values = NDArray[Any]
SECONDS = "seconds_per_million_rows"


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    ``main_metric`` decides on challengers unless the spec says otherwise; ``goodness`` is the same, turned so that more is
    better, and decides on the trials of a search and the importance of columns. ``predict`` gives one value for each
    row, shape (rows,); ``metrics`` and ``goodness`` take labels and such values. ``result_type`` None is the label's own.
    """

    name: str
    main_metric: str
    goodness: Callable[[Values, Values], float]
    predict: Callable[[BaseEstimator, pd.DataFrame], Values]
    metrics: Callable[[Values, Values], Mapping[str, float]]
    as_registered: Callable[[BaseEstimator], BaseEstimator]
    result_type: str | None = "double"

    @property
    def metric_names(self) -> list[str]:
        """The metrics of a model of this kind: those of predictions, and the two that evaluation adds."""
        two = np.array([False, True]) if self is BINARY else np.array([0.0, 1.0])
        return [*self.metrics(two, np.array([0.0, 1.0])), f"{self.main_metric}_gap", SECONDS]

    def metric_of_part(self, labels: Values, predictions: Values, metric: str, *, at_least: int) -> float | None:
        """The metric of some of the rows; None if they are fewer than ``at_least``, or their labels all the same: it would be chance."""
        if len(labels) < at_least or len(np.unique(labels)) < 2:
            return None
        return float(self.metrics(labels, predictions)[metric])

    def labels(self, column: pd.Series) -> pd.Series:
        """The labels as estimators of this kind are fitted on them."""
        if self is BINARY:
            return column.astype(bool)
        return column.astype("float64") if self is REGRESSION else column


def _predicted(estimator: BaseEstimator, frame: pd.DataFrame) -> Values:
    return np.asarray(estimator.predict(frame))


def _itself(estimator: BaseEstimator) -> BaseEstimator:
    return estimator


def _macro_f1(labels: Values, predictions: Values) -> float:
    return class_metrics(labels, predictions)["macro_f1"]


def _minus_rmse(labels: Values, predictions: Values) -> float:
    return -rmse(labels, predictions)


BINARY = Kind("binary", "roc_auc", roc_auc, probability, metrics, PositiveProbability)
MULTICLASS = Kind("multiclass", "macro_f1", _macro_f1, _predicted, class_metrics, _itself, result_type=None)
REGRESSION = Kind("regression", "rmse", _minus_rmse, _predicted, number_metrics, _itself)
KINDS = {kind.name: kind for kind in (BINARY, MULTICLASS, REGRESSION)}


def kind_of(spec: TrainingSpec, label_type: str) -> Kind:
    """The kind that follows from the spec's estimators and Spark's name of its label's type.

    Raises
    ------
    WrongKind
        If a regressor is to predict what is no number, or regressors and classifiers are compared with each other.
    """
    regress = {name: is_regressor(make_of(one)()) for name, one in spec.estimators.items()}
    if len(set(regress.values())) > 1:
        raise WrongKind(
            f"Model {spec.name!r}: its estimators are compared with each other, and so are all regressors or all "
            f"classifiers; regressors are {[name for name, it_is in regress.items() if it_is]}."
        )
    if not all(regress.values()):
        return BINARY if label_type == "boolean" else MULTICLASS
    if label_type.split("(")[0] not in ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"):
        raise WrongKind(
            f"Model {spec.name!r}: a regressor predicts a number, and its label {spec.label!r} is {label_type}."
        )
    return REGRESSION


def result_type(store: FeatureStore, spec: TrainingSpec) -> str:
    """Spark's name of the type of the model's predictions: a class is of the label's own type."""
    label_type = label_type_of(store, spec)
    return kind_of(spec, label_type).result_type or label_type


def label_type_of(store: FeatureStore, spec: TrainingSpec) -> str:
    """Spark's name of the label's type, as its table has it."""
    schema = store.tables.columns(spec.labels.table)
    return str(schema[spec.label].dataType.simpleString())


def make_of(estimator: Callable[[], BaseEstimator] | Search) -> Callable[[], BaseEstimator]:
    """The function that makes the estimator, searched or not."""
    return estimator.make if isinstance(estimator, Search) else estimator


def made(make: Callable[[], BaseEstimator], decided_at: str) -> BaseEstimator:
    """A new estimator that counts hours before the spec's own moment of decision, whatever the column is called."""
    estimator = make()
    for part in estimator.get_params().values():
        if isinstance(part, HoursBefore) and part.reference == HoursBefore().reference:
            part.set_params(reference=decided_at)
    return estimator
