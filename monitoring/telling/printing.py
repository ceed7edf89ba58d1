"""Alerts and numbers as people read them in the terminal; made to fit a hundred columns."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feature_store.errors import listed
from monitoring.alerts.events import Event
from monitoring.alerts.reviewing import following
from monitoring.alerts.state import Alert
from monitoring.limits import Severity
from monitoring.telling.listing import Line, arranged, counted, elsewhere, followed
from monitoring.windows.metrics import TABLE

STYLES = {"open": "bad", "acknowledged": "note", "subsided": "note", "recovered": "good", "resolved": "good"}
_WORDS = {"still_violating": "extended"}
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 48
_MOST_NAMED = 3


def alerts_table(alerts: Iterable[Alert | Line], news: Mapping[str, Sequence[str]] | None = None) -> Table:
    """One line per alert, marked beneath one that it may follow from; with ``news``, what has just happened instead of its state.

    One of which ``news`` has nothing is there for those beneath it: its state and its monitor are told.
    """
    table = plain_table("alert", "what", ">value", "since (windows)", "severity", "state" if news is None else "now")
    for one in alerts:
        line = one if isinstance(one, Line) else Line(members=[one])
        if line.is_rest:
            table.add_row("", f"└ and {len(line.members)} more")
            continue
        [alert] = line.members
        sign = "<" if abs(alert.value) < abs(alert.limit) else ">"
        happened = (news or {}).get(alert.alert_id, ())
        whose = _whose(alert) if news is None else "" if happened else f", of {escape(alert.monitor)}"
        table.add_row(
            alert.alert_id,
            ("└ " if line.follows else "") + escape(alert.what),
            f"{alert.value:.3f} {sign} {alert.limit:.4g}",
            f"{alert.since:%Y-%m-%d} ({alert.windows})",
            f"[bad]{alert.severity}[/]" if alert.severity == Severity.CRITICAL else alert.severity,
            f"[{STYLES[alert.status]}]{_happened(happened) if happened else alert.status}[/]{whose}",
        )
    return table


def print_list(console: Console, shown: Sequence[Alert], everything: Sequence[Alert], *, as_of: datetime) -> None:
    """The shown alerts with what they may follow from, their groups, and how to see more; ``everything`` is all there is."""
    lines = arranged([[alert] for alert in shown])
    if lines:
        console.print(alerts_table(lines))
    print_followed(console, lines)
    for cause, members in elsewhere(shown, everything):
        console.print(f"{counted(members)} may follow from {escape(cause.named)}, which is not listed here")
    for group, members in groups(shown).items():
        columns = ", ".join(dict.fromkeys(alert.column_name for alert in members))
        console.print(
            f"{group}: {len(members)} alerts, features of {members[0].source} that moved in the same window: {columns}"
        )
    hidden = [alert for alert in everything if alert not in shown]
    snoozed = sum(alert.is_open and alert.is_snoozed(as_of) for alert in hidden)
    over = sum(not alert.is_open for alert in hidden)
    if snoozed:
        console.print(f"{snoozed} snoozed: review-alerts list --snoozed")
    if over:
        console.print(f"{over} more recovered or resolved: review-alerts list --all")
    if lines:
        console.print(f"Evidence: review-alerts show {lines[0].members[0].alert_id}")


def print_followed(console: Console, lines: Sequence[Line]) -> None:
    """How many may follow from each cause among the lines, and how to see those that have no line."""
    for cause, members, is_all in followed(lines):
        more = "" if is_all else f"; all: review-alerts list --follows {cause.alert_id}"
        console.print(f"{escape(cause.named)}: {counted(members)} may follow from it{more}")


def related(alert: Alert, everything: Sequence[Alert]) -> list[str]:
    """What the alert may follow from, and what may follow from it, in sentences."""
    said = [f"May follow from {one.named}." for one in everything if one.alert_id == alert.follows]
    found = following(everything, [alert])
    if found:
        left = len(found) - _MOST_NAMED
        more = f", and {left} more: review-alerts list --follows {alert.alert_id}" if left > 0 else ""
        names = ", ".join(one.named for one in found[:_MOST_NAMED])
        said.append(f"{counted(found)} may follow from it: {names}{more}")
    return said


def _whose(alert: Alert) -> str:
    by = f" by {escape(alert.handled_by)}" if alert.handled_by else ""
    return by + (f", for {escape(alert.assignee)}" if alert.assignee else "")


def groups(alerts: Sequence[Alert]) -> dict[str, list[Alert]]:
    """The groups among the alerts, with their members."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.group:
            found.setdefault(alert.group, []).append(alert)
    return {group: members for group, members in found.items() if len(members) > 1}


