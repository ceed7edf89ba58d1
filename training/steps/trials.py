"""A trial of hyper-parameters, and what a search has found.

Whoever tries loads this module, each process by itself: MLflow and Optuna would take it longer than many a trial.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from training.spec import Search
from training.steps.kinds import KINDS
from training.steps.workers import Outcome, Task

LABEL = "__label"


@dataclass(frozen=True)
class Found:
    """The best hyper-parameters, and all trials: ``parameters``, ``value`` of the main metric (more is better), ``seconds``."""

    parameters: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]


def tried(what: Search, kind: str, frame: pd.DataFrame, task: Task) -> Outcome:
    """The main metric on one fold of ``frame``, the seconds that it took, and what went wrong, if anything did."""
    began, judge, (parameters, fold) = time.perf_counter(), KINDS[kind], task
    inputs, labels = frame.drop(columns=LABEL), frame[LABEL]
    fitted, judged = folds(len(frame), what.folds)[fold]
    try:
        estimator = what.make().set_params(**parameters).fit(inputs.iloc[fitted], labels.iloc[fitted])
        predictions = judge.predict(estimator, inputs.iloc[judged])
        value = judge.goodness(labels.iloc[judged].to_numpy(), predictions)
    except Exception as error:  # whatever an estimator says of parameters that it cannot be fitted with
        return None, time.perf_counter() - began, f"{type(error).__name__}: {error}"
    return value, time.perf_counter() - began, ""


def folds(rows: int, number: int) -> list[tuple[slice, slice]]:
    """For each fold, the rows that are fitted on and those, just after them, that are judged.

    The rows are in the order of time, and cut into ``number + 1`` stretches of equal length.

    >>> folds(8, 3)
    [(slice(0, 2, None), slice(2, 4, None)), (slice(0, 4, None), slice(4, 6, None)), (slice(0, 6, None), slice(6, 8, None))]
    """
    edges = [rows * stretch // (number + 1) for stretch in range(number + 2)]
    return [(slice(0, begin), slice(begin, end)) for begin, end in pairwise(edges[1:])]
