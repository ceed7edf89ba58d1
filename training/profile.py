"""How training runs in one environment: ``training/profiles/<environment>.yml``, over what a spec declares.

sample_fraction: 0.1          # of the entities, by a hash of their keys: always the same ones
search: {trials: 20, minutes: 10, workers: 2}
run_mode: enabled             # enabled, dry_run (gates are told and do not stop), disabled (no gates)
models:                       # the same keys for one model, and other limits for gates that its spec declares
  flight_delay:
    sample_fraction: 1.0
    gates: {roc_auc: 0.6}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from feature_store.errors import Misuse, NotFound, suggestion
from feature_store.yaml_files import Document, InvalidFile, Problem, closest, parse, read_yaml
from training.spec import AtLeast, AtMost, Gate, TrainingSpec

FOLDER = Path(__file__).parent / "profiles"
RunMode = Literal["enabled", "dry_run", "disabled"]


class Part(BaseModel):
    """A mapping with known keys, whose values are of the right type as they stand."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SearchBudget(Part):
    """How long hyper-parameters are searched: the first of ``trials`` and ``minutes`` that is reached ends it.

    None leaves the number to the spec. ``workers`` processes try at the same time; None: one for each core.
    """

    trials: int | None = Field(default=None, ge=0)
    minutes: float | None = Field(default=None, gt=0)
    workers: int | None = Field(default=None, ge=1)


class Common(Part):
    """What may be set for all models, and for one."""

    sample_fraction: float = Field(default=1.0, gt=0, le=1)
    search: SearchBudget = SearchBudget()
    run_mode: RunMode = "enabled"


class OfModel(Common):
    """What may be set for one model: the common settings, and limits for its gates by metric."""

    gates: dict[str, float] = {}


class Settings(OfModel):
    """The settings with which a model is trained, and the profile that they are of."""

    profile: str = ""


class Profile(Common):
    """The file: settings for all models, and what is different for some, by the model's name."""

    models: dict[str, OfModel] = {}


def load_profile(name: str, spec: TrainingSpec, *, models: Iterable[str] = (), folder: Path = FOLDER) -> Settings:
    """The settings of the profile called ``name`` for the model of ``spec``; ``models`` are those that there are.

    Raises
    ------
    NotFound
        If there is no such profile; the closest names are suggested.
    InvalidFile
        If the file has an unknown key or model, a value of another type or out of range, or a limit for a gate that the
        spec does not declare: file, line and the closest names are told, for all problems at once.
    """
    names = sorted(file.stem for file in folder.glob("*.yml"))
    if name not in names:
        raise NotFound(f"There is no profile {name!r} in training/profiles. {suggestion(name, names)}")
    document = read_yaml(folder / f"{name}.yml", shown_as=f"training/profiles/{name}.yml")
    what = f"profile {name}"
    profile, problems = parse(Profile, document.data, at=(), document=document, owner=lambda path: _owner(what, path))
    if profile is None:
        raise InvalidFile(problems, what=what)
    own = profile.models.get(spec.name, OfModel())
    problems = [*_unknown_models(document, profile, {*models, spec.name}), *_unknown_gates(document, own, spec)]
    if problems:
        raise InvalidFile(problems, what=what)
    return _over(name, profile, own)


def with_limits(spec: TrainingSpec, limits: Mapping[str, float]) -> TrainingSpec:
    """``spec`` with other limits in the gates of these metrics.

    Raises
    ------
    Misuse
        If the spec has no such gate, or one without a limit of its own.
    """
    gates = dict(spec.gates)
    for metric, limit in limits.items():
        if metric not in gates:
            raise Misuse(f"Model {spec.name!r} has no gate on {metric!r} whose limit could be another one.")
        gates[metric] = [_limited(gate, limit) for gate in spec.gates_on(metric)]
    return replace(spec, gates=gates)


def _limited(gate: Gate, limit: float) -> Gate:
    return type(gate)(limit) if isinstance(gate, AtLeast | AtMost) else gate


def _over(name: str, profile: Profile, own: OfModel) -> Settings:
    """``own`` where it says something, the profile elsewhere; the search's budget is put together key by key."""
    values: dict[str, Any] = {name: getattr(profile, name) for name in Common.model_fields}
    values |= {name: getattr(own, name) for name in own.model_fields_set}
    values["search"] = profile.search.model_copy(update=own.search.model_dump(exclude_unset=True))
    return Settings(**values, profile=name)


def _unknown_models(document: Document, profile: Profile, known: Collection[str]) -> Iterator[Problem]:
    for name in profile.models:
        if name not in known:
            yield Problem(document.place(("models", name)), f"there is no model {name!r}; {closest(name, known)}")


def _unknown_gates(document: Document, own: OfModel, spec: TrainingSpec) -> Iterator[Problem]:
    for metric in own.gates:
        if metric not in spec.gates:
            place = document.place(("models", spec.name, "gates", metric))
            yield Problem(place, f"model {spec.name} declares no gate on {metric!r}; {closest(metric, spec.gates)}")


def _owner(what: str, path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path)) or what