def _happened(kinds: Sequence[str]) -> str:
    """The first and the last of what happened, in words."""
    words = [_WORDS.get(kind, kind) for kind in kinds if not kind.startswith("retraining")]
    return words[0] if words[0] == words[-1] else f"{words[0]}, {words[-1]}"


def sparkline(values: Sequence[float | None], limit: float, *, width: int = _WIDTH) -> str:
    """The last ``width`` values as bars over zero, those beyond ``limit`` in red; a gap where nothing was measured."""
    shown = list(values)[-width:]
    known = [abs(value) for value in shown if value is not None]
    highest = max([*known, abs(limit)], default=0.0) or 1.0
    is_lower_worse = bool(known) and abs(known[-1]) < abs(limit)
    bars = []
    for value in shown:
        if value is None:
            bars.append(" ")
            continue
        bar = _BARS[min(int(abs(value) / highest * len(_BARS)), len(_BARS) - 1)]
        beyond = abs(value) < abs(limit) if is_lower_worse else abs(value) > abs(limit)
        bars.append(f"[bad]{bar}[/]" if beyond else bar)
    return "".join(bars)


def print_alert(
    console: Console,
    alert: Alert,
    history: Sequence[Event],
    values: Sequence[float | None],
    everything: Sequence[Alert] = (),
) -> None:
    """An alert with its evidence, its first diagnosis, and all that happened to it; ``values`` of all windows, oldest first.

    ``everything`` has the other alerts, among which are those that it may follow from, or that may follow from it.
    """
    evidence = evidence_of(alert, history)
    console.print(
        f"[bold]{escape(alert.what)}: {alert.value:.4g}[/], the limit is {alert.limit:.4g} "
        f"({alert.severity}); monitor {alert.monitor} on {alert.table_name}"
    )
    console.print(
        f"Beyond it in {alert.windows} window{'s' * (alert.windows > 1)}, from {alert.since:%Y-%m-%d} to {alert.until:%Y-%m-%d}. "
        f"Now: [{STYLES[alert.status]}]{alert.status}[/]{_whose(alert)}."
        + (f" Snoozed until {alert.snoozed_until:%Y-%m-%d %H:%M}." if alert.snoozed_until else "")
    )
    if evidence.get("rule"):
        console.print(f"Rule: {escape(str(evidence['limit']))}; alert after {evidence['rule']}.")
    if values:
        console.print(f"\n{sparkline(values, alert.limit)}  {len(values)} windows, red: beyond the limit\n")
    console.print(_judged(alert, evidence), "")
    for line in [*related(alert, everything), *diagnosis(alert, evidence)]:
        console.print(f"- {escape(line)}", soft_wrap=False)
    console.print("")
    console.print(_events(history), "")
    if alert.retraining_as_of:
        outcome = alert.retraining or "no outcome recorded yet"
        console.print(f"A new model was asked for as of {alert.retraining_as_of:%Y-%m-%d}: {escape(outcome)}.")
    too = ", and with --with-following what may follow from it, too" if alert.followed_by else ""
    console.print(
        f"Next: review-alerts ack {alert.alert_id}; review-alerts resolve {alert.alert_id} --comment '…'{too}"
        if alert.is_open
        else f"Next: review-alerts reopen {alert.alert_id} --comment '…', if it is not over"
    )


_ONCE = ("upstream", "stale", "concerned", "owner")


def evidence_of(alert: Alert, history: Iterable[Event]) -> dict[str, Any]:
    """The evidence of the last violating window, with the diagnosis made when the alert was last opened, if it is known."""
    opening = [
        json.loads(event.evidence)
        for event in history
        if event.alert_id == alert.alert_id and event.kind in ("opened", "reopened")
    ]
    first: Mapping[str, object] = opening[-1] if opening else {}
    evidence: dict[str, Any] = json.loads(alert.evidence)
    return evidence | {key: first[key] for key in _ONCE if key in first}


