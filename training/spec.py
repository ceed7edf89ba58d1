"""The form that a training module fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from feature_store import FeatureLookup, Source
from feature_store.errors import Misuse, WrongKind, listed, suggestion
from feature_store.names import check_simple_name

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class AtLeast:
    """A gate: the metric must not be below ``limit``."""

    limit: float

    def passes(self, value: float) -> bool:
        """Whether ``value`` is good enough; NaN never is."""
        return value >= self.limit

    def __str__(self) -> str:
        return f"at least {self.limit:g}"


@dataclass(frozen=True)
class AtMost:
    """A gate: the metric must not be above ``limit``."""

    limit: float

    def passes(self, value: float) -> bool:
        """Whether ``value`` is good enough; NaN never is."""
        return value <= self.limit

    def __str__(self) -> str:
        return f"at most {self.limit:g}"


@dataclass(frozen=True, kw_only=True)
class NotWorse:
    """A gate: the metric must not be worse than the champion's, on the same holdout, by more than ``by``.

    With ``per``, it must not be for any value of these columns that has at least ``rows`` rows of the holdout. While there is
    no champion, it lets everybody pass.
    """

    by: float = 0.0
    per: Sequence[str] = ()
    rows: int = 500

    def __post_init__(self) -> None:
        if isinstance(self.per, str):
            raise WrongKind(f"NotWorse(per=...) is a list of columns. Write [{self.per!r}].")
        if not self.by >= 0 or self.rows < 1:
            raise Misuse(f"NotWorse(by={self.by}, rows={self.rows}): by cannot be negative, and rows is at least 1.")


Gate = AtLeast | AtMost | NotWorse
Estimator: TypeAlias = "Callable[[], BaseEstimator]"


@dataclass(frozen=True, kw_only=True)
class Between:
    """A hyper-parameter from ``low`` to ``high``, both included; with ``log``, each order of magnitude counts alike.

    A whole number if both bounds are.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise Misuse(f"Between(low={self.low}, high={self.high}): low is below high, and above 0 with log=True.")


@dataclass(frozen=True)
class Choice:
    """A hyper-parameter that is one of ``values``: texts, numbers, booleans or None."""

    values: Sequence[str | float | bool | None]

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or len(self.values) < 2:
            raise Misuse(f"Choice({self.values!r}): give a list of two values or more.")


@dataclass(frozen=True, kw_only=True)
class Search:
    """An estimator whose hyper-parameters are searched before it is fitted.

    ``space`` maps parameters, named as scikit-learn's ``set_params`` has them (``step__parameter`` within a pipeline), to what
    they may be. A trial is judged by the model's main metric, its mean over ``folds`` stretches of time, each later than what
    is fitted for it. ``trials`` is the budget unless a profile sets another; the same ``seed`` and budget give the same trials.
    ``at_once`` of them are asked for at a time: more workers have nothing to do, and each time knows only the times before it.
    """

    make: Estimator
    space: Mapping[str, Between | Choice]
    trials: int = 20
    folds: int = 3
    seed: int = 7
    at_once: int = 4

    def __post_init__(self) -> None:
        if not self.space:
            raise Misuse("Search(space={}): there is nothing to search; name the function itself instead.")
        if self.trials < 1 or self.folds < 1 or self.at_once < 1:
            raise Misuse(
                f"Search(trials={self.trials}, folds={self.folds}, at_once={self.at_once}): all are at least 1."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSpec:
    """One model: its labels, the features it looks up, how it is fitted, and what it must reach.

    ``labels`` is the source of entities with a known outcome. Its columns named by the lookups become the training
    frame's keys; ``exclude_columns`` are looked up by, but not given to, the estimator. ``estimators`` maps names to
    functions without arguments that make an estimator with scikit-learn's interface, or to a :class:`Search` of one: the
    first becomes the model, the others are fitted for comparison. A classifier of a boolean label is binary, and its model
    predicts the chance of true; one of any other label is multi-class, and its model predicts the class; a regressor
    predicts the number. ``holdout`` is the last stretch of time, never fitted on. With ``every``, an entity is learned from at
    most once in each stretch of that length, by its first row there. ``gates`` maps metrics to what they
    must be.

    Raises
    ------
    Misuse, WrongKind
        At import, if the declaration contradicts itself. Metrics are checked when it runs.
    """

    name: str
    description: str | None
    owner: str
    labels: Source
    label: str
    lookups: Sequence[FeatureLookup]
    estimators: Mapping[str, Estimator | Search] = field(repr=False)
    holdout: timedelta
    gates: Mapping[str, Gate | Sequence[Gate]]
    exclude_columns: Sequence[str] = ()
    every: timedelta | None = None

    def __post_init__(self) -> None:
        where = f"Training spec {self.name!r}"
        check_simple_name(self.name, "model")
        missing = ["its own description"] * (not (self.description or "").strip()) + ["an owner"] * (
            not self.owner.strip()
        )
        if missing:
            raise Misuse(f"{where} lacks {listed(missing)}.")
        if not self.estimators:
            raise Misuse(f"{where} names no estimator.")
        if self.holdout <= timedelta(0):
            raise Misuse(f"{where}: the holdout must be longer than nothing.")
        if self.every is not None and self.every <= timedelta(0):
            raise Misuse(
                f"{where}: every={self.every} is not longer than nothing. Write for example timedelta(days=7)."
            )
        moments = {lookup.timestamp_lookup_key for lookup in self.lookups} - {None}
        if len(moments) != 1:
            raise Misuse(
                f"{where} needs one moment of decision for all its lookups; it has: {listed(sorted(map(str, moments)))}."
            )
        for metric in self.gates:
            for gate in self.gates_on(metric):
                if not isinstance(gate, Gate):
                    raise WrongKind(
                        f"{where}: the gate on {metric!r} is a {type(gate).__name__}. Write for example AtLeast(0.65)."
                    )
        for column in [self.label, *self.entity_columns]:
            if column not in self.labels.columns:
                raise Misuse(
                    f"{where}: source {self.labels.name!r} has no column {column!r}. {suggestion(column, self.labels.columns)}"
                )

    def gates_on(self, metric: str) -> Sequence[Gate]:
        """The gates on ``metric``, one or several, as a sequence."""
        gates = self.gates[metric]
        return gates if isinstance(gates, Sequence) else [gates]

    @property
    def decided_at(self) -> str:
        """The column with the moment of decision: features are looked up as of it."""
        return next(lookup.timestamp_lookup_key for lookup in self.lookups if lookup.timestamp_lookup_key)

    @property
    def entity_columns(self) -> list[str]:
        """All that scoring may be given: the lookups' keys and the moment of decision, in order of first mention."""
        columns: dict[str, None] = {}
        for lookup in self.lookups:
            columns.update(dict.fromkeys(lookup.lookup_key))
        return [*(name for name in columns if name != self.decided_at), self.decided_at]
