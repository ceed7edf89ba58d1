"""What features are worth to a model: the same rows, split and seed with them and without, and nothing is registered."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow
import numpy as np

from feature_store import FeatureStore, Misuse
from feature_store.files import write_at_once
from feature_store.job import run_id
from feature_store.pages.page import render
from feature_store.tables.commit import code_revision
from training.profile import Settings
from training.spec import TrainingSpec
from training.steps.asked import columns_asked, lookup_asked
from training.steps.fit import fit
from training.steps.frame import HOLDOUT, TRAIN, TrainingFrame
from training.steps.kept import Kept
from training.steps.kinds import SECONDS, Kind, Values
from training.steps.metrics import LOWER_IS_BETTER

RESAMPLES, SEED = 200, 7
FOLDER, _NEWEST = "worth", 20
_NO_SIDE = frozenset({"label_rate", "label_mean", "mean_prediction", "bias"})
_TEMPLATE = Path(__file__).parent / "card" / "worth.html.jinja"


@dataclass(frozen=True)
class Fit:
    """One of the two models: its columns, its metrics on the holdout, and what it costs.

    ``seconds`` are those of fitting; ``input_bytes`` are what the rows to fit on take in memory, ``model_bytes`` the fitted
    estimator in a file.
    """

    columns: int
    metrics: Mapping[str, float]
    seconds: float
    input_bytes: int
    model_bytes: int


@dataclass(frozen=True)
class Difference:
    """A metric as asked less the same as declared, with the interval in which 95 of 100 resamples of the holdout fall."""

    metric: str
    declared: float
    asked: float
    low: float
    high: float

    @property
    def change(self) -> float:
        """By how much the metric changes."""
        return self.asked - self.declared

    @property
    def has_side(self) -> bool:
        """Whether more of the metric is better, or less."""
        return self.metric not in _NO_SIDE

    @property
    def is_better(self) -> bool | None:
        """Whether it is better as asked; None if the interval has nothing in it, or the metric has no better side."""
        if not self.has_side or not (self.low > 0 or self.high < 0):
            return None
        return (self.change < 0) == (self.metric in LOWER_IS_BETTER)


@dataclass(frozen=True)
class Worth:
    """What was found: of the model ``asked`` in these words, on ``rows`` held out."""

    model: str
    estimator: str
    asked: str
    as_of: datetime
    rows: int
    main_metric: str
    as_declared: Fit
    as_asked: Fit
    differences: Sequence[Difference]

    @property
    def main(self) -> Difference:
        """The difference of the main metric."""
        return next(one for one in self.differences if one.metric == self.main_metric)

    @property
    def sentence(self) -> str:
        """What it comes to."""
        one, told = self.main, {None: "no clear difference", True: "better", False: "worse"}
        change = f"{one.change:+.4f} ({one.low:+.4f} to {one.high:+.4f})"
        return f"{self.asked}: {one.metric} changes by {change}, {told[one.is_better]}"

    def document(self) -> dict[str, Any]:
        """This as JSON data."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Worth:
        """What :meth:`document` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing, or of another kind.
        """
        fits = {name: Fit(**document[name]) for name in ("as_declared", "as_asked")}
        differences = [Difference(**one) for one in document["differences"]]
        as_of = datetime.fromisoformat(document["as_of"])
        return cls(**{**document, **fits, "as_of": as_of, "differences": differences})


@dataclass(frozen=True)
class Question:
    """The spec with everything that is asked about looked up, and the columns of either model that the other lacks."""

    spec: TrainingSpec
    words: str
    more: Sequence[str]
    fewer: Sequence[str]

    @classmethod
    def of(cls, store: FeatureStore, spec: TrainingSpec, *, more: Sequence[str], fewer: Sequence[str]) -> Question:
        """What ``--with`` and ``--without`` ask, each given once or more often.

        Raises
        ------
        Misuse, NotFound
            If one of them names nothing that there is.
        """
        added: list[str] = []
        wide = spec
        for text in more:
            lookup = lookup_asked(store, wide, text)
            added += [lookup.output_name(feature) for feature in lookup.feature_names]
            wide = replace(wide, lookups=[*wide.lookups, lookup])
        removed = [column for text in fewer for column in columns_asked(store, spec, text)]
        words = " and ".join([*(f"with {text}" for text in more), *(f"without {text}" for text in fewer)])
        return cls(wide, words, added, removed)


