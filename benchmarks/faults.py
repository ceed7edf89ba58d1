"""Faults injected into a replayed year, night by night, and what the declared monitors make of them.

    python benchmarks/faults.py year --workspace WORKSPACE --out DIR             the untouched year: its alerts, and those to expect
    python benchmarks/faults.py run --workspace WORKSPACE --out DIR [--only "stuck sensor"]
    python benchmarks/faults.py table --out DIR [--json]

WORKSPACE is one that `make demo` has filled; it is copied, never changed. DIR gets one JSON file of each run, and the copies,
each removed when it is done. A run goes back to 1 November, changes a landed table from Wednesday 6 November on, then publishes
and checks on eleven nights until 28 November (the first three, then every third or fourth), and scores each Monday; a window is
judged by itself, so that more nights would open the same alerts. What these nights alert without any fault is not counted. A
fault is found when an alert opens on a column (or measure) in which it shows; all others are collateral. It is found 0 windows
late if that is by the first window that has rows of the fault. What a reviewer is shown is `review-alerts list` after each night, less
what is shown that night without any fault.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from injected import FAULTS, Fault
from nights import (
    copied,
    days,
    land,
    monitors,
    night,
    opened,
    opened_workspace,
    rewind,
    tables,
    utc,
)

from monitoring.alerts.checking import check
from monitoring.alerts.events import Event, read_events
from monitoring.alerts.reviewing import Filter
from monitoring.alerts.state import current
from monitoring.telling.listing import arranged
from monitoring.windows.metrics import TABLE

REWOUND, SINCE = utc(2013, 11, 1), utc(2013, 11, 6)
NIGHTS = [utc(2013, 11, day) for day in (4, 6, 7, 8, 9, 11, 14, 18, 21, 25, 28)]
CONTROL = "control"
_OF_SCORES = {"flight_delay_scores", "scoring_runs", "airport_weather"}
Alert = dict[str, Any]


@click.group()
def main() -> None:
    """Inject faults, and print what was found as Markdown or JSON."""


# ---- the untouched year


@main.command()
@click.option("--workspace", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def year(workspace: Path, out: Path) -> None:
    """Check all monitors of the untouched year at the end of each week from July on, and write what was opened."""
    out.mkdir(parents=True, exist_ok=True)
    folder = copied(workspace, out / "year")
    store = opened_workspace(folder)
    checks = {}
    for moment in list(days(utc(2013, 7, 7), utc(2013, 12, 30)))[::7]:
        for monitor in monitors():
            checks[monitor.name] = check(store, monitor, as_of=moment)
    found: dict[str, Any] = {"alerts": [told(event) for event in opened(store)], "expected": [], "notes": []}
    for name, done in checks.items():
        found["notes"] += [f"{name}: {note}" for note in done.notes]
        for one in done.honesty:
            cause = one.watch.cause
            found["expected"].append(
                {"monitor": name, "column": cause.column_name, "metric": cause.metric, "slice": cause.slice_value,
                 "limit": str(one.watch.limit), "bounds": [one.bounds.low, one.bounds.high] if one.bounds else None,
                 "a_year": one.a_year}
            )  # fmt: skip
    (out / "year.json").write_text(json.dumps(found, indent=1))
    for alert in found["alerts"]:
        print(in_words(alert))


def told(event: Event) -> Alert:
    """What a result keeps of an event that opened an alert."""
    evidence = json.loads(event.evidence)
    return {
        "monitor": event.monitor, "table": event.table_name, "column": event.column_name, "metric": event.metric,
        "slice": event.slice_value, "window_start": f"{event.window_start:%Y-%m-%d}",
        "window_end": f"{event.window_end:%Y-%m-%d}", "value": event.value, "limit": event.limit,
        "severity": event.severity, "source": event.source, "kind": event.kind, "as_of": f"{event.as_of:%Y-%m-%d}",
        "upstream": evidence.get("upstream", []), "stale": evidence.get("stale", []),
        "schema": evidence.get("schema_changed", []),
        "concentrated": [one["slice"] for one in evidence.get("concentrated", [])][:1],
    }  # fmt: skip


def in_words(alert: Alert) -> str:
    """One line."""
    where = f" of {alert['slice']}" if alert["slice"] else ""
    value = f"{alert['value']:.3f}, limit {alert['limit']:.3f}"
    return f"{alert['window_start']} {alert['monitor']}: {alert['column']} {alert['metric']}{where} {value}"


# ---- one fault


@main.command()
@click.option("--workspace", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option(
    "--only", multiple=True, help="The name of a fault; may be repeated. The nights without any are `control`."
)
@click.option("--keep", is_flag=True, help="Leave the copies where they are.")
def run(workspace: Path, out: Path, only: tuple[str, ...], keep: bool) -> None:
    """Run the nights of each fault, and of none."""
    out.mkdir(parents=True, exist_ok=True)
    base = out / "base"
    if not base.exists():
        making = copied(workspace, out / "base.making")
        rewind(making, REWOUND, _OF_SCORES.__contains__)
        store = opened_workspace(making)
        for monitor in monitors():
            check(store, monitor, as_of=REWOUND)
        making.rename(base)
    faults: dict[str, Fault | None] = {CONTROL: None} | {fault.name: fault for fault in FAULTS}
    for name in only or faults:
        began = time.monotonic()
        result = {"name": name, **_nights(base, out / _folder(name), faults[name])}
        _file(out, name).write_text(json.dumps(result, indent=1))
        if not keep:
            shutil.rmtree(out / _folder(name))
        print(f"{name}: {len(result['alerts'])} alerts, {time.monotonic() - began:.0f} s", flush=True)


def _nights(base: Path, folder: Path, fault: Fault | None) -> dict[str, Any]:
    """How many rows were changed, what was opened since, what was refused, and what was shown after each night."""
    copied(base, folder, measured=True)
    published = fault.published if fault else ["airport_weather"]
    rewind(folder, REWOUND, {*published, *_OF_SCORES}.__contains__)
    store, said, rows = opened_workspace(folder), list[str](), 0
    if fault:
        rows = land(store, fault.table, lambda frame: fault.inject(frame, SINCE), SINCE)
    # The schedule has no time: it is made anew where its source changed.
    publishing = [one for one in tables() if one.name in {*published, "airport_weather", "flight_schedule"}]
    for moment in NIGHTS:
        night(store, moment, publishing, said.append)
    alerts = [told(event) for event in opened(store) if event.window_end and event.window_end > SINCE]
    events = read_events(store)
    shown = {f"{moment:%Y-%m-%d}": listed_on(events, moment) for moment in NIGHTS}
    return {"rows": rows, "alerts": alerts, "said": said, "shown": shown}


def listed_on(events: Sequence[Event], night: datetime) -> list[Alert]:
    """What `review-alerts list` shows after a night; each alert with the one that it stands beneath, if it does."""
    alerts = current(event for event in events if event.as_of <= night)
    lines = arranged([[alert] for alert in alerts if Filter().wants(alert, night)])
    return [
        {"monitor": one.monitor, "table": one.table_name, "column": one.column_name, "metric": one.metric,
         "slice": one.slice_value, "severity": one.severity,
         "beneath": [line.follows.table_name, line.follows.column_name, line.follows.metric] if line.follows else None}
        for line in lines for one in line.members
    ]  # fmt: skip


# ---- the table


@main.command()
@click.option("--out", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of Markdown.")
def table(out: Path, as_json: bool) -> None:
    """What was found of each fault, and what else was opened."""
    control = _read(out, CONTROL)
    rows = [_row(fault, _read(out, fault.name), control) for fault in FAULTS if _file(out, fault.name).exists()]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print(
        "| fault | rows | found by | in window | late | then also | named rightly | shown | collateral |\n"
        "|---|--:|---|---|--:|---|---|---|---|"
    )
    for row in rows:
        cells = (row["fault"], f"{row['rows']:,}", row["found_by"], row["window"], row["late"], row["also"], row["named"],
                 row["shown"], row["collateral"] + row["refused"])  # fmt: skip
        print("| " + " | ".join("; ".join(cell) if isinstance(cell, list) else str(cell) for cell in cells) + " |")
    print(f"\nWithout any fault: {'; '.join(in_words(alert) for alert in control['alerts']) or 'nothing'}")


def _row(fault: Fault, result: dict[str, Any], control: dict[str, Any]) -> dict[str, Any]:
    background = {_cause(alert) for alert in control["alerts"]}
    new = [alert for alert in result["alerts"] if _cause(alert) not in background]
    mine = sorted((alert for alert in new if _is_about(fault, alert)), key=lambda alert: alert["window_end"])
    first = mine[0] if mine else None
    others = [alert for alert in new if not _is_about(fault, alert)]
    return {
        "fault": f"{fault.name}: {fault.said}",
        "rows": result["rows"],
        "since": f"{SINCE:%Y-%m-%d}",
        "found_by": _by(first) if first else "NOT FOUND",
        "window": f"{first['window_start']} to {first['window_end']}" if first else "",
        "late": _late(first) if first else "",
        "also": sorted({f"{_by(alert)} ({_late(alert)})" for alert in mine[1:]}),
        "named": _named(fault, first) if first else "",
        "shown": _shown(result["shown"], control["shown"]),
        "collateral": sorted({f"{_by(alert)} ({_late(alert)})" for alert in others}),
        "refused": sorted({" ".join(sentence.split()[1:4]).rstrip(":") for sentence in result["said"]}),
    }


def _shown(nights: dict[str, list[Alert]], control: dict[str, list[Alert]]) -> list[str]:
    """What is listed after the night with most alerts, and after the last one, without those of the night without a fault."""
    own = {}
    for moment, alerts in nights.items():
        background = {_cause(alert) for alert in control[moment]}
        own[moment] = [alert for alert in alerts if _cause(alert) not in background]
    most = max(own, key=lambda moment: len(own[moment]))  # the first of those with most
    return [f"{moment}: {_arrangement(own[moment])}" for moment in sorted({most, max(own)})]


def _arrangement(alerts: Sequence[Alert]) -> str:
    """``22 alerts: 1, and 21 that may follow from flights unknown_origins``."""
    beneath = Counter(
        " ".join(part for part in alert["beneath"] if part != TABLE) for alert in alerts if alert["beneath"]
    )
    parts = [f"{number} that may follow from {cause}" for cause, number in beneath.most_common()]
    alone = len(alerts) - beneath.total()
    return f"{len(alerts)} alert{'s' * (len(alerts) != 1)}" + (f": {alone}, and {', '.join(parts)}" if parts else "")


def _is_about(fault: Fault, alert: Alert) -> bool:
    if alert["column"] == TABLE:
        by_itself = TABLE in fault.columns and alert["table"] in fault.tables
        return by_itself or alert["metric"] in fault.measures
    if alert["column"] in fault.columns:
        return True
    return alert["source"] in [name for name in fault.tables if name] and not fault.is_weather


def _named(fault: Fault, alert: Alert) -> str:
    """Whether the alert itself says which table and which column it comes from."""
    where = alert["source"] or alert["table"]
    said = []
    if where in fault.tables or where == fault.table or any(name in fault.tables for name in _upstream(alert)):
        said.append("table")
    if alert["column"] in fault.columns or alert["metric"] in fault.measures:
        said.append("column")
    return " and ".join(said) or "no"


def _upstream(alert: Alert) -> Iterator[str]:
    for sentence in [*alert["upstream"], *alert["stale"]]:
        yield sentence.split()[0]


def _by(alert: Alert) -> str:
    where = f" of {alert['slice']}" if alert["slice"] else ""
    what = alert["metric"] if alert["column"] == TABLE else f"{alert['column']} {alert['metric']}"
    return f"{alert['monitor']}: {what}{where}"


def _late(alert: Alert) -> int:
    """How many windows after the first one with rows of the fault."""
    start, end = (datetime.fromisoformat(f"{alert[key]}T00:00+00:00") for key in ("window_start", "window_end"))
    return max(0, (end - SINCE - timedelta(microseconds=1)) // (end - start))


def _cause(alert: Alert) -> tuple[str, ...]:
    return tuple(alert[key] for key in ("monitor", "column", "metric", "slice"))


def _folder(name: str) -> str:
    return name.replace(" ", "-").replace(":", "")


def _file(out: Path, name: str) -> Path:
    return out / f"{_folder(name)}.json"


def _read(out: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_file(out, name).read_text())
    return found


if __name__ == "__main__":
    main()
