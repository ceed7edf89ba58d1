"""What people read in the terminal of a check and of alerts; made to fit a hundred columns."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from monitoring.alerts.causes import most_drifted
from monitoring.alerts.checking import Check
from monitoring.drift.metrics import ByColumn
from monitoring.spec import DriftMonitor
from monitoring.telling.listing import arranged, with_causes
from monitoring.telling.printing import age, alerts_table, number, percent, plain_table, print_followed, rates
from monitoring.telling.standing import beyond, expected
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import PREDICTION, TABLE

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
    table = _of_a_model if isinstance(monitor, DriftMonitor) else _of_a_table
    console.print(table(check, (measured or list(check.metrics))[-MOST_WINDOWS:]), "")
    news = [alert for alert in verdict.alerts if alert.alert_id in verdict.news]
    if news:
        lines = arranged([[alert] for alert in with_causes([one for one in news if one.is_open], check.causes)])
        console.print(alerts_table([*lines, *(one for one in news if not one.is_open)], verdict.news))
        print_followed(console, lines)
        console.print("")
    open_alerts = sum(alert.is_open for alert in verdict.alerts)
    asking = [alert.what for alert in news if "retraining_started" in verdict.news[alert.alert_id]]
    said = f"[bad]{open_alerts} open:[/] review-alerts list" if open_alerts else "[good]No open alerts.[/]"
    console.print(said + (f"\n[bad]A new model is asked for[/], because of {', '.join(asking)}." if asking else ""))
    if check.honesty:
        console.print(escape(expected(check.honesty)), highlight=False)


def _of_a_model(check: Check, windows: Iterable[Window]) -> Table:
    headings = ["from", ">rows", ">model", ">labels", ">AUC", ">pos./pred.", "largest drift (PSI)", ">beyond"]
    table = plain_table(*headings)
    for window in windows:
        columns = check.metrics[window].whole
        whole, prediction = columns[TABLE], columns.get(PREDICTION)
        quality = whole.quality or {}
        table.add_row(
            _begins(window),
            f"{whole.rows:,}",
            whole.model_version,
            percent(whole.labelled / whole.rows if whole.rows else None),
            number(quality.get("roc_auc"), 3),
            rates(quality.get("label_rate"), prediction.avg if prediction else None),
            _most_drifted(check, columns) or "no baseline",
            _beyond(check, window),
        )
    return table


def _of_a_table(check: Check, windows: Iterable[Window]) -> Table:
    headings = ["from", ">rows", ">of usual", ">newest row", "largest drift (PSI)", ">nulls", ">beyond"]
    table = plain_table(*headings)
    for window in windows:
        columns = check.metrics[window].whole
        whole = columns[TABLE]
        shares = [one.null_rate for name, one in columns.items() if name != TABLE and one.null_rate is not None]
        table.add_row(
            _begins(window),
            f"{whole.rows:,}",
            percent(whole.volume),
            age(whole.staleness),
            _most_drifted(check, columns) or "-",
            f"{100 * sum(shares) / len(shares):.1f}%" if shares else "-",
            _beyond(check, window),
        )
    return table


def _begins(window: Window) -> str:
    whole_days = window.start.hour == window.start.minute == 0
    return f"{window.start:%Y-%m-%d}" if whole_days else f"{window.start:%Y-%m-%d %H:%M}"


def _most_drifted(check: Check, columns: ByColumn) -> str:
    drifted = most_drifted(columns, 1, among=check.monitor.watched_for_psi(list(columns)))
    return f"{escape(drifted[0][0])} {drifted[0][1]:.2f}" if drifted else ""


def _beyond(check: Check, window: Window) -> str:
    found = beyond(check, window)
    return "too few" if found is None else f"[bad]{found}[/]" if found else "0"
