"""Alerts and numbers as people read them in the terminal; made to fit a hundred columns."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from monitoring.alerts.state import Alert
from monitoring.limits import Severity

_STYLES = {"open": "bad", "acknowledged": "note", "recovered": "good", "resolved": "good"}
_WORDS = {"still_violating": "extended"}


def alerts_table(alerts: Iterable[Alert], news: Mapping[str, Sequence[str]] | None = None) -> Table:
    """One line per alert; with ``news``, what has just happened to each instead of its state."""
    table = plain_table("alert", "what", ">value", "since (windows)", "severity", "state" if news is None else "now")
    for alert in alerts:
        sign = "<" if abs(alert.value) < alert.limit else ">"
        state = f"[{_STYLES[alert.status]}]{alert.status if news is None else _happened(news[alert.alert_id])}[/]"
        table.add_row(
            alert.alert_id,
            cause(alert),
            f"{alert.value:.3f} {sign} {alert.limit:g}",
            f"{alert.since:%Y-%m-%d} ({alert.windows})",
            f"[bad]{alert.severity}[/]" if alert.severity == Severity.CRITICAL else alert.severity,
            state + (f" by {escape(alert.handled_by)}" if alert.handled_by and news is None else ""),
        )
    return table


def cause(alert: Alert) -> str:
    """What the alert is about: column and metric."""
    return f"{alert.column_name} {alert.metric.removeprefix('scaled_')}"


def _happened(kinds: Sequence[str]) -> str:
    """The first and the last of what happened, in words."""
    words = [_WORDS.get(kind, kind) for kind in kinds if kind != "retraining_started"]
    return words[0] if words[0] == words[-1] else f"{words[0]}, {words[-1]}"


def plain_table(*headings: str) -> Table:
    """A table with these headings; ``>`` before one aligns its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    return table


def number(value: float | None, digits: int) -> str:
    """``value`` with so many digits, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash for none."""
    return "-" if value is None else f"{100 * value:.0f}%"


def rates(actual: float | None, predicted: float | None) -> str:
    """The share of positive labels and the mean prediction, both as per cent."""
    shown = ["-" if value is None else f"{100 * value:.1f}" for value in (actual, predicted)]
    return "/".join(shown) + "%"
