"""The steps ``register`` and ``promote``: the run in MLflow, the packaged model, the rows that it learned from, its office."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import pyarrow as pa
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from feature_store import FeatureStore
from feature_store.files import write_at_once
from feature_store.job import run_id
from feature_store.moments import utc
from feature_store.tables.commit import Commit, code_revision
from feature_store.tables.evolve import fit_rows_to_table
from training.steps import champion as office
from training.steps.already import DEFINITION, LAST_MOMENT, definition
from training.steps.candidate import Candidate
from training.steps.card.page import card
from training.steps.frame import HOLDOUT, TRAIN, packaged_set
from training.steps.gates import refused
from training.steps.trials import Found

CARD = "card.html"
"""Among the artifacts of a version's run."""


def register(store: FeatureStore, candidate: Candidate, *, cards: Path) -> tuple[str, Path]:
    """Log the run, package and register the model, keep what it learned from; the new version, and its card's file.

    The card is an artifact of the run, and a file in the folder ``cards``.
    """
    spec, model = candidate.spec, store.tables.full_name(candidate.spec.name)
    name = f"{spec.name} as of {candidate.as_of:%Y-%m-%d}"
    with mlflow.start_run(experiment_id=store.experiment(model), run_name=name):
        _log(candidate)
        version = _package(store, candidate)
        page = card(candidate, model=model, version=version)
        mlflow.log_text(page, CARD)
    keep_training_set(store, candidate, version)
    return version, save_card(page, cards / f"card-{version}.html")


def card_of(version: ModelVersion, *, cards: Path) -> Path | None:
    """The card's file of a version that is registered: fetched from its run if it is not in ``cards``; None if the run has none."""
    file = cards / f"card-{version.version}.html"
    if file.exists():
        return file
    try:
        return save_card(mlflow.artifacts.load_text(f"runs:/{version.run_id}/{CARD}"), file)
    except (MlflowException, OSError):
        return None


def save_card(page: str, file: Path) -> Path:
    """Write the page into the file, at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return write_at_once(page, file)


def decide(store: FeatureStore, candidate: Candidate, version: str) -> bool:
    """Give the version its office if its gates allow, or else the reason why not; whether it was promoted."""
    model, client = store.tables.full_name(candidate.spec.name), MlflowClient()
    client.set_registered_model_alias(model, office.CHALLENGER, version)
    failed = refused(candidate.verdicts)
    mode = candidate.settings.run_mode
    if failed and mode == "enabled":
        client.set_model_version_tag(model, version, office.REFUSED_BECAUSE, "; ".join(failed))
        return False
    passed = "passed " + ", ".join(dict.fromkeys(verdict.gate for verdict in candidate.verdicts if verdict.passed))
    reasons = {
        "enabled": passed,
        "dry_run": f"dry run, in spite of: {'; '.join(failed)}" if failed else passed,
        "disabled": "not judged: the profile's run_mode is disabled",
    }
    office.promote(model, version, as_of=candidate.as_of, reason=reasons[mode])
    return True


def keep_training_set(store: FeatureStore, candidate: Candidate, version: str) -> None:
    """Append the training frame, with the model's predictions, to ``<model>_training_set``: the baseline of drift."""
    spec, frame = candidate.spec, candidate.frame
    versions = pa.repeat(version, frame.joined.num_rows)
    predictions = pa.array(candidate.evaluation.predictions)
    rows = frame.joined.append_column("prediction", predictions).append_column("model_version", versions)
    name = f"{spec.name}_training_set"
    what = f"What each version of {spec.name} learned from, with its scores"
    rows = fit_rows_to_table(store.tables, name, rows, description=what, owner=spec.owner)
    commit = Commit(
        verb="train-model",
        as_of=candidate.as_of,
        sources={**frame.table_versions, frame.labels.table: frame.labels.version},
        details={"model": store.tables.full_name(spec.name), "model_version": version},
    )
    store.tables.append(name, rows, commit=commit)


def _log(candidate: Candidate) -> None:
    spec, frame, main, evaluation = candidate.spec, candidate.frame, candidate.main, candidate.evaluation
    parameters: dict[str, Any] = {
        "as_of": candidate.as_of.isoformat(), "holdout_days": spec.holdout.days, "estimator": main,
        "rows_fitted": int(frame.is_in(TRAIN).sum()), "rows_held_out": int(frame.is_in(HOLDOUT).sum()),
        "columns": len(frame.inputs), "kind": candidate.kind.name,
    }  # fmt: skip
    mlflow.log_params(parameters | {f"{main}.{key}": value for key, value in candidate.parameters.items()})
    for name, values in evaluation.metrics.items():
        prefix = "" if name == main else f"{name}."
        mlflow.log_metrics({f"{prefix}{metric}": value for metric, value in values.items()})
    mlflow.log_metrics({f"fitted_{metric}": value for metric, value in evaluation.fitted_metrics.items()})
    versions = dict(frame.table_versions)
    mlflow.set_tags({f"table_version.{table}": str(version) for table, version in versions.items()})
    mlflow.set_tags({"code_revision": code_revision(), "job_run": run_id(), "owner": spec.owner})
    mlflow.log_dict(
        {
            "tables": versions,
            "importance": dict(evaluation.importance),
            "table_importance": dict(evaluation.table_importance),
        },
        "training.json",
    )
    mlflow.log_dict(candidate.settings.model_dump(), "profile.json")
    mlflow.log_dict({"gates": [vars(verdict) for verdict in candidate.verdicts]}, "gates.json")
    for name, found in candidate.searched.items():
        _log_trials(name, found)


def _log_trials(name: str, found: Found) -> None:
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


def _package(store: FeatureStore, candidate: Candidate) -> str:
    spec, frame, as_of = candidate.spec, candidate.frame, candidate.as_of
    info = store.log_model(
        model=candidate.kind.as_registered(candidate.fitted[candidate.main]),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=packaged_set(store, spec, frame),
        registered_model_name=store.tables.full_name(spec.name),
        lineage={
            "as_of": as_of.isoformat(), "labels": {frame.labels.table: frame.labels.version},
            "fingerprint": frame.fingerprint, "frame": frame.labels.document(), "code_revision": code_revision(),
            "run": run_id(), LAST_MOMENT: frame.last_moment.isoformat(), "holdout_days": spec.holdout.days,
            "owner": spec.owner, "kind": candidate.kind.name,
        },
        serialization_format="cloudpickle",
    )  # fmt: skip
    version, client, model = str(info.registered_model_version), MlflowClient(), store.tables.full_name(spec.name)
    tags = {
        office.TRAINED_AS_OF: utc(as_of).isoformat(), office.FINGERPRINT: frame.fingerprint,
        DEFINITION: definition(spec, candidate.settings),
    }  # fmt: skip
    for key, value in tags.items():
        client.set_model_version_tag(model, version, key, value)
    client.update_registered_model(model, description=f"{spec.description}\n\nOwner: {spec.owner}")
    return version
