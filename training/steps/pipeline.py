"""The way from labels to a champion, in steps: assemble, fit, evaluate, validate, register, promote.

What a step has made is kept (see :mod:`training.steps.kept`); one whose inputs have not changed is not done again. The split
is a column of what ``assemble`` makes, and the transformation a part of what ``fit`` fits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import sklearn

from feature_store import FeatureStore, Misuse
from feature_store.errors import suggestion
from feature_store.moments import utc
from training.profile import Settings, with_limits
from training.spec import TrainingSpec
from training.steps import STEPS
from training.steps import champion as office
from training.steps.already import already_trained, fit_facts, gate_facts, lookup_facts
from training.steps.candidate import Candidate
from training.steps.card.page import card
from training.steps.evaluate import CHAMPION, Evaluation, evaluate, load_evaluation, save_evaluation
from training.steps.fit import Fitted, fit, load_estimators, save_estimators
from training.steps.frame import HOLDOUT, TrainingFrame, assemble, labels_of, load_frame, save_frame
from training.steps.gates import Compared, Verdict, check_gates, comparisons, judge
from training.steps.kept import Kept, Output
from training.steps.kinds import Kind, kind_of, label_type_of
from training.steps.register import card_of, decide, register, save_card
from training.steps.trials import Found
from training.steps.worth import Question, Worth, known, log, measure

Begin = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What became of a training run. ``metrics`` maps each estimator's name, and ``champion``, to its holdout metrics.

    ``steps`` are those that were gone through; ``version`` is empty if they ended before ``register``. ``card`` is the file of the
    training card, None before ``validate``. ``repeated``: a version had learned just so before, and nothing was done; the card is its.
    """

    model: str
    version: str
    rows: int
    metrics: Mapping[str, Mapping[str, float]]
    verdicts: Sequence[Verdict]
    promoted: bool
    repeated: bool = False
    steps: Sequence[Output] = ()
    card: Path | None = None


def train(
    store: FeatureStore,
    spec: TrainingSpec,
    *,
    as_of: datetime,
    settings: Settings = Settings(),  # noqa: B008 - it is frozen
    until: str = STEPS[-1],
    rerun: bool = False,
    begin: Begin = lambda step: None,
) -> Trained:
    """Fit ``spec`` on what was known as of ``as_of``, register the model, and promote it if all gates pass.

    Goes up to the step ``until``; with ``rerun``, all steps are done again. If a version has already learned from exactly these
    rows, by the same definition, nothing is done again. That is known from the tables' commits alone, unless they leave it
    open; then the rows are looked up and compared.

    Raises
    ------
    Misuse
        If there is no such step, or the labels are not enough to learn from.
    """
    if until not in STEPS:
        raise Misuse(f"There is no step {until!r}. {suggestion(until, STEPS)}")
    run = Run(store, with_limits(spec, settings.gates), settings, utc(as_of), Kept(_folder(store, spec), rerun), begin)
    check_gates(run.spec, run.kind.metric_names)
    if until == STEPS[-1] and not rerun:
        begin("looking for what has changed")
        repeated = run.repeated() or run.repeated(run.assembled.told["fingerprint"])
        if repeated:
            return repeated
    return run.up_to(until)


def weigh(
    store: FeatureStore,
    spec: TrainingSpec,
    *,
    more: Sequence[str] = (),
    fewer: Sequence[str] = (),
    as_of: datetime,
    settings: Settings = Settings(),  # noqa: B008 - it is frozen
    begin: Begin = lambda step: None,
) -> tuple[Worth, Path]:
    """What lookups that ``spec`` does not have (``more``), or columns that it has (``fewer``), are worth; and the page that tells.

    They are named as :mod:`training.steps.asked` says. The two models are logged to MLflow as nested runs, and not registered.

    Raises
    ------
    Misuse, NotFound
        If something is named that is not there, or the labels are not enough to learn from.
    """
    question = Question.of(store, spec, more=more, fewer=fewer)
    run = Run(store, question.spec, settings, utc(as_of), Kept(_folder(store, spec)), begin)
    worth = measure(
        store, run.frame, question, run.kind, model=run.model, as_of=run.as_of, settings=settings, kept=run.kept,
        begin=begin,
    )  # fmt: skip
    return worth, log(store, worth, run.kept.folder)


