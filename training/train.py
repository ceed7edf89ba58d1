"""Train, evaluate, gate and promote a model: ``train-model``."""

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import click
import mlflow
import mlflow.sklearn
import numpy as np
import pyarrow as pa
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient
from rich.table import Table
from sklearn.base import BaseEstimator

import training
from feature_store import FeatureStore, open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.evolve import fit_to_table
from feature_store.job import run_id, set_task_value
from feature_store.lineage import Commit, code_revision, utc
from training import champion as office
from training import reproduce as reproduction
from training.evaluate import permutation_importance, plots
from training.frame import HOLDOUT, TRAIN, TrainingFrame, assemble
from training.gates import Verdict, judge
from training.metrics import metrics
from training.scores import PositiveProbability, probability
from training.spec import TrainingSpec

DEFINITION = "training_definition"


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

    If a version has already learned from exactly these rows, by the same definition, nothing is done again.
    """
    step = begin if callable(begin) else lambda name: None
    model = store.tables.full_name(spec.name)
    step("looking features up")
    frame = assemble(store, spec, as_of=as_of)
    same = _already_trained(model, spec, frame, as_of)
    if same is not None:
        promoted = office.PROMOTED_AS_OF in same.tags
        if promoted:
            office.settle(model)
        return Trained(model, str(same.version), len(frame.rows), {}, [], promoted, repeated=True)
    inputs, labels = frame.part(TRAIN)
    fitted: dict[str, BaseEstimator] = {}
    for name, make in spec.estimators.items():
        step(f"fitting {name}")
        fitted[name] = make().fit(inputs, labels)
    step("evaluating on the holdout")
    held, truth = frame.part(HOLDOUT)
    scores = {name: probability(estimator, held) for name, estimator in fitted.items()}
    results = {name: metrics(truth.to_numpy(), values) for name, values in scores.items()}
    rival = office.champion_before(model, as_of)
    if rival is not None:
        step(f"scoring the holdout with the champion, version {rival.version}")
        results["champion"] = champion_metrics(store, rival, frame)
    main = next(iter(fitted))
    verdicts = judge(spec, results[main], results.get("champion"))
    step("logging and registering")
    with mlflow.start_run(experiment_id=store.experiment(model), run_name=f"{spec.name} as of {as_of:%Y-%m-%d}"):
        importance = permutation_importance(fitted[main], held, truth.to_numpy(), decided_at=spec.decided_at, seed=7)
        _log(store, spec, frame, fitted, results, importance, as_of)
        for name, figure in plots(truth.to_numpy(), scores, importance).items():
            mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs={"dpi": 110})
        version = _register(store, spec, frame, fitted[main], as_of)
    keep_training_set(store, spec, frame, fitted[main], version, as_of)
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
    estimator: BaseEstimator,
    version: str,
    as_of: datetime,
) -> None:
    """Append the training frame, with the model's predictions, to ``<model>_training_set``: the baseline of drift."""
    prediction = pa.array(probability(estimator, frame.rows[list(frame.inputs)]))
    versions = pa.repeat(version, len(frame.rows))
    rows = frame.joined.append_column("prediction", prediction).append_column("model_version", versions)
    df = store.spark.createDataFrame(rows)
    name = f"{spec.name}_training_set"
    what = f"What each version of {spec.name} learned from, with its scores"
    df = fit_to_table(store.tables, name, df, description=what, owner=spec.owner)
    commit = Commit(
        verb="train-model",
        as_of=as_of,
        sources={**frame.training_set.table_versions, frame.labels.table: frame.labels.version},
        details={"model": store.tables.full_name(spec.name), "model_version": version},
    )
    store.tables.append(name, df, commit=commit)


def _log(
    store: FeatureStore,
    spec: TrainingSpec,
    frame: TrainingFrame,
    fitted: Mapping[str, BaseEstimator],
    results: Mapping[str, Mapping[str, float]],
    importance: Mapping[str, float],
    as_of: datetime,
) -> None:
    main = next(iter(fitted))
    held, _ = frame.part(HOLDOUT)
    inputs, labels = frame.part(TRAIN)
    parameters = {
        "as_of": as_of.isoformat(), "holdout_days": spec.holdout.days, "estimator": main,
        "rows_fitted": len(inputs), "rows_held_out": len(held), "columns": len(frame.inputs),
    }  # fmt: skip
    last = fitted[main][-1] if hasattr(fitted[main], "__getitem__") else fitted[main]
    mlflow.log_params(parameters | {f"{main}.{key}": value for key, value in last.get_params(deep=False).items()})
    for name, values in results.items():
        prefix = "" if name == main else f"{name}."
        mlflow.log_metrics({f"{prefix}{metric}": value for metric, value in values.items()})
    fitted_metrics = metrics(labels.to_numpy(), probability(fitted[main], inputs))
    mlflow.log_metric("fitted_roc_auc", fitted_metrics["roc_auc"])
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
            "run": run_id(), "holdout_days": spec.holdout.days, "owner": spec.owner,
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


