"""Estimators that can be named in a training spec: they take the training frame as it is looked up.

Text columns are categories, moments become hours before the moment of decision, everything else is a number.
"""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

SEED = 7


class HoursBefore(TransformerMixin, BaseEstimator):
    """Replace each column of moments by the hours from it to ``reference``, and drop ``reference`` itself."""

    def __init__(self, reference: str = "decided_at") -> None:
        self.reference = reference

    def fit(self, frame: pd.DataFrame, labels: object = None) -> Self:
        """Note which columns are moments and which are text, so that an empty batch is treated alike."""
        self.moments_ = [c for c in frame.select_dtypes("datetimetz").columns if c != self.reference]
        self.texts_ = list(frame.select_dtypes(exclude=["number", "datetimetz", "bool", "boolean"]).columns)
        self.columns_ = [c for c in frame.columns if c != self.reference]
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with numbers and text only."""
        result = frame[self.columns_].copy()
        for column in self.moments_:
            result[column] = (frame[self.reference] - frame[column]).dt.total_seconds() / 3600
        for column in self.columns_:
            if column in self.texts_:
                texts = frame[column].to_numpy(dtype=object, copy=True)
                texts[pd.isna(texts)] = np.nan
                result[column] = texts
            else:
                result[column] = result[column].astype("float64")
        return result


_texts = make_column_selector(dtype_exclude="number")
_numbers = make_column_selector(dtype_include="number")


def boosted_trees() -> Pipeline:
    """Histogram gradient boosting of a class; nulls go their own way in each split, categories are split as such."""
    return on_columns(
        HistGradientBoostingClassifier(
            max_iter=300, learning_rate=0.04, max_leaf_nodes=15, min_samples_leaf=80, l2_regularization=1.0,
            max_features=0.5, random_state=SEED,
        )
    )  # fmt: skip


def boosted_regression() -> Pipeline:
    """The same of a number: its mean, or whatever else the loss of scikit-learn's regressor is set to."""
    return on_columns(
        HistGradientBoostingRegressor(
            max_iter=200, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=80, l2_regularization=1.0,
            max_features=0.5, random_state=SEED,
        )
    )  # fmt: skip


def on_columns(estimator: BaseEstimator) -> Pipeline:
    """``estimator``, given numbers: texts as codes (NaN for those unseen), moments as hours before the decision.

    For trees of any library with scikit-learn's interface that take NaN for missing, such as LightGBM's.
    """
    columns = ColumnTransformer(
        [
            (
                "texts",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=200),
                _texts,
            ),
            ("numbers", "passthrough", _numbers),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(HoursBefore(), columns, estimator)


def logistic_regression() -> Pipeline:
    """A linear baseline: scaled numbers with medians for nulls, one column per frequent category."""
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=200, dtype=np.float32), _texts),
            (
                "numbers",
                # Once they are scaled, half the digits are enough: half the memory, and nearly half the time.
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True),
                    StandardScaler(),
                    FunctionTransformer(np.float32, feature_names_out="one-to-one"),
                ),
                _numbers,
            ),
        ]
    )
    # With a few hundred columns Newton's method needs four steps where the default solver needed 129.
    return make_pipeline(HoursBefore(), columns, LogisticRegression(solver="newton-cholesky", random_state=SEED))
