"""Numbers, moments and names as the page shows them; what others wrote is never taken for Markdown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitoring.alerts.state import Alert
from monitoring.windows.metrics import TABLE

DAY = "%-d %b %Y"
MINUTE = "%-d %b %Y %H:%M"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LINKS = re.compile(r"(//|www|@)")
_JOINER = "\u2060"


@dataclass(frozen=True)
class Unit:
    """A measure's name in words, and how its numbers are written."""

    title: str
    form: str = "{:.3g}"
    axis: str = ""
    """The format of an axis, as d3 has it."""

    def __call__(self, value: float | None) -> str:
        """The value with its unit, or a dash for none."""
        return "-" if value is None else self.form.format(value)


_SD = "{:.2f} sd"
_UNITS = {
    "psi": Unit("PSI"),
    "js_distance": Unit("Jensen-Shannon distance"),
    "ks": Unit("Kolmogorov-Smirnov distance"),
    "scaled_wasserstein": Unit("Wasserstein distance", _SD),
    "scaled_mean_shift": Unit("mean shift", _SD),
    "null_rate": Unit("share missing", "{:.2%}", "%"),
    "volume": Unit("rows", "{:.2f} × usual"),
    "staleness": Unit("age of the newest row", "{:.1f} h"),
    "schema_changes": Unit("changed columns", "{:.0f}"),
    "roc_auc": Unit("ROC AUC", "{:.3f}"),
    "log_loss": Unit("log loss", "{:.3f}"),
    "brier_score": Unit("Brier score", "{:.3f}"),
    "calibration_error": Unit("calibration error", "{:.3f}"),
    "f1": Unit("F1", "{:.3f}"),
    "rmse": Unit("root mean squared error"),
    "r2": Unit("R²", "{:.3f}"),
}


def unit(metric: str) -> Unit:
    """How a measure is named and written; one that a monitor declares itself goes by its own name."""
    return _UNITS.get(metric) or Unit(metric.replace("_", " "))


def headline(alert: Alert) -> str:
    """What drifted, in words: column, measure, and the slice if it is of one."""
    column = alert.table_name if alert.column_name == TABLE else alert.column_name
    of = f" where {alert.slice_key} = {alert.slice_value}" if alert.slice_key else ""
    return f"{column}: {unit(alert.metric).title}{of}"


def is_below(alert: Alert) -> bool:
    """Whether the value is too small, not too large."""
    return alert.value < alert.limit


def badness(alert: Alert) -> float:
    """How far beyond its limit, as a multiple; infinite where the limit is zero."""
    value, limit = abs(alert.value), abs(alert.limit)
    if value < limit:
        value, limit = limit, value
    return value / limit if limit else float("inf")


def how_badly(alert: Alert) -> str:
    """The last value beside the limit: ``0.504, limit 0.25``."""
    write = unit(alert.metric)
    return f"{write(alert.value)} {'<' if is_below(alert) else '>'} {write(alert.limit)}"


def span(start: datetime, end: datetime) -> str:
    """A window, or a stretch of them; days only where it is of whole days."""
    form = DAY if not (start.hour or start.minute or end.hour or end.minute) else MINUTE
    return f"{start.strftime(form)} to {end.strftime(form)}"


def day(moment: datetime) -> str:
    """``18 Nov 2013``."""
    return moment.strftime(DAY)


def minute(moment: datetime) -> str:
    """``18 Nov 2013 06:30``."""
    return moment.strftime(MINUTE)


def count(number: int, what: str) -> str:
    """``3 windows``."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def literal(text: str) -> str:
    """``text`` for where Markdown is read, so that it is shown as it stands: no tags, links, directives or emphasis."""
    one_line = " ".join(_LINKS.sub(rf"\1{_JOINER}", text).split())
    return _PUNCTUATION.sub(r"\\\1", one_line)


def shortened(text: str, most: int) -> str:
    """The first characters of a long text."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]
COLOURS: Mapping[str, Colour] = {
    "open": "red",
    "acknowledged": "blue",
    "subsided": "orange",
    "recovered": "green",
    "resolved": "green",
    "critical": "red",
    "warning": "orange",
}
"""What a state or a severity looks like: red asks for somebody, green is over."""