def definition(spec: TrainingSpec) -> str:
    """A hash of what the data scientist wrote: estimators' code, lookups, holdout, gates, exclusions."""
    modules = {inspect.getmodule(make) for make in spec.estimators.values()}
    code = sorted(inspect.getsource(module) for module in modules if module)
    facts: list[object] = [spec.label, str(spec.holdout), list(spec.estimators), list(spec.exclude_columns)]
    facts += [f"{metric} {gate}" for metric, gate in spec.gates.items()]
    facts += [
        (
            one.table_name,
            one.lookup_key,
            one.feature_names,
            sorted(one.rename_outputs.items()),
            one.timestamp_lookup_key,
            str(one.lookback_window),
            sorted(one.default_values.items()),
        )
        for one in spec.lookups
    ]
    return hashlib.sha256(repr([code, facts]).encode()).hexdigest()[:16]


def _already_trained(model: str, spec: TrainingSpec, frame: TrainingFrame, as_of: datetime) -> ModelVersion | None:
    wanted = {
        office.FINGERPRINT: frame.fingerprint, office.TRAINED_AS_OF: utc(as_of).isoformat(), DEFINITION: definition(spec),
    }  # fmt: skip
    decided = (office.PROMOTED_AS_OF, office.REFUSED_BECAUSE)
    for version in office.versions(model):
        same = all(version.tags.get(key) == value for key, value in wanted.items())
        if same and any(tag in version.tags for tag in decided):
            return version
    return None


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--reproduce",
    metavar="VERSION",
    help="Train nothing: build that version's training frame again, and prove it equal.",
)
@place_options
def main(name: str, reproduce: str | None, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Train the model NAME on what was known as of --as-of, and promote it if it passes its gates.

    \b
    train-model flight_delay
    train-model flight_delay --as-of 2013-07-01
    train-model flight_delay --reproduce 2

    A model is one module in training/. Its features are looked up as of each entity's moment of decision; the last
    stretch of time is held out; the challenger must pass the declared gates and not be worse than the champion on the
    same holdout. Every version stays registered, a refused one with the reason.

    With --reproduce the tables are read at the versions that the model recorded, whatever was published since; the
    command fails if the frame is another, and says whose history has been vacuumed.
    """
    if reproduce is not None:
        store = open_store(catalog=catalog, schema=schema, workspace=workspace)
        with progress(3, "steps") as begin:
            done = reproduction.reproduce(store, name, reproduce, begin=begin)
        set_task_value("equal", done.equal)
        reproduction.show(done)
        return
    spec = pick(discover(training, TrainingSpec), name, "model")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(len(spec.estimators) + 4, "steps") as begin:
        trained = train(store, spec, as_of=as_of, begin=begin)
    set_task_value("version", trained.version)
    set_task_value("promoted", trained.promoted)
    show(trained)


def show(trained: Trained) -> None:
    """Print what became of a training run."""
    name = f"{trained.model} version {trained.version}"
    if trained.repeated:
        state = "was promoted then" if trained.promoted else "was refused then"
        console.print(
            f"  {name} has already learned from exactly these {trained.rows:,} rows, and {state}: nothing to do."
        )
        return
    table = Table("metric on the holdout", *trained.metrics, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for metric in next(iter(trained.metrics.values())):
        table.add_row(metric, *(f"{values[metric]:.4f}" for values in trained.metrics.values()))
    console.print(f"  {name}, {trained.rows:,} rows")
    console.print(table)
    for verdict in trained.verdicts:
        if not verdict.passed:
            console.print(f"  [bad]refused[/]: {verdict.sentence}")
    console.print("  [good]promoted to champion[/]" if trained.promoted else "  stays challenger; the champion stays")


if __name__ == "__main__":
    main()
