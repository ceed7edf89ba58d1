"""``review-alerts``: what drifted, since when, how badly, why; and what people decide about it."""

import getpass
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from rich.markup import escape

from feature_store import open_store
from feature_store.cli import Moment, VerbGroup, console, place_options, progress
from feature_store.discovery import discover
from feature_store.discovery import pick as pick_noun
from feature_store.store import FeatureStore
from monitoring.alerts import actions, state
from monitoring.alerts.events import read_events
from monitoring.alerts.reviewing import Action, Filter, act, history_of, plain
from monitoring.telling.printing import alerts_table, print_alert, print_list

STATUSES = ("open", "acknowledged", "subsided", "recovered", "resolved")


@click.group(cls=VerbGroup)
def main() -> None:
    """See drift alerts with their evidence, and decide.

    \b
    review-alerts list --severity critical
    review-alerts show f723104c
    review-alerts ack f723104c
    review-alerts assign f723104c ann@example.com
    review-alerts snooze f723104c --until 2013-08-01 --comment "a known outage"
    review-alerts resolve f723104c --comment "a sensor was stuck, and has been replaced"
    review-alerts resolve f723104c --comment "the same" --with-following
    review-alerts retrain f723104c
    review-alerts serve
    """


@main.command("list")
@click.option("--all", "everything", is_flag=True, help="Recovered, resolved and snoozed alerts too.")
@click.option("--monitor", metavar="NAME", help="Only the alerts of this monitor.")
@click.option("--severity", type=click.Choice(["warning", "critical"]), help="Only alerts that matter so much.")
@click.option("--status", type=click.Choice(STATUSES), help="Only alerts in this state.")
@click.option("--column", metavar="NAME", help="Only alerts on this column; * stands for anything.")
@click.option("--table", "source", metavar="NAME", help="Only alerts on features of this table; * stands for anything.")
@click.option("--assignee", metavar="NAME", help="Only alerts assigned to this person.")
@click.option("--since", type=Moment(), help="Only alerts beyond their limit after this moment.")
@click.option("--follows", metavar="ALERT", help="Only alerts that may follow from this one: all of them.")
@click.option("--snoozed", is_flag=True, help="Only those that are snoozed.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@place_options
def list_alerts(
    catalog: str, schema: str, as_of: datetime, workspace: str, as_json: bool, everything: bool, **chosen: Any
) -> None:
    """List the open alerts, oldest first; beneath each those that may follow from it.

    Of more than five that may follow from one, three are listed; --follows lists all.
    """
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    found = state.current(read_events(store, as_of=as_of))
    if chosen["follows"]:
        chosen["follows"] = state.pick(found, chosen["follows"]).alert_id
    wanted = Filter(everything=everything, **chosen)
    shown = [alert for alert in found if wanted.wants(alert, as_of)]
    if as_json:
        click.echo(json.dumps([plain(alert) for alert in shown], indent=2))
        return
    if not shown:
        is_plain = not everything and not any(chosen.values())
        console.print("[good]No open alerts.[/]" if is_plain else "No such alerts." if found else "No alerts.")
    print_list(console, shown, found, as_of=as_of)


@main.command("show")
@click.argument("alert_id", metavar="ALERT")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@place_options
def show_alert(alert_id: str, as_json: bool, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Show an alert's evidence, a first diagnosis, and its history.

    The beginning of the ALERT's id is enough. The id of a group shows its members.
    """
    from monitoring.telling.trend import reading, trend

    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    events = read_events(store, as_of=as_of)
    everything = state.current(events)
    found = state.pick_all(everything, alert_id)
    if as_json:
        told = [plain(one) | {"events": [plain(event) for event in history_of(events, one)]} for one in found]
        click.echo(json.dumps(told if len(found) > 1 else told[0], indent=2))
        return
    if len(found) > 1:
        console.print(f"[bold]{len(found)} features of {found[0].source}[/] left their limits in the same window.")
        console.print(alerts_table(found))
        console.print(f"Evidence: review-alerts show {found[0].alert_id}")
        return
    values = [point.value for point in trend(reading(store), found[0], as_of=as_of)]
    print_alert(console, found[0], history_of(events, found[0]), values, everything)


def _on_alert(
    *, comment: str, required: bool = False, alone: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What actions take: the alert, a comment, who acts, the place; and, if not ``alone``, whether on what follows, too."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = place_options(command)
        if not alone:
            help = "Do the same to each open alert that may follow from it."
            command = click.option("--with-following", is_flag=True, help=help)(command)
        command = click.option("--user", default=getpass.getuser, metavar="NAME", help="Who does it.  [default: you]")(
            command
        )
        given = {"required": True} if required else {"default": ""}
        command = click.option("--comment", metavar="TEXT", help=comment, **given)(command)
        return click.argument("alert_id", metavar="ALERT|GROUP")(command)

    return decorate


@main.command("ack")
@_on_alert(comment="What you think of it.")
def acknowledge(alert_id: str, comment: str, user: str, as_of: datetime, **given: Any) -> None:
    """Say who looks after an open alert."""
    _act(given, alert_id, as_of, lambda alert: actions.acknowledged(alert, actor=user, comment=comment, as_of=as_of))


@main.command("assign")
@_on_alert(comment="What they should know.")
@click.argument("assignee", metavar="PERSON")
def assign(alert_id: str, assignee: str, comment: str, user: str, as_of: datetime, **given: Any) -> None:
    """Give an alert to somebody."""

    def action(alert: state.Alert) -> Any:
        return actions.assigned(alert, assignee=assignee, actor=user, comment=comment, as_of=as_of)

    _act(given, alert_id, as_of, action)


@main.command("snooze")
@_on_alert(comment="Why it can wait.", required=True)
@click.option("--until", required=True, type=Moment(), help="When it is listed again.")
def snooze(alert_id: str, until: datetime, comment: str, user: str, as_of: datetime, **given: Any) -> None:
    """Hide an alert for some time.

    It is neither listed nor told, and does not ask for a new model, before that moment.
    """

    def action(alert: state.Alert) -> Any:
        return actions.snoozed(alert, until=until, actor=user, comment=comment, as_of=as_of)

    _act(given, alert_id, as_of, action)


@main.command("resolve")
@_on_alert(comment="Why it is resolved: what was found and done.", required=True)
def resolve(alert_id: str, comment: str, user: str, as_of: datetime, **given: Any) -> None:
    """Close an alert, with the reason.

    If the measure is beyond its limit in a later window, the alert is opened again.
    """
    _act(given, alert_id, as_of, lambda alert: actions.resolved(alert, actor=user, comment=comment, as_of=as_of))


@main.command("reopen")
@_on_alert(comment="Why it is not over.", required=True, alone=True)
def reopen(alert_id: str, comment: str, user: str, as_of: datetime, **place: str) -> None:
    """Open an alert again that is over; it stays open until somebody resolves it."""
    _act(place, alert_id, as_of, lambda alert: actions.reopened(alert, actor=user, comment=comment, as_of=as_of))


@main.command("retrain")
@_on_alert(comment="Why a new model is needed.", alone=True)
@click.option("--profile", default="local", show_default=True, metavar="NAME", envvar="PIPELINE_PROFILE")
@click.option("--asked", is_flag=True, help="The request is recorded already, as of the same moment.")
def retrain(alert_id: str, profile: str, asked: bool, comment: str, user: str, as_of: datetime, **place: str) -> None:
    """Train the alert's model again, here and now.

    The gates decide as always whether the new model takes over. What came of it is recorded with the alert.
    """
    from monitoring.alerts.retraining import monitor_of, record_outcomes, train_again

    store = open_store(**place)
    monitor = monitor_of(state.pick_all(state.current(read_events(store, as_of=as_of)), alert_id)[0])
    if not asked:
        _act(
            place,
            alert_id,
            as_of,
            lambda alert: actions.retraining_asked(alert, actor=user, comment=comment, as_of=as_of),
        )
    try:
        with progress(len(monitor.scoring.training.estimators) + 6, "steps") as begin:
            train_again(store, monitor, profile=profile, as_of=as_of, begin=begin)
    finally:
        _print_outcomes(store, record_outcomes(store, monitor, as_of=as_of, is_over=True))


@main.command("serve")
@click.option(
    "--address", default="127.0.0.1", show_default=True, metavar="HOST", help="Where others can reach the page."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, metavar="N")
@click.option(
    "--identity",
    type=click.Choice(["login", "header", "token"]),
    default="login",
    show_default=True,
    help="Who reviews: you; the user that a platform forwards; or whoever knows PIPELINE_REVIEW_TOKEN.",
)
@click.option(
    "--training", default="", metavar="COMMAND", envvar="PIPELINE_REVIEW_TRAINING",
    help="What trains again, instead of retrain here; {alert}, {monitor}, {as_of}, {catalog}, {schema}, {workspace} are filled in.",
)  # fmt: skip
@click.option("--profile", default="local", show_default=True, metavar="NAME", envvar="PIPELINE_PROFILE")
@place_options
def serve(address: str, port: int, as_of: datetime, **settings: str) -> None:
    """Open the review as a web page, on this machine.

    Elsewhere than on this machine it is served only if it is known who reviews (--identity).
    """
    from monitoring.app.serving import serve
    from monitoring.app.settings import Settings

    given = click.get_current_context().params["as_of"]  # None: now, whenever the page is looked at
    serve(Settings(as_of=given, **settings), address=address, port=port)


@main.command("outcome")
@click.argument("name", metavar="MONITOR")
@place_options
def outcome(name: str, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Record with the alerts what came of the training that they asked for.

    The monitoring job does so after it has trained: challenger, gates, and whether it became champion.
    """
    import monitoring
    from monitoring.alerts.retraining import record_outcomes
    from monitoring.spec import DriftMonitor

    monitor = pick_noun(discover(monitoring, DriftMonitor), name, "monitor")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    _print_outcomes(store, record_outcomes(store, monitor, as_of=as_of, is_over=True))


@main.command("summary")
@click.argument("name", metavar="MONITOR")
@place_options
def summary(name: str, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Tell what happened, month by month.

    What was scored and by which model, how good it was, what drifted, which alerts there were, and which versions of
    the model took over when and why.
    """
    import monitoring
    from monitoring.spec import DriftMonitor
    from monitoring.telling.summary import print_summary, summarise

    monitor = pick_noun(discover(monitoring, DriftMonitor), name, "monitor")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    print_summary(console, summarise(store, monitor, as_of=as_of), workspace=workspace)


def _act(given: dict[str, Any], alert_id: str, as_of: datetime, action: Action) -> None:
    """Do it, and say so; ``given`` is the place, and whether what may follow from the alert is meant, too."""
    with_following = given.pop("with_following", False)
    store = open_store(**given)
    alerts = {alert.alert_id: alert for alert in state.current(read_events(store, as_of=as_of))}
    for event in act(store, alert_id, action, as_of=as_of, with_following=with_following):
        done = {"assigned": f"assigned to {event.assignee}", "retraining_started": "the reason for a new model"}
        what = done.get(event.kind, event.kind)
        if event.until:
            what = f"snoozed until {event.until:%Y-%m-%d %H:%M}"
        console.print(
            f"Alert {event.alert_id} ({escape(alerts[event.alert_id].what)}) is {escape(what)} by {escape(event.actor)}."
        )


def _print_outcomes(store: FeatureStore, events: list[Any]) -> None:
    for event in events:
        console.print(f"Alert {event.alert_id}: {escape(event.comment)}.")
    if not events:
        console.print("No training that an alert has asked for has ended since.")


if __name__ == "__main__":
    main()
