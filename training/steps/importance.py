"""What a fitted estimator loses when columns are shuffled: permutation importance (Breiman, Random Forests, 2001)."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from training.steps.kinds import Kind, Values

SEED = 7
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
        self.whole = self._goodness(self.sample)

    def losses(self, groups: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """By how much the kind's main metric gets worse when the columns of a group are shuffled together, the most first."""
        generator = np.random.default_rng(self.seed)
        losses = {}
        for group, columns in groups.items():
            moved = [column for column in columns if column != self.decided_at]
            if moved:
                order = generator.permutation(len(self.sample))
                changed = self.sample.assign(**{column: self._shuffled(column, order) for column in moved})
                losses[group] = self.whole - self._goodness(changed)
        return dict(sorted(losses.items(), key=lambda item: -item[1]))

    def _shuffled(self, column: str, order: Values) -> pd.Series:
        values = self.sample[column]
        if not isinstance(values.dtype, pd.DatetimeTZDtype):
            return values.iloc[order].reset_index(drop=True)
        moments = self.sample[self.decided_at]
        return moments - (moments - values).iloc[order].reset_index(drop=True)

    def _goodness(self, frame: pd.DataFrame) -> float:
        return float(self.kind.goodness(self.labels, self.kind.predict(self.estimator, frame)))


def columns_by_origin(columns: Iterable[str], origins: Mapping[str, str]) -> dict[str, list[str]]:
    """The columns that each table or function gives."""
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(origins.get(column, GIVEN), []).append(column)
    return groups