def diagnosis(alert: Alert, evidence: Mapping[str, object]) -> list[str]:
    """What the evidence says of why it may be and whom it concerns, in sentences."""
    said = []
    if alert.source and alert.column_name != TABLE:
        said.append(f"The column comes from {alert.source}.")
    if evidence.get("schema_changed"):
        said.append("Columns: " + "; ".join(map(str, _list(evidence, "schema_changed"))) + ".")
    said += [f"Upstream: {line}." for line in _list(evidence, "upstream")]
    said += [f"Stale: {line}." for line in _merged(_list(evidence, "stale"))]
    parts = [f"{one['column']} {one['part']:+.3f}" for one in _list(evidence, "explained")]
    if parts:
        said.append("What moved the mean prediction, by its new shares alone: " + ", ".join(parts) + ".")
    slices = [
        f"{one['slice']} {one['value']:.3g} ({one['rows']:.0%} of the rows)" for one in _list(evidence, "concentrated")
    ]
    if slices:
        said.append("Where it is strongest: " + ", ".join(slices) + ".")
    drifted = [f"{one['column']} {one['psi']:.2f}" for one in _list(evidence, "most_drifted")]
    if drifted:
        said.append("Most drifted in the last window (PSI): " + ", ".join(drifted) + ".")
    metrics = evidence.get("metrics")
    quality = evidence.get("quality")
    measures = {**(metrics if isinstance(metrics, dict) else {}), **(quality if isinstance(quality, dict) else {})}
    numbers = [f"{name} {value:.4g}" for name, value in measures.items() if isinstance(value, float)]
    if numbers:
        said.append("Last window: " + ", ".join(numbers) + ".")
    for one in _list(evidence, "concerned"):
        said.append(f"Concerns model {one['model']}, owner {one['owner'] or 'unknown'}.")
    return list(dict.fromkeys(said))


_SAID_OF_A_TABLE = {
    re.compile(r"the newest row of (\S+) was (of .+)"): "the newest rows of {} were {}",
    re.compile(r"(\S+) was (last written .+)"): "{} were {}",
}


def _merged(lines: Iterable[str]) -> list[str]:
    """The lines, each once; those that say the same of several tables as one."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    for line in dict.fromkeys(lines):
        form, found = next(
            ((plural, found) for single, plural in _SAID_OF_A_TABLE.items() if (found := single.fullmatch(line))),
            (line, None),
        )
        table, what = found.groups() if found else (line, "")
        said.setdefault((form, what), {})[table] = line
    return [
        form.format(listed(sorted(tables)), what) if len(tables) > 1 else next(iter(tables.values()))
        for (form, what), tables in said.items()
    ]


def _list(evidence: Mapping[str, object], key: str) -> list[Any]:
    value = evidence.get(key)
    return value if isinstance(value, list) else []


def _judged(alert: Alert, evidence: Mapping[str, object]) -> Table:
    judged = plain_table("window", ">" + alert.metric, "")
    for one in _list(evidence, "windows"):
        beyond = "[bad]beyond[/]" if one["violated"] else ""
        judged.add_row(f"{one['start'][:10]} to {one['end'][:10]}", number(one["value"], 4), beyond)
    return judged


def _events(history: Sequence[Event]) -> Table:
    events = plain_table("as of", "what", "window from", ">value", "who", "comment")
    for event in history:
        window = f"{event.window_start:%Y-%m-%d}" if event.window_start else ""
        value = "" if event.value is None else f"{event.value:.4g}"
        what = {"assigned": f"assigned to {event.assignee}"}.get(event.kind, event.kind)
        if event.kind == "snoozed" and event.until:
            what = f"snoozed until {event.until:%Y-%m-%d}"
        row = (f"{event.as_of:%Y-%m-%d}", what, window, value, event.actor, event.comment)
        events.add_row(*(escape(cell) for cell in row))
    return events


def plain_table(*headings: str) -> Table:
    """A table with these headings; ``>`` before one aligns its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    return table


def number(value: float | None, digits: int) -> str:
    """``value`` with so many digits, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def age(hours: float | None) -> str:
    """How long ago something was, in hours or, from three days on, in days; a dash for never."""
    if hours is None:
        return "-"
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} d"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash for none."""
    return "-" if value is None else f"{100 * value:.0f}%"


def rates(actual: float | None, predicted: float | None) -> str:
    """The share of positive labels and the mean prediction, both as per cent."""
    shown = ["-" if value is None else f"{100 * value:.1f}" for value in (actual, predicted)]
    return "/".join(shown) + "%"
