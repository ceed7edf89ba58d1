"""Faults injected into a replayed year, night by night, and what the declared monitors make of them.

    python benchmarks/faults.py year --workspace WORKSPACE --out DIR             the untouched year: its alerts, and those to expect
    python benchmarks/faults.py run --workspace WORKSPACE --out DIR [--only "stuck sensor"]
    python benchmarks/faults.py table --out DIR [--json]

WORKSPACE is one that `make demo` has filled; it is copied, never changed. DIR gets one JSON file of each run, and the copies,
each removed when it is done. A run goes back to 1 November, changes a landed table from Wednesday 6 November on, then
publishes and checks every night, and scores every week, to 28 November; what the same nights alert without any fault is not
counted. A fault is found when an alert opens on a column (or measure) in which it shows; all others are collateral. It is
found 0 windows late if that is by the first window with rows of the fault in it. Limits learned from the baseline are as they were.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
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
from monitoring.alerts.events import Event
from monitoring.windows.metrics import TABLE

REWOUND, SINCE, UNTIL = utc(2013, 11, 1), utc(2013, 11, 6), utc(2013, 11, 28)
CONTROL = "control"
_OF_WEATHER = ("airport_weather", "airport_weather_quarantine", "flight_delay_scores", "scoring_runs")
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
@click.option("--only", multiple=True, help="The name of a fault; may be repeated. The nights without any are control.")
def run(workspace: Path, out: Path, only: tuple[str, ...]) -> None:
    """Run the nights of each fault, one process each, and of none."""
    out.mkdir(parents=True, exist_ok=True)
    for name in only or (CONTROL, *(fault.name for fault in FAULTS)):
        asked = ["one", name, "--workspace", str(workspace), "--out", str(out)]
        done = subprocess.run([sys.executable, __file__, *asked], check=False)
        print(f"{name}: {'done' if done.returncode == 0 else 'failed'}", flush=True)


@main.command(hidden=True)
@click.argument("name")
@click.option("--workspace", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def one(name: str, workspace: Path, out: Path) -> None:
    """The nights of one fault."""
    fault = next((fault for fault in FAULTS if fault.name == name), None)
    if fault is None and name != CONTROL:
        raise click.BadParameter(f"There is no fault {name!r}.")
    is_weather = fault is not None and fault.is_weather
    base = _prepared(workspace, out, is_weather=is_weather)
    folder = copied(base, out / name.replace(" ", "-").replace(":", ""), measured=True)
    store, said, rows = opened_workspace(folder), [], 0
    if fault:
        rows = land(store, fault.table, lambda frame: fault.inject(frame, SINCE), SINCE)
    publishing = [one for one in tables() if not is_weather or one.name in _OF_WEATHER]
    for moment in days(REWOUND, UNTIL):
        night(store, moment, publishing, said.append)
    alerts = [told(event) for event in opened(store) if event.window_end and event.window_end > SINCE]
    (out / f"{folder.name}.json").write_text(
        json.dumps({"name": name, "rows": rows, "alerts": alerts, "said": said}, indent=1)
    )
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def _prepared(workspace: Path, out: Path, *, is_weather: bool) -> Path:
    """The workspace as it was on 1 November, all windows until then measured; other tables than the weather's may go on."""
    base = out / ("base-weather" if is_weather else "base-flights")
    if base.exists():
        return base
    making = copied(workspace, out / f"{base.name}.making")
    rewind(making, REWOUND, (lambda table: table in _OF_WEATHER) if is_weather else (lambda table: True))
    subprocess.run([sys.executable, __file__, "past", str(making)], check=True)
    return making.rename(base)


@main.command(hidden=True)
@click.argument("workspace", type=click.Path(path_type=Path, exists=True))
def past(workspace: Path) -> None:
    """Check all monitors as of 1 November."""
    store = opened_workspace(workspace)
    for monitor in monitors():
        check(store, monitor, as_of=REWOUND)


# ---- the table


@main.command()
@click.option("--out", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of Markdown.")
def table(out: Path, as_json: bool) -> None:
    """What was found of each fault, and what else was opened."""
    control = _read(out, CONTROL)
    background = {_cause(alert) for alert in control["alerts"]}
    rows = [_row(fault, _read(out, fault.name), background) for fault in FAULTS if _file(out, fault.name).exists()]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print(
        "| fault | rows | found by | in window | late | then also | named rightly | collateral |\n|---|--:|---|---|--:|---|---|---|"
    )
    for row in rows:
        cells = (row["fault"], f"{row['rows']:,}", row["found_by"], row["window"], row["late"], row["also"], row["named"],
                 row["collateral"])  # fmt: skip
        print("| " + " | ".join("; ".join(cell) if isinstance(cell, list) else str(cell) for cell in cells) + " |")
    print(f"\nWithout any fault: {'; '.join(in_words(alert) for alert in control['alerts']) or 'nothing'}")


def _row(fault: Fault, result: dict[str, Any], background: set[tuple[str, ...]]) -> dict[str, Any]:
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
        "collateral": sorted({f"{_by(alert)} ({_late(alert)})" for alert in others}) + result["said"],
    }


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


def _file(out: Path, name: str) -> Path:
    return out / f"{name.replace(' ', '-').replace(':', '')}.json"


def _read(out: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_file(out, name).read_text())
    return found


if __name__ == "__main__":
    main()
