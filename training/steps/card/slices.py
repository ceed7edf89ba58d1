"""How good the model is in parts of the holdout: in each stretch of time, and for each value of its short text columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.spec import TrainingSpec
from training.steps.frame import HOLDOUT, TrainingFrame
from training.steps.gates import comparisons
from training.steps.kinds import MULTICLASS, Kind, Values

MOST_VALUES, MOST_COLUMNS, SHOWN = 200, 6, 15
LEAST_ROWS = 30
"""Of fewer rows no metric is told: it would be chance."""


@dataclass(frozen=True)
class Slice:
    """One part: its value, rows, mean label and prediction (none of classes), and the main metric of model and champion."""

    value: str
    rows: int
    label: float | None
    prediction: float | None
    metric: float | None
    champion: float | None


@dataclass(frozen=True)
class Sliced:
    """The parts by one column: those with most rows, in their order; ``left_out`` are not shown."""

    by: str
    slices: Sequence[Slice]
    left_out: int = 0


def sliced(
    frame: TrainingFrame, spec: TrainingSpec, kind: Kind, *, model: Values, champion: Values | None
) -> Iterator[Sliced]:
    """The holdout cut by time, then by columns: those that gates compare by, keys of the entity, other short texts.

    ``model`` and ``champion`` are predictions of the holdout's rows, in the frame's order.
    """
    held = frame.rows[frame.is_in(HOLDOUT)].reset_index(drop=True)
    labels = kind.labels(held[frame.label]).to_numpy()
    name, periods = period_of(held[spec.decided_at])
    columns: Mapping[str, pd.Series] = {name: periods} | {column: held[column] for column in _columns(held, spec)}
    for by, values in columns.items():
        codes, uniques = pd.factorize(values, use_na_sentinel=False, sort=True)
        parts = [(code, int(count)) for code, count in enumerate(np.bincount(codes)) if count]
        largest = sorted(parts, key=lambda part: -part[1])[:SHOWN]
        kept = [part for part in parts if part in largest] if by == name else largest
        slices = []
        for code, count in kept:
            chosen = codes == code
            value = uniques[code]
            slices.append(
                _slice("none" if pd.isna(value) else str(value), count, chosen, labels, kind, model, champion)
            )
        yield Sliced(by, slices, len(parts) - len(kept))


def _slice(
    value: str, rows: int, chosen: Values, labels: Values, kind: Kind, model: Values, champion: Values | None
) -> Slice:
    def metric(predictions: Values | None) -> float | None:
        if predictions is None:
            return None
        return kind.metric_of_part(labels[chosen], predictions[chosen], kind.main_metric, at_least=LEAST_ROWS)

    numbers = kind is not MULTICLASS
    return Slice(
        value=value,
        rows=rows,
        label=float(np.mean(labels[chosen])) if numbers else None,
        prediction=float(np.mean(model[chosen])) if numbers else None,
        metric=metric(model),
        champion=metric(champion),
    )


def period_of(moments: pd.Series) -> tuple[str, pd.Series]:
    """``day``, ``week`` or ``month``, whichever cuts the moments into a few parts, and the part of each, by its first day."""
    days = (moments.max() - moments.min()).days
    name, code = ("day", "D") if days < 15 else ("week", "W-SUN") if days < 100 else ("month", "M")
    periods = moments.dt.tz_convert("UTC").dt.tz_localize(None).dt.to_period(code)
    # A few different ones: to write each row's would take longer than all else on the card.
    codes, different = pd.factorize(periods, use_na_sentinel=False)
    names = different.start_time.strftime("%Y-%m" if name == "month" else "%Y-%m-%d")
    return name, pd.Series(names.take(codes), index=moments.index)


def _columns(held: pd.DataFrame, spec: TrainingSpec) -> list[str]:
    compared = [column for gate in comparisons(spec) for column in gate.per]
    candidates = dict.fromkeys([*compared, *spec.entity_columns, *held.columns])
    short = [
        column
        for column in candidates
        if column in held and column not in (spec.label, spec.decided_at, "split") and _is_short_text(held[column])
    ]
    return list(dict.fromkeys([*(column for column in compared if column in held), *short]))[:MOST_COLUMNS]


def _is_short_text(values: pd.Series) -> bool:
    is_text = isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype) or values.dtype == object
    return bool(is_text and 2 <= values.nunique(dropna=False) <= MOST_VALUES)