def measure(
    store: FeatureStore,
    frame: TrainingFrame,
    question: Question,
    kind: Kind,
    *,
    model: str,
    as_of: datetime,
    settings: Settings,
    kept: Kept,
    begin: Callable[[str], None],
) -> Worth:
    """Fit the model as it is declared and as it is asked about, on this ``frame`` of both, and compare them on the holdout.

    The interval of each difference is the percentile bootstrap's (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993), of rows resampled in pairs; rows of one day are taken to be independent, which makes it too narrow rather than too wide.

    Raises
    ------
    Misuse
        If no column would be left to learn from, or the estimator cannot be fitted to those that are.
    """
    main = next(iter(question.spec.estimators))
    spec = replace(question.spec, estimators={main: question.spec.estimators[main]})
    columns = {
        "as declared": [name for name in frame.inputs if name not in question.more],
        "as asked": [name for name in frame.inputs if name not in question.fewer],
    }
    if not set(columns["as asked"]) - {spec.decided_at}:
        raise Misuse(f"{spec.name!r} {question.words} has no column left to learn from.")
    labels = kind.labels(frame.truth(HOLDOUT)).to_numpy()
    found: list[tuple[Fit, Values]] = []
    for name, chosen in columns.items():
        narrow, began = replace(frame, inputs=chosen), time.perf_counter()
        trials = kept.unfinished(FOLDER, {"columns": chosen})
        step = partial(_begin, begin, name)
        try:
            fitted, _ = fit(
                spec, kind, narrow, budget=settings.search, trials=trials, step=step, spark=lambda: store.spark
            )
        except ValueError as error:
            raise Misuse(f"{main} cannot be fitted {name}: {error}") from error
        finally:
            shutil.rmtree(trials, ignore_errors=True)
        seconds = time.perf_counter() - began
        held, began = narrow.part(HOLDOUT)[0], time.perf_counter()
        values = kind.predict(fitted[main], held)
        speed = {SECONDS: (time.perf_counter() - began) / len(held) * 1_000_000}
        size = int(narrow.part(TRAIN)[0].memory_usage(deep=True).sum())
        metrics = {**kind.metrics(labels, values), **speed}
        found.append((Fit(len(chosen), metrics, seconds, size, len(cloudpickle.dumps(fitted[main]))), values))
    begin("resampling the holdout")
    (declared, before), (asked, after) = found
    differences = compare(kind, labels, before, after)
    return Worth(model, main, question.words, as_of, len(labels), kind.main_metric, declared, asked, differences)


def _begin(begin: Callable[[str], None], name: str, said: str) -> None:
    begin(f"{said}, {name}")


def compare(kind: Kind, labels: Values, declared: Values, asked: Values, *, times: int = RESAMPLES) -> list[Difference]:
    """The difference of each metric between two predictions of the same rows, shapes (rows,), with its interval.

    Resamples in which all labels are the same have no metrics, and are left out; the interval is NaN if none has.
    """
    generator, changes = np.random.default_rng(SEED), list[list[float]]()
    is_class = kind.name != "regression"
    for _ in range(times):
        chosen = generator.integers(0, len(labels), len(labels))
        truth = labels[chosen]
        if is_class and (truth == truth[0]).all():
            continue
        before, after = (kind.metrics(truth, values[chosen]) for values in (declared, asked))
        changes.append([after[metric] - before[metric] for metric in before])
    before, after = kind.metrics(labels, declared), kind.metrics(labels, asked)
    bounds = np.quantile(changes, [0.025, 0.975], axis=0) if changes else np.full((2, len(before)), np.nan)
    return [
        Difference(metric, before[metric], after[metric], float(low), float(high))
        for metric, low, high in zip(before, *bounds, strict=True)
    ]


def page(worth: Worth) -> str:
    """The page of HTML."""
    return render(_TEMPLATE, worth=worth, revision=code_revision())


def log(store: FeatureStore, worth: Worth, folder: Path) -> Path:
    """Log a run with one nested for each model, and keep what was found for the next training card; the page's file."""
    experiment = store.experiment(worth.model)
    with mlflow.start_run(experiment_id=experiment, run_name=worth.asked):
        mlflow.set_tags({"code_revision": code_revision(), "job_run": run_id(), "asked": worth.asked})
        mlflow.log_param("as_of", worth.as_of.isoformat())
        told: dict[str, float] = {}
        for one in worth.differences:
            bounds = {"change": one.change, "change_low": one.low, "change_high": one.high}
            told |= {f"{one.metric}.{name}": value for name, value in bounds.items()}
        mlflow.log_metrics(told)
        for name, fitted in (("as declared", worth.as_declared), ("as asked", worth.as_asked)):
            with mlflow.start_run(experiment_id=experiment, nested=True, run_name=name):
                mlflow.log_params({"estimator": worth.estimator, "columns": fitted.columns})
                costs = {"input_bytes": fitted.input_bytes, "model_bytes": fitted.model_bytes}
                mlflow.log_metrics({**fitted.metrics, "seconds_to_fit": fitted.seconds, **costs})
        text = page(worth)
        mlflow.log_text(text, "worth.html")
        run = mlflow.active_run()
        name = run.info.run_id if run else run_id()
    return _keep(worth, text, folder / FOLDER, name)


def _keep(worth: Worth, text: str, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".html", text), (".json", json.dumps(worth.document(), indent=1))):
        write_at_once(content, folder / f"{name}{suffix}")
    for old in _files(folder)[_NEWEST:]:
        for file in (old, old.with_suffix(".html")):
            file.unlink(missing_ok=True)
    return folder / f"{name}.html"


def known(folder: Path, *, as_of: datetime) -> list[Worth]:
    """What was asked of a model as of no later moment, the newest first; ``folder`` is where its steps are kept."""
    found = []
    for file in _files(folder / FOLDER):
        try:
            worth = Worth.from_document(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another version, or deleted just now
        if worth.as_of <= as_of:
            found.append(worth)
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