@dataclass
class Run:
    """One run of the steps; each output is made, or found, when it is first asked for."""

    store: FeatureStore
    spec: TrainingSpec
    settings: Settings
    as_of: datetime
    kept: Kept
    begin: Begin

    @cached_property
    def model(self) -> str:
        """The model's full name."""
        return self.store.tables.full_name(self.spec.name)

    @cached_property
    def kind(self) -> Kind:
        """What kind of model it is, by the label's type."""
        return kind_of(self.spec, label_type_of(self.store, self.spec))

    @cached_property
    def rival(self) -> office.Champion | None:
        """The champion that has to be beaten."""
        return office.champion_before(self.model, self.as_of)

    def repeated(self, mark: str | None = None) -> Trained | None:
        """What was decided when a version learned the same, if one did."""
        same = already_trained(self.store, self.spec, self.settings, as_of=self.as_of, mark=mark)
        if same is None:
            return None
        promoted = office.PROMOTED_AS_OF in same.tags
        if promoted:
            office.settle(self.model)
        rows = int(same.tags[office.FINGERPRINT].split(":")[0])
        page = card_of(same, cards=self.kept.folder)
        return Trained(
            self.model, str(same.version), rows, {}, [], promoted, repeated=True, steps=self.kept.done, card=page
        )

    # ---- the steps

    @cached_property
    def assembled(self) -> Output:
        """The training frame: labels, features as of their moments of decision, and the part of each row."""
        labels = labels_of(self.store, self.spec, sample=self.settings.sample_fraction)
        tables = sorted({lookup.table_name for lookup in self.spec.lookups})
        versions = {name: self._identity(name) for name in tables}
        inputs = {
            "as_of": self.as_of,
            "labels": labels.document(),
            "tables": versions,
            "lookups": repr(lookup_facts(self.spec)),
        }

        def make(folder: Path) -> Mapping[str, object]:
            self.begin("looking features up")
            self.frame = assemble(self.store, self.spec, labels, as_of=self.as_of)
            return save_frame(self.frame, folder)

        return self.kept.step("assemble", inputs, make)

    @cached_property
    def frame(self) -> TrainingFrame:
        """The frame in memory."""
        return load_frame(self.assembled.folder, self.assembled.told)

    @cached_property
    def fitting(self) -> Output:
        """The fitted estimators, and what searches have found."""
        facts = {
            "frame": self.assembled.told["fingerprint"], "inputs": self.assembled.told["inputs"], "kind": self.kind.name,
            "definition": repr(fit_facts(self.spec, self.settings)), "scikit-learn": sklearn.__version__,
        }  # fmt: skip
        unfinished = self.kept.unfinished("fit", facts)

        def make(folder: Path) -> Mapping[str, object]:
            check_gates(self.spec, self.kind.metric_names, self.frame.joined.column_names)
            budget = self.settings.search
            self.fitted, found = fit(
                self.spec, self.kind, self.frame, budget=budget, trials=unfinished, step=self.begin,
                spark=lambda: self.store.spark,
            )  # fmt: skip
            save_estimators(self.fitted, folder)
            return {"estimators": list(self.fitted), "searched": {name: vars(one) for name, one in found.items()}}

        output = self.kept.step("fit", facts, make)
        shutil.rmtree(unfinished, ignore_errors=True)
        return output

    @cached_property
    def fitted(self) -> Fitted:
        """The fitted estimators in memory."""
        return load_estimators(self.fitting.folder)

    @cached_property
    def evaluated(self) -> Output:
        """Predictions and metrics, of the champion as well."""
        facts = {"fitted": self.fitting.folder.name, "champion": self.rival.version if self.rival else None}

        def make(folder: Path) -> Mapping[str, object]:
            self.evaluation = evaluate(
                self.store, self.spec, self.kind, self.frame, self.fitted, self.rival, step=self.begin
            )
            return save_evaluation(self.evaluation, folder)

        return self.kept.step("evaluate", facts, make)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The same in memory."""
        return load_evaluation(self.evaluated.folder, self.evaluated.told)

    @cached_property
    def validated(self) -> Output:
        """The verdict of each gate; none if the profile's run_mode is disabled."""
        facts = {"evaluated": self.evaluated.folder.name, "gates": gate_facts(self.spec, self.settings)}

        def make(folder: Path) -> Mapping[str, object]:
            self.begin("judging")
            return {"verdicts": [asdict(verdict) for verdict in self._judged()]}

        return self.kept.step("validate", facts, make)

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts in memory."""
        return [Verdict(**verdict) for verdict in self.validated.told["verdicts"]]

    def _judged(self) -> list[Verdict]:
        if self.settings.run_mode == "disabled":
            return []
        metrics = self.evaluated.told["metrics"]
        main, compared = self.fitting.told["estimators"][0], None
        if CHAMPION in metrics and any(gate.per for gate in comparisons(self.spec)):
            scores, labels = self.evaluation.scores, self.kind.labels(self.frame.truth(HOLDOUT)).to_numpy()
            rows = self.frame.rows[self.frame.is_in(HOLDOUT)]
            compared = Compared(rows, labels, scores[main], scores[CHAMPION], self.kind)
        return judge(self.spec, metrics[main], metrics.get(CHAMPION), kind=self.kind, compared=compared)

    def candidate(self) -> Candidate:
        """All that registering needs."""
        searched = {name: Found(**found) for name, found in self.fitting.told["searched"].items()}
        return Candidate(
            spec=self.spec, settings=self.settings, kind=self.kind, frame=self.frame, fitted=self.fitted, searched=searched,
            evaluation=self.evaluation, verdicts=self.verdicts, as_of=self.as_of,
            asked=known(self.kept.folder, as_of=self.as_of),
        )  # fmt: skip

    def up_to(self, until: str) -> Trained:
        """Go through the steps, up to and with this one."""
        before = {"assemble": "assembled", "fit": "fitting", "evaluate": "evaluated"}
        if until in before:
            getattr(self, before[until])
        else:
            _ = self.validated
        version, promoted, page = "", False, None
        if until == "validate":
            page = save_card(card(self.candidate(), model=self.model), self.validated.folder / "card.html")
        elif until in ("register", "promote"):
            self.begin("logging and registering")
            candidate = self.candidate()
            version, page = register(self.store, candidate, cards=self.kept.folder)
            promoted = until == "promote" and decide(self.store, candidate, version)
        has = {output.step: output.told for output in self.kept.done}
        verdicts = self.verdicts if "validate" in has else []
        metrics = has.get("evaluate", {}).get("metrics", {})
        rows = self.assembled.told["rows"]
        return Trained(self.model, version, rows, metrics, verdicts, promoted, steps=self.kept.done, card=page)

    def _identity(self, table: str) -> list[object]:
        info = self.store.tables.info(table)
        return [info.table_id, info.version]


def _folder(store: FeatureStore, spec: TrainingSpec) -> Path:
    """Where the model's steps are kept: beside the reports, for people to look into."""
    return store.reports / "training" / store.tables.full_name(spec.name)
