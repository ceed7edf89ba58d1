"""The gates between a challenger and the champion's office."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from feature_store import NotFound
from feature_store.errors import suggestion
from training.spec import NotWorse, TrainingSpec
from training.steps.kinds import BINARY, Kind
from training.steps.metrics import LOWER_IS_BETTER


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


@dataclass(frozen=True)
class Compared:
    """The holdout's rows with the predictions of challenger and champion, in the same order."""

    rows: pd.DataFrame
    labels: NDArray[Any]
    challenger: NDArray[Any]
    champion: NDArray[Any]
    kind: Kind

    def slices(self, metric: str, column: str, *, at_least: int) -> Iterator[tuple[Any, int, float, float]]:
        """Each value of the column that is common enough: its rows, and the metric of challenger and champion on them.

        Rows without a value are a slice, too; one whose labels are all the same tells nothing of a classifier.
        """
        codes, values = pd.factorize(self.rows[column], use_na_sentinel=False)
        for code, value in enumerate(values):
            chosen = codes == code
            labels = self.labels[chosen]
            challenger, champion = (
                self.kind.metric_of_part(labels, predictions[chosen], metric, at_least=at_least)
                for predictions in (self.challenger, self.champion)
            )
            if challenger is not None and champion is not None:
                yield value, len(labels), challenger, champion


def check_gates(spec: TrainingSpec, metrics: Collection[str], columns: Collection[str] | None = None) -> None:
    """Refuse a gate on a metric that there is not, or per a column that is not among ``columns``, if they are known.

    Raises
    ------
    NotFound
        With the closest names.
    """
    for metric in spec.gates:
        if metric not in metrics:
            raise NotFound(
                f"Model {spec.name!r}: there is no metric {metric!r} for its gate. {suggestion(metric, metrics)}"
            )
    for gate in comparisons(spec):
        for column in gate.per:
            if columns is not None and column not in columns:
                raise NotFound(
                    f"Model {spec.name!r}: there is no column {column!r} to compare per. {suggestion(column, columns)}"
                )


def judge(
    spec: TrainingSpec,
    challenger: Mapping[str, float],
    champion: Mapping[str, float] | None,
    *,
    kind: Kind = BINARY,
    compared: Compared | None = None,
) -> list[Verdict]:
    """The declared gates; if none of them compares with the champion, the kind's main metric does on the same holdout.

    Raises
    ------
    NotFound
        If a gate names a metric, or a column to slice by, that there is not.
    """
    check_gates(spec, challenger)
    declared = [(metric, gate) for metric in spec.gates for gate in spec.gates_on(metric)]
    if not comparisons(spec):
        declared.append((kind.main_metric, NotWorse()))
    verdicts: list[Verdict] = []
    for metric, gate in declared:
        value = challenger[metric]
        if not isinstance(gate, NotWorse):
            verdicts.append(Verdict(metric, str(gate), value, gate.passes(value)))
        elif champion is not None and not gate.per:
            if metric not in champion:
                raise NotFound(
                    f"Model {spec.name!r}: the champion has no metric {metric!r}. {suggestion(metric, champion)}"
                )
            verdicts.append(_against(metric, f"{metric} on the same holdout", value, champion[metric], gate.by))
        elif champion is not None and compared is not None:
            verdicts += [_worst_slice(spec, metric, column, gate, compared) for column in gate.per]
    return verdicts


def _against(metric: str, name: str, challenger: float, champion: float, by: float, where: str = "") -> Verdict:
    lower = metric in LOWER_IS_BETTER
    passed = challenger <= champion + by if lower else challenger >= champion - by
    allowed = f"{' plus' if lower else ' less'} {by:g}" if by else ""
    return Verdict(
        name,
        f"at {'most' if lower else 'least'} the champion's {champion:.4f}{allowed}{where}",
        challenger,
        bool(passed),
    )


def _worst_slice(spec: TrainingSpec, metric: str, column: str, gate: NotWorse, compared: Compared) -> Verdict:
    """The slice in which the challenger falls behind most."""
    if column not in compared.rows:
        raise NotFound(
            f"Model {spec.name!r}: there is no column {column!r}. {suggestion(column, compared.rows.columns)}"
        )
    sign = -1 if metric in LOWER_IS_BETTER else 1
    found = sorted(compared.slices(metric, column, at_least=gate.rows), key=lambda one: sign * (one[2] - one[3]))
    name = f"{metric} per {column}"
    if not found:
        return Verdict(
            name, f"judged on slices of {gate.rows:,} rows or more, of which there are none", float("nan"), True
        )
    verdicts = [
        _against(
            metric, name, mine, theirs, gate.by, f" for {column} {None if pd.isna(value) else value} ({rows:,} rows)"
        )
        for value, rows, mine, theirs in found
    ]
    return next((one for one in verdicts if not one.passed), verdicts[0])


def comparisons(spec: TrainingSpec) -> list[NotWorse]:
    """The gates that compare with the champion."""
    return [gate for metric in spec.gates for gate in spec.gates_on(metric) if isinstance(gate, NotWorse)]


def refused(verdicts: Sequence[Verdict]) -> list[str]:
    """What to tell of the gates that were not passed."""
    return [verdict.sentence for verdict in verdicts if not verdict.passed]
