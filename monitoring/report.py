"""What people read in the terminal of a check and of alerts; made to fit a hundred columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from monitoring.alerts import Alert
from monitoring.judge import Verdict, most_drifted
from monitoring.limits import TABLE
from monitoring.measure import PREDICTION
from monitoring.metrics import ByColumn
from monitoring.spec import DriftMonitor
from monitoring.windows import ScoredWindow, Window

MOST_WINDOWS = 12
_STYLES = {"open": "bad", "acknowledged": "note", "recovered": "good", "resolved": "good"}
_WORDS = {"still_violating": "extended", "retraining_started": "asks for retraining"}


@dataclass(frozen=True)
class Check:
    """What a check did: the windows ``measured`` in it, all windows' ``metrics``, its verdict, and what to mention."""

    monitor: DriftMonitor
    as_of: datetime
    measured: list[ScoredWindow] = field(default_factory=list)
    metrics: dict[Window, ByColumn] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=lambda: Verdict([], [], {}, False))
    notes: list[str] = field(default_factory=list)


def print_check(console: Console, check: Check) -> None:
    """Print what a check measured and found."""
    monitor = check.monitor
    console.print(f"[bold]Drift of {monitor.scoring.output}[/] as of {check.as_of:%Y-%m-%d %H:%M} UTC, monitor {monitor.name}")
    for note in check.notes:
        console.print(f"[note]{escape(note)}[/]")
    if check.metrics:
        shown = [found.window for found in check.measured] or list(check.metrics)
        measured = f"{len(check.measured)} windows measured" if check.measured else "No window has changed"
        console.print(f"{measured}; {len(check.metrics)} in all." + _left_off(shown))
        console.print(_windows(monitor, check.metrics, shown[-MOST_WINDOWS:]))
    news = [alert for alert in check.verdict.alerts if alert.alert_id in check.verdict.news]
    if news:
        console.print(alerts_table(news, check.verdict.news))
    still_open = [alert for alert in check.verdict.alerts if alert.is_open]
    if check.metrics:
        console.print(_conclusion(still_open, check.verdict.retrain))


def _left_off(windows: Sequence[Window]) -> str:
    return f" The last {MOST_WINDOWS}:" if len(windows) > MOST_WINDOWS else ""


def _conclusion(still_open: Sequence[Alert], retrain: bool) -> str:
    number = len(still_open)
    text = f"[bad]{number} open {'alert' if number == 1 else 'alerts'}[/]: review-alerts list" if number else "[good]No open alerts.[/]"
    return text + (". [bad]A new model is asked for.[/]" if retrain else "")


def _windows(monitor: DriftMonitor, metrics: dict[Window, ByColumn], windows: Iterable[Window]) -> Padding:
    table = plain_table("window", ">rows", ">model", ">labelled", ">AUC", ">positive", ">predicted", "most drifted (PSI)", ">beyond")
    for window in windows:
        columns = metrics[window]
        whole, prediction = columns[TABLE], columns.get(PREDICTION)
        quality = whole.quality or {}
        drifted = ", ".join(f"{name} {psi:.2f}" for name, psi in most_drifted(columns, 1))
        beyond = _beyond(monitor, columns)
        table.add_row(
            str(window) if monitor.window.total_seconds() % 86400 else f"{window.start:%Y-%m-%d}",
            f"{whole.rows:,}",
            whole.model_version,
            f"{whole.labelled:,}",
            number(quality.get("roc_auc"), 3),
            percent(quality.get("label_rate")),
            percent(prediction.avg if prediction else None),
            drifted or "no baseline",
            "too few rows" if whole.rows < monitor.minimum_rows else f"[bad]{beyond}[/]" if beyond else "0",
        )
    return Padding(table, (0, 0, 1, 0))


def _beyond(monitor: DriftMonitor, columns: ByColumn) -> int:
    """How many limits a window is beyond."""
    violated = 0
    for column in monitor.limits:
        for limit in monitor.limits_of(column):
            value = limit.value(columns[column]) if column in columns else None
            violated += value is not None and limit.violated(value)
    return violated


def alerts_table(alerts: Iterable[Alert], news: dict[str, list[str]] | None = None) -> Padding:
    """One line per alert; with ``news``, what has just happened to each."""
    table = plain_table("alert", "column", "metric", ">value", ">limit", "since", "until", ">windows", "severity", "state")
    for alert in alerts:
        state = f"[{_STYLES[alert.status]}]{alert.status}[/]"
        if news is not None:
            state += f" ({_happened(news[alert.alert_id])})"
        if alert.handled_by and news is None:
            state += f" by {escape(alert.handled_by)}"
        table.add_row(
            alert.alert_id, alert.column_name, alert.metric, f"{alert.value:.3f}", f"{alert.limit:g}",
            f"{alert.since:%Y-%m-%d}", f"{alert.until:%Y-%m-%d}", str(alert.windows), alert.severity, state,
        )  # fmt: skip
    return Padding(table, (0, 0, 1, 0))


def _happened(kinds: Sequence[str]) -> str:
    """The first and the last of what happened, in words."""
    words = [_WORDS.get(kind, kind) for kind in kinds]
    return words[0] if words[0] == words[-1] else f"{words[0]}, {words[-1]}"


def plain_table(*headings: str) -> Table:
    """A table with these headings; ``>`` before one aligns its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    return table


def number(value: float | None, digits: int) -> str:
    """``value`` with so many digits, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash for none."""
    return "-" if value is None else f"{100 * value:.1f} %"
