"""What a search of hyper-parameters has found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow


@dataclass(frozen=True)
class Found:
    """The best hyper-parameters, and all trials: ``parameters``, ``value`` of the main metric (more is better), ``seconds``."""

    parameters: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]


def log_trials(name: str, found: Found) -> None:
    """One nested run for each trial, in the run that is active, and in its experiment."""
    active = mlflow.active_run()
    experiment = active.info.experiment_id if active else None
    for number, trial in enumerate(found.trials):
        with mlflow.start_run(nested=True, experiment_id=experiment, run_name=f"{name}, trial {number}"):
            mlflow.log_params(trial["parameters"])
            mlflow.log_metric("seconds", trial["seconds"])
            if trial["error"]:
                mlflow.set_tag("error", trial["error"])
            else:
                mlflow.log_metric("value", trial["value"])
