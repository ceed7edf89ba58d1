"""Rows of the metric tables as the charts need them; pure functions, all moments in UTC."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import pandas as pd

from monitoring.alerts.events import CHECK, Event
from monitoring.alerts.state import Alert
from monitoring.telling.trend import Point, Row
from monitoring.windows.calendar import Window, window_of
from monitoring.windows.metrics import MEASURES, measure_of

EVENT_WORDS = {
    "opened": "opened", "reopened": "reopened", "subsided": "subsided", "recovered": "recovered",
    "acknowledged": "acknowledged", "assigned": "assigned", "snoozed": "snoozed", "resolved": "resolved",
    "retraining_started": "new model asked for", "retraining_finished": "training ended",
}  # fmt: skip
"""What is marked in the chart of a measure, in words; that it goes on is seen by itself."""
_TEN, _HALF, _NINETY = 10, 50, 90


def measured(points: Sequence[Point], alert: Alert) -> pd.DataFrame:
    """One row per window in which the measure is known: ``at``, ``until``, ``value``, ``rows``, ``model``, ``state``."""
    rows = [
        (one.window.start, one.window.end, one.value, one.rows, one.model_version, _state(one.value, alert))
        for one in points
        if one.value is not None
    ]
    return pd.DataFrame(rows, columns=["at", "until", "value", "rows", "model", "state"])


def _state(value: float, alert: Alert) -> str:
    """Whether a value is beyond the alert's limit, on the same side of it; a shift counts on both."""
    if alert.metric == "scaled_mean_shift" or alert.value * alert.limit < 0:
        is_beyond = abs(value) > abs(alert.limit)
    else:
        is_beyond = value < alert.limit if alert.value < alert.limit else value > alert.limit
    return "beyond the limit" if is_beyond else "within"


def marks(history: Iterable[Event]) -> pd.DataFrame:
    """What happened to an alert: ``at``, ``event``, ``who``; a check's events lie at their windows."""
    rows = [
        (event.window_start or event.as_of, EVENT_WORDS[event.kind], event.actor)
        for event in history
        if event.kind in EVENT_WORDS
    ]
    return pd.DataFrame(rows, columns=["at", "event", "who"])


def histograms(rows: Iterable[Row], alert: Alert | None = None) -> dict[Window, Row]:
    """The rows that have a histogram, by window; those of the alert's slice, or of all rows."""
    of: tuple[object, object] = (alert.slice_key or None, alert.slice_value or None) if alert else (None, None)
    found = {}
    for row in rows:
        if row.get("histogram") and (row.get("slice_key"), row.get("slice_value")) == of:
            found[window_of(row)] = row
    return found


def shares(bins: Sequence[tuple[str, int, int]]) -> pd.DataFrame:
    """Baseline and window side by side: ``bin`` (in ``position``), ``of``, ``share`` between 0 and 1, ``rows``."""
    baseline, window = sum(one[1] for one in bins) or 1, sum(one[2] for one in bins) or 1
    rows = []
    for position, (name, before, now) in enumerate(bins):
        if before or now:
            rows.append((shorter(name), position, "baseline", before / baseline, before))
            rows.append((shorter(name), position, "window", now / window, now))
    return pd.DataFrame(rows, columns=["bin", "position", "of", "share", "rows"])


def shorter(name: str) -> str:
    """A bin's name with numbers of four digits: ``0.06968 to 0.08536``."""
    words = []
    for word in name.split(" "):
        try:
            words.append(f"{float(word):.4g}" if len(word) > 6 else word)
        except ValueError:
            words.append(word)
    return " ".join(words)


def bins_of(row: Row) -> list[tuple[str, int, int]]:
    """The histogram of a row of the drift table: bin, rows of the baseline, rows of the window."""
    found = cast("Sequence[Mapping[str, object]]", row["histogram"])
    return [(str(one["bin"]), cast(int, one["baseline"]), cast(int, one["current"])) for one in found]


def qualities(rows: Iterable[Row]) -> pd.DataFrame:
    """The measures of quality by window: ``at``, ``until``, ``model``, ``labelled`` (a share), ``measure``, ``value``."""
    found = []
    for row in rows:
        if row.get("slice_key") is not None:
            continue
        window, counted = window_of(row), cast(int, row.get("count") or 0)
        labelled = cast(int, row.get("labelled_count") or 0) / counted if counted else 0.0
        for measure in MEASURES:
            value = measure_of(row, measure)
            if value is not None:
                found.append((window.start, window.end, str(row.get("model_version") or ""), labelled, measure, value))
    return pd.DataFrame(found, columns=["at", "until", "model", "labelled", "measure", "value"])


def score_bands(rows: Iterable[Row]) -> pd.DataFrame:
    """Where most scores lie, by window: ``at``, ``until``, ``low`` (10 %), ``median``, ``high`` (90 %), ``model``."""
    found = []
    for row in rows:
        quantiles = cast("Sequence[float]", row.get("quantiles") or ())
        if row.get("slice_key") is None and len(quantiles) > _NINETY:
            window = window_of(row)
            low, median, high = quantiles[_TEN], quantiles[_HALF], quantiles[_NINETY]
            found.append((window.start, window.end, low, median, high, str(row.get("model_version") or "")))
    return pd.DataFrame(found, columns=["at", "until", "low", "median", "high", "model"])


def told(history: Sequence[Event]) -> list[tuple[Event, int]]:
    """The history, newest first, with runs of windows that only went on as one: the last of them, and their number."""
    found: list[tuple[Event, int]] = []
    for event in history:
        goes_on = event.kind == "still_violating" and event.actor == CHECK
        if goes_on and found and found[-1][0].kind == "still_violating":
            found[-1] = (event, found[-1][1] + 1)
        else:
            found.append((event, 1))
    return found[::-1]
