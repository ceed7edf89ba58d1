"""The way from labels to a champion: look features up, fit, evaluate on the holdout, judge, register, decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import mlflow
import mlflow.sklearn
import numpy as np
import pyarrow as pa
from mlflow.tracking import MlflowClient
from sklearn.base import BaseEstimator

from feature_store import FeatureStore
from feature_store.job import run_id
from feature_store.moments import utc
from feature_store.tables.commit import Commit, code_revision
from feature_store.tables.evolve import fit_rows_to_table
from training.scores import PositiveProbability, probability
from training.spec import TrainingSpec
from training.steps import champion as office
from training.steps.already import DEFINITION, LAST_MOMENT, already_trained, definition
from training.steps.evaluate import permutation_importance, plots
from training.steps.frame import HOLDOUT, TRAIN, TrainingFrame, assemble
from training.steps.gates import Verdict, judge
from training.steps.metrics import Scores, metrics


@dataclass(frozen=True)
class Trained:
    """What became of a training run. ``metrics`` maps each estimator's name, and ``champion``, to its holdout metrics."""

    model: str
    version: str
    rows: int
    metrics: Mapping[str, Mapping[str, float]]
    verdicts: Sequence[Verdict]
    promoted: bool
    repeated: bool = False


def train(store: FeatureStore, spec: TrainingSpec, *, as_of: datetime, begin: object = None) -> Trained:
    """Fit ``spec`` on what was known as of ``as_of``, register the model, and promote it if all gates pass.

    If a version has already learned from exactly these rows, by the same definition, nothing is done again. That is known
    from the tables' commits alone, unless they leave it open; then the rows are looked up and compared.
    """
    step = begin if callable(begin) else lambda name: None
    model = store.tables.full_name(spec.name)
    step("looking for what has changed")
    same = already_trained(store, spec, as_of=as_of)
    if same is None:
        step("looking features up")
        frame = assemble(store, spec, as_of=as_of)
        same = already_trained(store, spec, as_of=as_of, mark=frame.fingerprint)
    if same is not None:
        promoted = office.PROMOTED_AS_OF in same.tags
        if promoted:
            office.settle(model)
        rows = int(same.tags[office.FINGERPRINT].split(":")[0])
        return Trained(model, str(same.version), rows, {}, [], promoted, repeated=True)
    inputs, labels = frame.part(TRAIN)
    fitted: dict[str, BaseEstimator] = {}
    for name, make in spec.estimators.items():
        step(f"fitting {name}")
        fitted[name] = make().fit(inputs, labels)
    step("evaluating on the holdout")
    held, truth = frame.part(HOLDOUT)
    main = next(iter(fitted))
    # One prediction for each row: for the metrics of both parts, and for the training set that is kept.
    predictions = probability(fitted[main], frame.inputs_of_all)
    scores = {name: probability(one, held) for name, one in fitted.items() if name != main}
    scores = {main: predictions[frame.is_in(HOLDOUT)], **scores}
    results = {name: metrics(truth.to_numpy(), values) for name, values in scores.items()}
    rival = office.champion_before(model, as_of)
    if rival is not None:
        step(f"scoring the holdout with the champion, version {rival.version}")
        results["champion"] = champion_metrics(store, rival, frame)
    verdicts = judge(spec, results[main], results.get("champion"))
    step("logging and registering")
    with mlflow.start_run(experiment_id=store.experiment(model), run_name=f"{spec.name} as of {as_of:%Y-%m-%d}"):
        importance = permutation_importance(fitted[main], held, truth.to_numpy(), decided_at=spec.decided_at, seed=7)
        _log(spec, frame, fitted, results, importance, as_of)
        on_fitted = metrics(labels.to_numpy(), predictions[frame.is_in(TRAIN)])
        mlflow.log_metric("fitted_roc_auc", on_fitted["roc_auc"])
        for name, figure in plots(truth.to_numpy(), scores, importance).items():
            mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs={"dpi": 110})
        version = _register(store, spec, frame, fitted[main], as_of)
    keep_training_set(store, spec, frame, predictions, version, as_of)
    promoted = _decide(model, version, verdicts, as_of)
    return Trained(model, version, len(frame.rows), results, verdicts, promoted)


