"""The report's tables: windows of a model or of a table, slices, limits, and the drift of every column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from monitoring.alerts.causes import most_drifted
from monitoring.alerts.checking import Check
from monitoring.alerts.watches import Honesty
from monitoring.drift.metrics import ByColumn
from monitoring.limits import Psi
from monitoring.telling.standing import beyond, named, points
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import PREDICTION, TABLE, WindowMetrics

MAIN = ("roc_auc", "rmse", "accuracy")
"""The measure that tells of each kind of model: the first of these that it has."""
FEWEST_LABELS = 30
MOST_POINTS = 400
CUSTOMARY_PSI = 0.25
_ALL_SHOWN_UP_TO = 20


@dataclass(frozen=True)
class WindowRow:
    """One window in numbers."""

    window: Window
    table: WindowMetrics
    prediction: float | None
    nulls: float | None
    most_nulls: tuple[str, float] | None
    drifted: tuple[str, str] | None
    beyond: int | None


@dataclass(frozen=True)
class SliceRow:
    """One slice in the last window with rows enough."""

    value: str
    rows: int
    share: float
    quality: float | None
    actual: float | None
    predicted: float | None
    nulls: float | None
    drifted: tuple[str, str] | None
    alerts: int


@dataclass(frozen=True)
class LimitRow:
    """One limit: as it is declared, its bounds, how it stands now and stood before, and its false alarms."""

    what: str
    declared: str
    severity: str
    after: str
    honest: Honesty
    value: float | None
    is_beyond: bool | None
    times_beyond: int
    judged: int

    @property
    def bounds(self) -> str:
        """Where the limit lies, in words."""
        found = self.honest.bounds
        if found is None:
            return "nothing to learn from"
        sides = {"at least": found.low, "at most": found.high}
        return ", ".join(f"{side} {bound:.4g}" for side, bound in sides.items() if bound is not None)


def ordered(check: Check) -> list[Window]:
    """All windows, oldest first."""
    return sorted(check.metrics)


def recent(check: Check) -> list[Window]:
    """The windows that pictures show, oldest first: more could not be told apart."""
    return ordered(check)[-MOST_POINTS:]


def main_measure(check: Check) -> str | None:
    """The measure of quality that tells most of this kind of model; None while there are no labels."""
    tables = [parts.whole[TABLE] for parts in check.metrics.values() if TABLE in parts.whole]
    return next((name for name in MAIN if any((one.quality or {}).get(name) is not None for one in tables)), None)


def quality_of(columns: ByColumn, measure: str | None) -> float | None:
    """A measure of quality; None where there are too few labels to tell it."""
    table = columns.get(TABLE)
    if table is None or measure is None or table.labelled < FEWEST_LABELS:
        return None
    return (table.quality or {}).get(measure)


def window_rows(check: Check, most: int) -> list[WindowRow]:
    """The last windows in numbers, the newest first."""
    found = []
    for window in reversed(ordered(check)[-most:]):
        columns = check.metrics[window].whole
        prediction = columns.get(PREDICTION)
        nulls = {name: one.null_rate for name, one in columns.items() if name != TABLE and one.null_rate is not None}
        found.append(
            WindowRow(
                window=window,
                table=columns[TABLE],
                prediction=prediction.avg if prediction else None,
                nulls=_mean(list(nulls.values())),
                most_nulls=max(nulls.items(), key=lambda pair: pair[1], default=None),
                drifted=_largest(columns, check.monitor.watched_for_psi(list(columns))),
                beyond=beyond(check, window),
            )
        )
    return found


def _largest(columns: ByColumn, among: Sequence[str] = ()) -> tuple[str, str] | None:
    """The column that drifted most, and by how much."""
    known = {name: one for name, one in columns.items() if one.psi is None or not math.isnan(one.psi)}
    found = most_drifted(known, 1, among=among)
    return (found[0][0], "∞" if math.isinf(found[0][1]) else f"{found[0][1]:.2f}") if found else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def judged_window(check: Check) -> Window | None:
    """The last window with rows enough to be judged, or else the last one."""
    windows = ordered(check)
    enough = [window for window in windows if check.metrics[window].whole[TABLE].rows >= check.monitor.minimum_rows]
    return next(reversed(enough or windows), None)


def slice_rows(check: Check, window: Window) -> dict[str, list[SliceRow]]:
    """The slices of a window by what they are slices of, the largest first."""
    parts, measure = check.metrics[window], main_measure(check)
    whole = parts.whole[TABLE].rows
    found: dict[str, list[SliceRow]] = {}
    for (key, value), columns in parts.slices.items():
        table, prediction = columns.get(TABLE), columns.get(PREDICTION)
        if table is None:
            continue
        on = [a for a in check.verdict.alerts if a.is_open and (a.slice_key, a.slice_value) == (key, value)]
        nulls = [one.null_rate for name, one in columns.items() if name != TABLE and one.null_rate is not None]
        found.setdefault(key, []).append(
            SliceRow(
                value=value,
                rows=table.rows,
                share=table.rows / whole if whole else 0.0,
                quality=quality_of(columns, measure),
                actual=(table.quality or {}).get("label_rate"),
                predicted=prediction.avg if prediction else None,
                nulls=_mean(nulls),
                drifted=_largest(columns),
                alerts=len(on),
            )
        )
    return {key: sorted(rows, key=lambda row: (-row.rows, row.value)) for key, rows in found.items()}


def limit_rows(check: Check) -> tuple[list[LimitRow], list[LimitRow]]:
    """All limits, those beyond first, then by their false alarms; the second list may be folded: learned, and not beyond."""
    rows = []
    for honest in check.honesty:
        found = points(check, honest)
        judged = [point for point in found if point.beyond is not None]
        limit = honest.watch.limit
        rows.append(
            LimitRow(
                what=named(honest.watch),
                declared=str(limit),
                severity=str(limit.severity),
                after=str(honest.watch.patience),
                honest=honest,
                value=found[-1].value if found else None,
                is_beyond=found[-1].beyond if found else None,
                times_beyond=sum(point.beyond is True for point in judged),
                judged=len(judged),
            )
        )
    rows.sort(key=lambda row: (row.is_beyond is not True, -(row.honest.a_year or 0.0), -row.times_beyond, row.what))
    if len(rows) <= _ALL_SHOWN_UP_TO:
        return rows, []
    folded = [row for row in rows if row.honest.watch.limit.is_automatic and row.is_beyond is not True]
    return [row for row in rows if row not in folded], folded


def drift_by_column(check: Check, windows: Sequence[Window]) -> tuple[dict[str, list[float | None]], int]:
    """Each column's index in the windows, those with a limit on it first, then the most drifted; and how many have one."""
    names = {name for window in windows for name in check.metrics[window].whole if name != TABLE}
    found = {name: [_psi(check, window, name) for window in windows] for name in names}
    known = {name: values for name, values in found.items() if any(value is not None for value in values)}
    limited = set(check.monitor.watched_for_psi(sorted(known))) & set(known)

    def order(name: str) -> tuple[bool, float, str]:
        return name not in limited, -median(value for value in known[name] if value is not None), name

    return {name: known[name] for name in sorted(known, key=order)}, len(limited)


def _psi(check: Check, window: Window, name: str) -> float | None:
    measured = check.metrics[window].whole.get(name)
    return None if measured is None or measured.psi is None or math.isnan(measured.psi) else measured.psi


def ratios(check: Check, drift: Mapping[str, Sequence[float | None]]) -> dict[str, list[float | None]]:
    """The indices as multiples of what each column may have: its limit, or 0.25, or its own median if that is more."""
    limits = {
        one.watch.cause.column_name: one.bounds.high
        for one in check.honesty
        if one.watch.cause.metric == Psi.metric and one.watch.of is None and one.bounds and one.bounds.high
    }
    found: dict[str, list[float | None]] = {}
    for name, values in drift.items():
        usual = median(value for value in values if value is not None)
        most = limits.get(name) or max(CUSTOMARY_PSI, usual)
        found[name] = [None if value is None else value / most for value in values]
    return found
