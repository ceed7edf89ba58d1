"""``review-alerts``: what drifted, since when, how badly; acknowledge and resolve; and what a replay found."""

import getpass
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

import click
from rich.markup import escape

from feature_store import open_store
from feature_store.cli import VerbGroup, console, place_options
from feature_store.discovery import discover
from feature_store.discovery import pick as pick_noun
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts import state
from monitoring.alerts.events import Event, append_events, read_events
from monitoring.alerts.printing import alerts_table, number, plain_table
from monitoring.alerts.state import Alert


@click.group(cls=VerbGroup)
def main() -> None:
    """See drift alerts with their evidence, acknowledge and resolve them.

    \b
    review-alerts list
    review-alerts show f723104c
    review-alerts resolve f723104c --comment "a sensor was stuck, and has been replaced"
    """


@main.command("list")
@click.option("--all", "everything", is_flag=True, help="Recovered and resolved alerts too.")
@click.option("--monitor", metavar="NAME", help="Only the alerts of this monitor.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@place_options
def list_alerts(
    everything: bool, monitor: str | None, as_json: bool, catalog: str, schema: str, as_of: datetime, workspace: str
) -> None:
    """List the open alerts, oldest first."""
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    found = state.current(read_events(store, monitor=monitor, as_of=as_of))
    shown = [alert for alert in found if everything or alert.is_open]
    if as_json:
        click.echo(json.dumps([_plain(alert) for alert in shown], indent=2))
        return
    over = len(found) - len(shown)
    if not shown:
        console.print("[good]No open alerts.[/]" if not everything else "No alerts.")
    else:
        console.print(alerts_table(shown))
    if over:
        console.print(f"{over} more recovered or resolved: review-alerts list --all")
    if shown:
        console.print(f"Evidence: review-alerts show {shown[0].alert_id}")


@main.command("show")
@click.argument("alert_id", metavar="ALERT")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@place_options
def show_alert(alert_id: str, as_json: bool, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Show an alert's evidence and history.

    The beginning of the ALERT's id is enough.
    """
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    events = read_events(store, as_of=as_of)
    alert = state.pick(state.current(events), alert_id)
    history = sorted((event for event in events if event.alert_id == alert.alert_id), key=Event.order)
    if as_json:
        click.echo(json.dumps(_plain(alert) | {"events": [_plain(event) for event in history]}, indent=2))
        return
    _print_alert(alert, history)


@main.command("ack")
@click.argument("alert_id", metavar="ALERT")
@click.option("--comment", default="", metavar="TEXT", help="What you think of it.")
@click.option("--user", default=getpass.getuser, metavar="NAME", help="Who acknowledges it.  [default: you]")
@place_options
def acknowledge(
    alert_id: str, comment: str, user: str, catalog: str, schema: str, as_of: datetime, workspace: str
) -> None:
    """Say who looks after an open alert."""
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    _act(store, alert_id, as_of, lambda alert: state.acknowledged(alert, actor=user, comment=comment, as_of=as_of))


@main.command("resolve")
@click.argument("alert_id", metavar="ALERT")
@click.option("--comment", required=True, metavar="TEXT", help="Why it is resolved: what was found and done.")
@click.option("--user", default=getpass.getuser, metavar="NAME", help="Who resolves it.  [default: you]")
@place_options
def resolve(alert_id: str, comment: str, user: str, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Close an alert, with the reason.

    If the measure is beyond its limit in a later window, the alert is opened again.
    """
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    _act(store, alert_id, as_of, lambda alert: state.resolved(alert, actor=user, comment=comment, as_of=as_of))


@main.command("summary")
@click.argument("name", metavar="MONITOR")
@place_options
def summary(name: str, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Tell what happened, month by month.

    What was scored and by which model, how good it was, what drifted, which alerts there were, and which versions of
    the model took over when and why.
    """
    import monitoring
    from monitoring.alerts.summary import print_summary, summarise
    from monitoring.spec import DriftMonitor

    monitor = pick_noun(discover(monitoring, DriftMonitor), name, "monitor")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    print_summary(console, summarise(store, monitor, as_of=as_of), workspace=workspace)


def _act(store: FeatureStore, alert_id: str, as_of: datetime, event_for: Callable[[Alert], Event]) -> None:
    alert = state.pick(state.current(read_events(store, as_of=as_of)), alert_id)
    event = event_for(alert)
    append_events(store, [event], Commit(verb="review-alerts", as_of=as_of, details={"alert": alert.alert_id}))
    console.print(
        f"Alert {alert.alert_id} ({alert.column_name} {alert.metric}) is {event.kind} by {escape(event.actor)}."
    )


def _print_alert(alert: Alert, history: Sequence[Event]) -> None:
    evidence = json.loads(alert.evidence)
    console.print(
        f"[bold]{alert.column_name}: {alert.metric} {alert.value:.4g}[/], the limit is {alert.limit:g} "
        f"({alert.severity}); monitor {alert.monitor} on {alert.table_name}"
    )
    console.print(
        f"Beyond it in {alert.windows} windows, from {alert.since:%Y-%m-%d} to {alert.until:%Y-%m-%d}. "
        f"Now: {alert.status}."
    )
    if evidence.get("rule"):
        console.print(f"Rule: {evidence['limit']}; alert after {evidence['rule']}.")
    judged = plain_table("window", ">" + alert.metric, "")
    for one in evidence.get("windows", []):
        judged.add_row(
            f"{one['start'][:10]} to {one['end'][:10]}",
            number(one["value"], 4),
            "[bad]beyond[/]" if one["violated"] else "",
        )
    console.print(judged, "")
    measures = {**evidence.get("metrics", {}), **evidence.get("quality", {})}
    numbers = [f"{name} {value:.4g}" for name, value in measures.items() if isinstance(value, float)]
    if numbers:
        console.print("Last window: " + ", ".join(numbers), soft_wrap=False)
    drifted = [f"{one['column']} {one['psi']:.2f}" for one in evidence.get("most_drifted", [])]
    if drifted:
        console.print("Most drifted in it (PSI): " + ", ".join(drifted), soft_wrap=False)
    console.print("")
    events = plain_table("as of", "what", "window from", ">value", "who", "comment")
    for event in history:
        window = f"{event.window_start:%Y-%m-%d}" if event.window_start else ""
        value = "" if event.value is None else f"{event.value:.4g}"
        events.add_row(f"{event.as_of:%Y-%m-%d}", event.kind, window, value, event.actor, event.comment)
    console.print(events, "")
    console.print(f"Next: review-alerts ack {alert.alert_id}; review-alerts resolve {alert.alert_id} --comment '…'")


def _plain(noun: Alert | Event) -> dict[str, object]:
    """Plain JSON data: moments in ISO 8601, the evidence as data."""
    data = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(noun).items()}
    return data | {"evidence": json.loads(noun.evidence)}


if __name__ == "__main__":
    main()
