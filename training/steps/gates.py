"""The gates between a challenger and the champion's office."""

from collections.abc import Mapping
from dataclasses import dataclass

from feature_store import NotFound
from feature_store.errors import suggestion
from training.spec import TrainingSpec

COMPARED = "roc_auc"


@dataclass(frozen=True)
class Verdict:
    """One gate, the challenger's value, and whether it is good enough."""

    gate: str
    wanted: str
    value: float
    passed: bool

    @property
    def sentence(self) -> str:
        """What to tell of a gate that was not passed."""
        return f"{self.gate} is {self.value:.4f}, not {self.wanted}"


def judge(spec: TrainingSpec, challenger: Mapping[str, float], champion: Mapping[str, float] | None) -> list[Verdict]:
    """The declared gates, then the comparison with the champion on the same holdout.

    Raises
    ------
    NotFound
        If a gate names a metric that there is not.
    """
    for metric in spec.gates:
        if metric not in challenger:
            raise NotFound(
                f"Model {spec.name!r}: there is no metric {metric!r} for its gate. {suggestion(metric, challenger)}"
            )
    verdicts = [
        Verdict(metric, str(gate), challenger[metric], gate.passes(challenger[metric]))
        for metric, gate in spec.gates.items()
    ]
    if champion is not None:
        better = challenger[COMPARED] >= champion[COMPARED]
        wanted = f"at least the champion's {champion[COMPARED]:.4f}"
        verdicts.append(Verdict(f"{COMPARED} on the same holdout", wanted, challenger[COMPARED], better))
    return verdicts
