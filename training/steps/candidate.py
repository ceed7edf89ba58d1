"""A model that is fitted, evaluated and judged, and not yet registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from training.profile import Settings
from training.spec import TrainingSpec
from training.steps.evaluate import Evaluation
from training.steps.fit import Fitted
from training.steps.frame import TrainingFrame
from training.steps.gates import Verdict
from training.steps.kinds import Kind
from training.steps.trials import Found
from training.steps.worth import Worth


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """All that is known of a model before it is registered; ``asked`` is what was found of its features, the newest first."""

    spec: TrainingSpec
    settings: Settings
    kind: Kind
    frame: TrainingFrame
    fitted: Fitted
    searched: Mapping[str, Found]
    evaluation: Evaluation
    verdicts: Sequence[Verdict]
    as_of: datetime
    asked: Sequence[Worth] = ()

    @property
    def main(self) -> str:
        """The name of the estimator that becomes the model."""
        return next(iter(self.fitted))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the model; of a pipeline, those of its last step."""
        estimator = self.fitted[self.main]
        last = estimator[-1] if hasattr(estimator, "__getitem__") else estimator
        return dict(last.get_params(deep=False))
