"""What people read in the terminal of a check and of alerts; made to fit a hundred columns."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from monitoring.alerts.causes import most_drifted
from monitoring.alerts.checking import Check
from monitoring.alerts.watches import no_baseline, watches
from monitoring.drift.baseline import PREDICTION
from monitoring.drift.metrics import Windows
from monitoring.spec import Monitor
from monitoring.telling.printing import alerts_table, number, percent, plain_table, rates
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import TABLE

MOST_WINDOWS = 12


def print_check(console: Console, check: Check) -> None:
    """Print what a check measured and found."""
    monitor, verdict = check.monitor, check.verdict
    console.print(f"[bold]Drift of {monitor.output}[/] as of {check.as_of:%Y-%m-%d %H:%M} UTC")
    for note in check.notes:
        console.print(f"[note]{escape(note)}[/]")
    if not check.metrics:
        console.print("Nothing to check.")
        return
    measured = [found.window for found in check.measured]
    said = f"{len(measured)} of {len(check.metrics)} windows measured." if measured else "No window has changed."
    console.print(said)
    console.print(_windows(monitor, check.metrics, (measured or list(check.metrics))[-MOST_WINDOWS:]), "")
    news = [alert for alert in verdict.alerts if alert.alert_id in verdict.news]
    if news:
        console.print(alerts_table(news, verdict.news), "")
    open_alerts = sum(alert.is_open for alert in verdict.alerts)
    asking = [alert.what for alert in news if "retraining_started" in verdict.news[alert.alert_id]]
    number = f"[bad]{open_alerts} open:[/] review-alerts list" if open_alerts else "[good]No open alerts.[/]"
    console.print(number + (f"\n[bad]A new model is asked for[/], because of {', '.join(asking)}." if asking else ""))


def _windows(monitor: Monitor, metrics: Windows, windows: Iterable[Window]) -> Table:
    headings = ["from", ">rows", ">model", ">labels", ">AUC", ">pos./pred.", "largest drift (PSI)", ">beyond"]
    table = plain_table(*headings)
    for window in windows:
        columns = metrics[window].whole
        whole, prediction = columns[TABLE], columns.get(PREDICTION)
        whole_days = window.start.hour == window.start.minute == 0
        quality = whole.quality or {}
        drifted = most_drifted(columns, 1, among=monitor.watched_for_psi(list(columns)))
        beyond = _beyond(monitor, metrics, window)
        table.add_row(
            f"{window.start:%Y-%m-%d}" if whole_days else f"{window.start:%Y-%m-%d %H:%M}",
            f"{whole.rows:,}",
            whole.model_version,
            percent(whole.labelled / whole.rows if whole.rows else None),
            number(quality.get("roc_auc"), 3),
            rates(quality.get("label_rate"), prediction.avg if prediction else None),
            f"{drifted[0][0]} {drifted[0][1]:.2f}" if drifted else "no baseline",
            "too few" if whole.rows < monitor.minimum_rows else f"[bad]{beyond}[/]" if beyond else "0",
        )
    return table


def _beyond(monitor: Monitor, metrics: Windows, window: Window) -> int:
    """How many limits that were declared as numbers a window is beyond."""
    parts = metrics[window]
    judged = (watch.judged(window, parts, no_baseline) for watch in watches(monitor, {window: parts}))
    return sum(judgement is not None and judgement.violated for judgement in judged)
