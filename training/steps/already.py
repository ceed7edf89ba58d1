"""Whether a model was already trained so: on the same rows, by the same definition, as of the same moment."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from feature_store import FeatureStore, PipelineError
from feature_store.lineage.models import packaged_lineage
from feature_store.lineage.unchanged import is_unchanged
from feature_store.moments import utc
from training.profile import Settings
from training.spec import Search, TrainingSpec
from training.steps import champion as office
from training.steps.frame import labels_of
from training.steps.kinds import make_of

DEFINITION = "training_definition"
LAST_MOMENT = "last_moment"
"""In ``lineage.json``: the latest moment as of which a row of the training frame was looked up."""


def already_trained(
    store: FeatureStore, spec: TrainingSpec, settings: Settings, *, as_of: datetime, mark: str | None = None
) -> ModelVersion | None:
    """The version that has learned the same and was decided on; None if there is none.

    With ``mark``, the fingerprint of the training frame, the rows are compared. Without, the commits of the tables that the
    version has read must tell that its rows are still the same; what they leave open is not known.
    """
    model = store.tables.full_name(spec.name)
    wanted = {office.TRAINED_AS_OF: utc(as_of).isoformat(), DEFINITION: definition(spec, settings)}
    decided = (office.PROMOTED_AS_OF, office.REFUSED_BECAUSE)
    for version in office.versions(model):
        alike = all(version.tags.get(key) == value for key, value in wanted.items())
        if not alike or not any(tag in version.tags for tag in decided):
            continue
        if mark is None:
            same = _reads_the_same(store, spec, settings.sample_fraction, version)
        else:
            same = version.tags.get(office.FINGERPRINT) == mark
        if same:
            return version
    return None


def _reads_the_same(store: FeatureStore, spec: TrainingSpec, sample: float, version: ModelVersion) -> bool:
    """Whether the rows that the version has learned from are known to be still the same."""
    try:
        lineage = packaged_lineage(f"models:/{version.name}/{version.version}")
        document: Mapping[str, Any] = lineage.document
        labels = json.loads(json.dumps(labels_of(store, spec, sample=sample).document()))
    except PipelineError:
        return False
    if document.get("frame") != labels or LAST_MOMENT not in document:
        return False
    # Rows known at the last moment itself are still found.
    until = datetime.fromisoformat(document[LAST_MOMENT]) + timedelta(microseconds=1)
    read_at = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    return is_unchanged(store.tables, lineage.table_versions, until=until, read_at=read_at)


def definition(spec: TrainingSpec, settings: Settings) -> str:
    """A hash of what the data scientist wrote, and of the profile: what decides on the model, and on its office."""
    facts = [fit_facts(spec, settings), gate_facts(spec, settings), str(spec.holdout), settings.sample_fraction]
    facts += [str(spec.every)] if spec.every else []
    return hashlib.sha256(repr([facts, lookup_facts(spec)]).encode()).hexdigest()[:16]


def fit_facts(spec: TrainingSpec, settings: Settings) -> list[object]:
    """What decides on the fitted estimators, besides the rows: their modules' code, searches and their budget."""
    modules = {inspect.getmodule(make_of(one)) for one in spec.estimators.values()}
    code = sorted(inspect.getsource(module) for module in modules if module)
    searches = [
        (
            name,
            sorted((key, repr(space)) for key, space in one.space.items()),
            one.trials,
            one.folds,
            one.seed,
            one.at_once,
        )
        for name, one in spec.estimators.items()
        if isinstance(one, Search)
    ]
    budget = settings.search
    return [code, spec.label, list(spec.estimators), searches, [budget.trials, budget.minutes] if searches else []]


def gate_facts(spec: TrainingSpec, settings: Settings) -> list[object]:
    """What decides on the office of a model that is evaluated."""
    gates = [f"{metric} {gate}" for metric in spec.gates for gate in spec.gates_on(metric)]
    return [gates, sorted(settings.gates.items()), settings.run_mode]


def lookup_facts(spec: TrainingSpec) -> list[object]:
    """What decides on the columns of the training frame, besides the tables."""
    return [
        list(spec.exclude_columns),
        *(
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
        ),
    ]
