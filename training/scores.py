"""The classifier as it is registered: its ``predict`` gives the probability of the positive class."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator


def probability(classifier: BaseEstimator, frame: pd.DataFrame) -> NDArray[np.float64]:
    """The probability of the positive class, shape (rows,)."""
    return np.asarray(classifier.predict_proba(frame)[:, 1], dtype=np.float64)


class PositiveProbability(BaseEstimator):
    """A fitted classifier whose ``predict`` is the probability of its positive class: scores are probabilities."""

    def __init__(self, classifier: BaseEstimator) -> None:
        self.classifier = classifier

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The probability of the positive class, shape (rows,)."""
        return probability(self.classifier, frame)
