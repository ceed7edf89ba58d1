"""The step ``fit``: each declared estimator, searched for first where the spec says so, fitted on the earlier rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cloudpickle
from sklearn.base import BaseEstimator

from training.profile import SearchBudget
from training.spec import Search, TrainingSpec
from training.steps.frame import TRAIN, TrainingFrame
from training.steps.kinds import Kind, made, make_of
from training.steps.trials import Found

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILE = "estimators.pkl"
Fitted = Mapping[str, BaseEstimator]


def fit(
    spec: TrainingSpec,
    kind: Kind,
    frame: TrainingFrame,
    *,
    budget: SearchBudget,
    trials: Path,
    step: Callable[[str], None],
    spark: Callable[[], SparkSession],
) -> tuple[Fitted, Mapping[str, Found]]:
    """The fitted estimators by name, and what was found for those that are searched.

    ``trials`` is a folder in which a search that is interrupted leaves what it has tried. Where ``spark`` is a cluster, its workers
    search.
    """
    inputs, labels = frame.part(TRAIN)
    labels = kind.labels(labels)
    fitted: dict[str, BaseEstimator] = {}
    found: dict[str, Found] = {}
    for name, one in spec.estimators.items():
        make = partial(made, make_of(one), spec.decided_at)
        estimator = make()
        if isinstance(one, Search) and budget.trials != 0:
            from training.steps.search import search  # Optuna takes a while to load
            from training.steps.workers import cluster_of

            tell, cluster = partial(_tell, step, name), cluster_of(spark())
            found[name] = search(
                replace(one, make=make),
                kind,
                inputs,
                labels,
                budget=budget,
                folder=trials / name,
                step=tell,
                cluster=cluster,
            )
            estimator = estimator.set_params(**found[name].parameters)
        step(f"fitting {name}")
        fitted[name] = estimator.fit(inputs, labels)
    return fitted, found


def _tell(step: Callable[[str], None], name: str, said: str) -> None:
    step(f"searching {name}: {said}")


def save_estimators(fitted: Fitted, folder: Path) -> None:
    """Write the estimators into ``folder``."""
    (folder / FILE).write_bytes(cloudpickle.dumps(dict(fitted)))


def load_estimators(folder: Path) -> Fitted:
    """What :func:`save_estimators` wrote: this model's own, of this workspace."""
    return cloudpickle.loads((folder / FILE).read_bytes())  # type: ignore[no-any-return]
