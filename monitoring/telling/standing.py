"""How each limit of a check stands: its value in each window, whether that is beyond it, the false alarms to expect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.alerts.checking import Check
from monitoring.alerts.watches import Honesty, Watch
from monitoring.drift.metrics import WindowParts
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import TABLE

_TOLD_FROM = 0.05
"""Limits with fewer false alarms a year than this are in the sum, and are not named."""


@dataclass(frozen=True)
class Point:
    """A limit's value in a window; None: it has none. ``beyond`` None: the window is not judged."""

    window: Window
    value: float | None
    beyond: bool | None


def named(watch: Watch) -> str:
    """What a limit is about, in the words in which its alert would say it."""
    return watch.cause.what


def newest_version(check: Check) -> str:
    """The version of the model that scored the last window; the bounds of a check are learned from its baseline."""
    return max(check.metrics.items(), key=lambda item: item[0])[1].whole[TABLE].model_version if check.metrics else ""


def points(check: Check, honest: Honesty) -> list[Point]:
    """The limit's values in all windows, oldest first.

    A learned limit is another one for each version of the model: windows of earlier versions are not judged by it.
    """
    version = newest_version(check)
    return [
        _point(honest, window, parts, version)
        for window, parts in sorted(check.metrics.items(), key=lambda item: item[0])
    ]


def beyond(check: Check, window: Window) -> int | None:
    """How many limits the window is beyond; None if it has too few rows for most, and is beyond none of the others."""
    version, parts = newest_version(check), check.metrics[window]
    judged = [_point(honest, window, parts, version).beyond for honest in check.honesty]
    table = parts.whole.get(TABLE)
    too_few = table is None or table.rows < check.monitor.minimum_rows
    return sum(one is True for one in judged) or (None if too_few else 0)


def _point(honest: Honesty, window: Window, parts: WindowParts, version: str) -> Point:
    watch, limit = honest.watch, honest.watch.limit
    measured = watch.measured(parts)
    value = limit.value(measured) if measured else None
    if measured is None or value is None or math.isnan(value):
        return Point(window, None, None)
    too_few = limit.needs_rows and measured.rows < watch.minimum_rows
    of_another = limit.is_automatic and measured.model_version != version
    if too_few or of_another or honest.bounds is None:
        return Point(window, value, None)
    return Point(window, value, honest.bounds.crossed(value) is not None)


def false_alarms(honesty: Sequence[Honesty]) -> float | None:
    """The alerts to expect in a year if nothing changes, at most, of all limits of which it can be told; None: of none."""
    told = [one.a_year for one in honesty if one.a_year is not None]
    return sum(told) if told else None


def expected(honesty: Sequence[Honesty], most: int = 3) -> str:
    """The same as a sentence that names the limits with the most of them; empty if there are no limits."""
    if not honesty:
        return ""
    total, unknown = false_alarms(honesty), sum(one.a_year is None for one in honesty)
    if total is None:
        return "Expected false alarms: cannot be told, the baseline has too few windows to learn from."
    loud = sorted(
        ((one.a_year, named(one.watch)) for one in honesty if one.a_year and one.a_year >= _TOLD_FROM), reverse=True
    )[:most]
    names = f" ({', '.join(f'{name}: {a_year:.1f}' for a_year, name in loud)})" if loud else ""
    limits = "1 limit that has" if unknown == 1 else f"{unknown} limits that have"
    others = f", and those of {limits} no baseline to learn from" if unknown else ""
    return f"Expected false alarms: {per_year(total)} a year{names}{others}."


def per_year(a_year: float | None) -> str:
    """So many a year; what is nearly nothing is told so."""
    if a_year is None:
        return "–"
    if a_year < 0.01:
        return "0" if a_year == 0 else "< 0.01"
    return f"{a_year:.1f}" if a_year >= 0.1 else f"{a_year:.2f}"