def champion_metrics(store: FeatureStore, champion: office.Champion, frame: TrainingFrame) -> dict[str, float]:
    """The champion's metrics on the same holdout; the packaged model looks its features up itself."""
    scored = (
        store.score_batch(model_uri=champion.uri, df=frame.holdout_entities).select(frame.label, "prediction").toArrow()
    )
    labels = np.asarray(scored[frame.label].to_numpy(zero_copy_only=False), dtype=np.bool_)
    return metrics(labels, np.asarray(scored["prediction"].to_numpy(), dtype=np.float64))


def keep_training_set(
    store: FeatureStore,
    spec: TrainingSpec,
    frame: TrainingFrame,
    predictions: Scores,
    version: str,
    as_of: datetime,
) -> None:
    """Append the training frame, with the model's predictions, to ``<model>_training_set``: the baseline of drift."""
    versions = pa.repeat(version, len(frame.rows))
    rows = frame.joined.append_column("prediction", pa.array(predictions)).append_column("model_version", versions)
    name = f"{spec.name}_training_set"
    what = f"What each version of {spec.name} learned from, with its scores"
    rows = fit_rows_to_table(store.tables, name, rows, description=what, owner=spec.owner)
    commit = Commit(
        verb="train-model",
        as_of=as_of,
        sources={**frame.training_set.table_versions, frame.labels.table: frame.labels.version},
        details={"model": store.tables.full_name(spec.name), "model_version": version},
    )
    store.tables.append(name, rows, commit=commit)


def _log(
    spec: TrainingSpec,
    frame: TrainingFrame,
    fitted: Mapping[str, BaseEstimator],
    results: Mapping[str, Mapping[str, float]],
    importance: Mapping[str, float],
    as_of: datetime,
) -> None:
    main = next(iter(fitted))
    parameters = {
        "as_of": as_of.isoformat(), "holdout_days": spec.holdout.days, "estimator": main,
        "rows_fitted": int(frame.is_in(TRAIN).sum()), "rows_held_out": int(frame.is_in(HOLDOUT).sum()), "columns": len(frame.inputs),
    }  # fmt: skip
    last = fitted[main][-1] if hasattr(fitted[main], "__getitem__") else fitted[main]
    mlflow.log_params(parameters | {f"{main}.{key}": value for key, value in last.get_params(deep=False).items()})
    for name, values in results.items():
        prefix = "" if name == main else f"{name}."
        mlflow.log_metrics({f"{prefix}{metric}": value for metric, value in values.items()})
    versions = dict(frame.training_set.table_versions)
    mlflow.set_tags({f"table_version.{table}": str(version) for table, version in versions.items()})
    mlflow.set_tags({"code_revision": code_revision(), "job_run": run_id(), "owner": spec.owner})
    mlflow.log_dict({"tables": versions, "importance": dict(importance)}, "training.json")


def _register(
    store: FeatureStore, spec: TrainingSpec, frame: TrainingFrame, estimator: BaseEstimator, as_of: datetime
) -> str:
    info = store.log_model(
        model=PositiveProbability(estimator),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=frame.training_set,
        registered_model_name=store.tables.full_name(spec.name),
        lineage={
            "as_of": as_of.isoformat(), "labels": {frame.labels.table: frame.labels.version},
            "fingerprint": frame.fingerprint, "frame": frame.labels.document(), "code_revision": code_revision(),
            "run": run_id(), LAST_MOMENT: frame.last_moment.isoformat(), "holdout_days": spec.holdout.days, "owner": spec.owner,
        },
        serialization_format="cloudpickle",
    )  # fmt: skip
    version, client, model = str(info.registered_model_version), MlflowClient(), store.tables.full_name(spec.name)
    tags = {
        office.TRAINED_AS_OF: utc(as_of).isoformat(), office.FINGERPRINT: frame.fingerprint, DEFINITION: definition(spec),
    }  # fmt: skip
    for key, value in tags.items():
        client.set_model_version_tag(model, version, key, value)
    client.update_registered_model(model, description=f"{spec.description}\n\nOwner: {spec.owner}")
    return version


def _decide(model: str, version: str, verdicts: Sequence[Verdict], as_of: datetime) -> bool:
    client = MlflowClient()
    client.set_registered_model_alias(model, office.CHALLENGER, version)
    failed = [verdict.sentence for verdict in verdicts if not verdict.passed]
    if failed:
        client.set_model_version_tag(model, version, office.REFUSED_BECAUSE, "; ".join(failed))
        return False
    office.promote(model, version, as_of=as_of, reason="passed " + ", ".join(verdict.gate for verdict in verdicts))
    return True
