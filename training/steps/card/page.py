"""The card's page: what is known of a candidate, put in the order in which a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from feature_store.moments import utc
from feature_store.names import full_name
from feature_store.pages.page import render
from feature_store.tables.commit import code_revision
from training.steps.candidate import Candidate
from training.steps.card.drawing import labels_over_time, pictures
from training.steps.card.leakage import SUSPICIOUS, measure_of, strengths
from training.steps.card.slices import sliced
from training.steps.evaluate import CHAMPION
from training.steps.frame import AGE_QUANTILES, HOLDOUT, TRAIN, TrainingFrame
from training.steps.gates import refused
from training.steps.metrics import LOWER_IS_BETTER

_TEMPLATE = Path(__file__).parent / "card.html.jinja"
_ABOUT_DATA = frozenset({"label_rate", "label_mean"})


@dataclass(frozen=True)
class Part:
    """One part of the frame: its rows, and the first and last moment of decision."""

    name: str
    rows: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Compared:
    """One metric of each model; ``better``: whether the model has the better one, None if they are equal or it has no side."""

    metric: str
    values: Mapping[str, float | None]
    difference: float | None
    better: bool | None


def card(candidate: Candidate, *, model: str, version: str = "") -> str:
    """The page of HTML for a candidate; ``version`` is empty while it is not registered.

    Every figure is of the same frame and the same predictions as the gates' verdicts.
    """
    spec, frame, kind, evaluation = candidate.spec, candidate.frame, candidate.kind, candidate.evaluation
    truth = kind.labels(frame.truth(HOLDOUT)).to_numpy()
    main = candidate.main
    ordered = {name: evaluation.scores[name] for name in _order(candidate)}
    catalog, schema, _ = model.split(".")
    return render(
        _TEMPLATE,
        spec=spec, kind=kind, frame=frame, evaluation=evaluation, model=model, version=version, main=main,
        as_of=utc(candidate.as_of), verdicts=candidate.verdicts, refused=refused(candidate.verdicts),
        mode=candidate.settings.run_mode, settings=candidate.settings, parts=_parts(frame, spec.decided_at),
        tables=_tables(candidate, catalog, schema), over_time=labels_over_time(frame, kind, decided_at=spec.decided_at),
        alone=strengths(frame, kind, decided_at=spec.decided_at), alone_measure=measure_of(kind), suspicious=SUSPICIOUS,
        pictures=pictures(kind, truth, ordered), compared=_compared(candidate),
        sliced=list(sliced(frame, spec, kind, model=evaluation.scores[main], champion=evaluation.scores.get(CHAMPION))),
        has_champion=CHAMPION in evaluation.scores, searched=candidate.searched, revision=code_revision(),
        own=f"{catalog}.{schema}.", place=f"--catalog {catalog} --schema {schema}", quantiles=AGE_QUANTILES,
        parameters=candidate.parameters, asked=candidate.asked,
    )  # fmt: skip


def _order(candidate: Candidate) -> list[str]:
    """The model, the champion, the others."""
    names = [candidate.main, CHAMPION, *candidate.evaluation.scores]
    return [name for name in dict.fromkeys(names) if name in candidate.evaluation.scores]


def _parts(frame: TrainingFrame, decided_at: str) -> list[Part]:
    parts = []
    for name in (TRAIN, HOLDOUT):
        moments = frame.rows.loc[frame.is_in(name), decided_at]
        parts.append(Part(name, len(moments), moments.min().to_pydatetime(), moments.max().to_pydatetime()))
    return parts


def _tables(candidate: Candidate, catalog: str, schema: str) -> list[dict[str, Any]]:
    """Each feature table: what is looked up in it, at which version, and how old it was."""
    frame, rows = candidate.frame, []
    for table, version in frame.table_versions.items():
        lookups = [
            one for one in candidate.spec.lookups if full_name(one.table_name, catalog=catalog, schema=schema) == table
        ]
        given = [name for name, origin in frame.origins.items() if origin == table]
        rows.append(
            {
                "name": table,
                "version": version,
                "age": frame.ages.get(table),
                "columns": [name for name in given if name in frame.inputs],
                "lookbacks": sorted({one.lookback_window.total_seconds() for one in lookups if one.lookback_window}),
                "keys": list(dict.fromkeys(key for one in lookups for key in one.lookup_key)),
            }
        )
    return rows


def _compared(candidate: Candidate) -> list[Compared]:
    """Every metric of every model; the difference is to the champion, or to the first of the others."""
    metrics, names = candidate.evaluation.metrics, _order(candidate)
    rows = []
    for metric, value in metrics[candidate.main].items():
        values = {name: metrics[name].get(metric) for name in names}
        other = values[names[1]] if len(names) > 1 else None
        difference = None if other is None or metric in _ABOUT_DATA else value - other
        better = None
        if difference and metric not in ("mean_prediction", "bias"):
            better = (difference < 0) == (metric in LOWER_IS_BETTER)
        rows.append(Compared(metric, values, difference, better))
    return rows
