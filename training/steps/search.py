"""Hyper-parameters, searched on the earlier rows only: each trial is fitted and judged on stretches of time in their order.

Trials are asked for in batches, each with a seed that follows from the number of trials before it, and recorded when the
batch is done. So the same seed and budget give the same trials, however many processes there are, and a search that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from feature_store.errors import Misuse, suggestion
from training.spec import Between, Choice, Search
from training.steps.kinds import Kind
from training.steps.trials import LABEL, Found, tried
from training.steps.workers import Outcome, Parameters, TryAll, workers

if TYPE_CHECKING:
    from pyspark import SparkContext

    from training.profile import SearchBudget

_ROWS = "rows.parquet"


def search(
    what: Search,
    kind: Kind,
    inputs: pd.DataFrame,
    labels: pd.Series,
    *,
    budget: SearchBudget,
    folder: Path,
    step: Callable[[str], None],
    cluster: SparkContext | None = None,
) -> Found:
    """The best of at most ``budget`` trials; ``inputs`` are in the order of their moments of decision.

    Trials that are recorded in ``folder`` are not tried again. They are tried by the workers of ``cluster``, or by processes here.

    Raises
    ------
    Misuse
        If a parameter is not one of the estimator's, or no trial succeeded; with the last one's error.
    """
    _check_parameters(what)
    folder.mkdir(parents=True, exist_ok=True)
    inputs.assign(**{LABEL: labels}).to_parquet(folder / _ROWS)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / "trials.log"))),
        study_name="search", direction="maximize", load_if_exists=True,
    )  # fmt: skip
    for begun in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(begun.number, state=TrialState.FAIL)  # begun by a run that was killed
    wanted = what.trials if budget.trials is None else budget.trials
    ends = time.monotonic() + 60 * budget.minutes if budget.minutes else float("inf")
    number = min(budget.workers or joblib.cpu_count(), what.at_once)
    with workers(partial(tried, what, kind.name), folder / _ROWS, number=number, cluster=cluster) as try_all:
        while (done := len(_finished(study))) < wanted and (done == 0 or time.monotonic() < ends):
            step(_progress(study, done, wanted))
            study.sampler = optuna.samplers.TPESampler(seed=what.seed + done, multivariate=True)
            asked = [study.ask() for _ in range(min(what.at_once, wanted - done))]
            outcomes = _all_tried(try_all, what, [_suggested(trial, what) for trial in asked])
            for trial, (value, seconds, error) in zip(asked, outcomes, strict=True):
                trial.set_user_attr("seconds", seconds)
                trial.set_user_attr("error", error)
                study.tell(trial, value if value is not None else [float("-inf")])
    return _found(study, what)


def _all_tried(try_all: TryAll, what: Search, several: Sequence[Parameters]) -> list[Outcome]:
    """The outcome of each of several parameters: the mean over the folds, if none went wrong, and all seconds together.

    Each fold is a task of its own, the longest first, so that all workers end at about the same time.
    """
    places = [(place, fold) for fold in reversed(range(what.folds)) for place in range(len(several))]
    outcomes = dict(zip(places, try_all([(several[place], fold) for place, fold in places]), strict=True))
    together: list[Outcome] = []
    for place in range(len(several)):
        values, seconds, errors = zip(*(outcomes[place, fold] for fold in range(what.folds)), strict=True)
        error = next(filter(None, errors), "")
        together.append((None if error else float(np.mean(values)), sum(seconds), error))
    return together


def _check_parameters(what: Search) -> None:
    known = what.make().get_params()
    unknown = [name for name in what.space if name not in known]
    if unknown:
        raise Misuse(f"The estimator has no parameter {unknown[0]!r} to search. {suggestion(unknown[0], known)}")


def _suggested(trial: Trial, what: Search) -> dict[str, Any]:
    return {name: _one(trial, name, range_) for name, range_ in what.space.items()}


def _one(trial: Trial, name: str, range_: Between | Choice) -> Any:
    if isinstance(range_, Choice):
        return trial.suggest_categorical(name, list(range_.values))
    if isinstance(range_.low, int) and isinstance(range_.high, int):
        return trial.suggest_int(name, range_.low, range_.high, log=range_.log)
    return trial.suggest_float(name, range_.low, range_.high, log=range_.log)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _progress(study: optuna.Study, done: int, wanted: int) -> str:
    return f"{done} of {wanted} trials" + (f", the best {study.best_value:.4f}" if done else "")


def _found(study: optuna.Study, what: Search) -> Found:
    trials = _finished(study)
    if study.best_value == float("-inf"):
        raise Misuse(
            f"None of {len(trials)} trials could be fitted. The last one said: {trials[-1].user_attrs['error']}"
        )
    return Found(
        study.best_params,
        [{"parameters": one.params, "value": one.value, **one.user_attrs} for one in trials],
    )
