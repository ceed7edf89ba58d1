"""What a fitted estimator loses when columns are shuffled: permutation importance (Breiman, Random Forests, 2001)."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from training.steps.kinds import Kind, Values

SEED = 7
AT_ONCE = 10
"""So many shuffled frames are predicted together: to prepare a few thousand rows takes almost as long as to predict them."""
GIVEN = "given with the entity"
"""Where columns come from that no table gives."""


class Shuffled:
    """An estimator, and at most ``rows`` rows of a frame with their labels, in which columns can be shuffled.

    Moments are shuffled as their distance from ``decided_at``, which itself is left alone: a moment taken from another
    season would count as a far too important one.
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        kind: Kind,
        frame: pd.DataFrame,
        labels: Values,
        *,
        decided_at: str,
        seed: int = SEED,
        rows: int = 5_000,
    ) -> None:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(frame))[:rows])
        self.estimator, self.kind, self.decided_at, self.seed = estimator, kind, decided_at, seed
        self.sample, self.labels = frame.iloc[chosen].reset_index(drop=True), labels[chosen]
        self.whole = self._goodness(kind.predict(estimator, self.sample))

    def losses(self, groups: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """By how much the kind's main metric gets worse when the columns of a group are shuffled together, the most first."""
        generator = np.random.default_rng(self.seed)
        moved = {group: [one for one in columns if one != self.decided_at] for group, columns in groups.items()}
        shuffled = ((group, self._with(columns, generator)) for group, columns in moved.items() if columns)
        losses = {}
        while some := dict(islice(shuffled, AT_ONCE)):
            predictions = self.kind.predict(self.estimator, pd.concat(some.values(), ignore_index=True))
            for group, predicted in zip(some, np.split(predictions, len(some)), strict=True):
                losses[group] = self.whole - self._goodness(predicted)
        return dict(sorted(losses.items(), key=lambda item: -item[1]))

    def _with(self, columns: Sequence[str], generator: np.random.Generator) -> pd.DataFrame:
        """The sample with these columns shuffled together."""
        order = generator.permutation(len(self.sample))
        return self.sample.assign(**{column: self._shuffled(column, order) for column in columns})

    def _shuffled(self, column: str, order: Values) -> pd.Series:
        values = self.sample[column]
        if not isinstance(values.dtype, pd.DatetimeTZDtype):
            return values.iloc[order].reset_index(drop=True)
        moments = self.sample[self.decided_at]
        return moments - (moments - values).iloc[order].reset_index(drop=True)

    def _goodness(self, predictions: Values) -> float:
        return float(self.kind.goodness(self.labels, predictions))


def columns_by_origin(columns: Iterable[str], origins: Mapping[str, str]) -> dict[str, list[str]]:
    """The columns that each table or function gives."""
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(origins.get(column, GIVEN), []).append(column)
    return groups
