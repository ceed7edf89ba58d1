"""The form that a training module fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from feature_store import FeatureLookup, Source
from feature_store.errors import Misuse, listed, suggestion
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


Gate = AtLeast | AtMost
Estimator: TypeAlias = "Callable[[], BaseEstimator]"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSpec:
    """One model: its labels, the features it looks up, how it is fitted, and what it must reach.

    ``labels`` is the source of entities with a known outcome. Its columns named by the lookups become the training
    frame's keys; ``exclude_columns`` are looked up by, but not given to, the estimator. ``estimators`` maps names to
    functions without arguments that make a scikit-learn estimator: the first becomes the model, the others are fitted
    for comparison. ``holdout`` is the last stretch of time, never fitted on. ``gates`` maps metrics to limits.
    """

    name: str
    description: str | None
    owner: str
    labels: Source
    label: str
    lookups: Sequence[FeatureLookup]
    estimators: Mapping[str, Estimator] = field(repr=False)
    holdout: timedelta
    gates: Mapping[str, Gate]
    exclude_columns: Sequence[str] = ()

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
        moments = {lookup.timestamp_lookup_key for lookup in self.lookups} - {None}
        if len(moments) != 1:
            raise Misuse(
                f"{where} needs one moment of decision for all its lookups; it has: {listed(sorted(map(str, moments)))}."
            )
        for column in [self.label, *self.entity_columns]:
            if column not in self.labels.columns:
                raise Misuse(
                    f"{where}: source {self.labels.name!r} has no column {column!r}. {suggestion(column, self.labels.columns)}"
                )

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
