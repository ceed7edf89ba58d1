"""``check-drift``: what drifted since the model learned, which limits are passed, and whether to train again."""

from datetime import datetime

import click

from feature_store import open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.job import set_task_value


@click.command(cls=Verb)
@click.argument("name", metavar="MONITOR")
@place_options
def main(name: str, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Compare the newest scores with what the model learned from, and open, extend or close alerts.

    \b
    check-drift flight_delay
    check-drift flight_delay --as-of 2013-08-01

    MONITOR is the name of a monitor declared in monitoring/, such as flight_delay. Its windows that are complete by
    --as-of are measured once, and again when labels arrive or scores are replaced.
    """
    import monitoring
    from monitoring.alerts.checking import check
    from monitoring.alerts.report import print_check
    from monitoring.spec import Monitor

    monitor = pick(discover(monitoring, Monitor), name, "monitor")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(4, "steps") as step:
        checked = check(store, monitor, as_of=as_of, step=step)
    print_check(console, checked)
    set_task_value("retrain", checked.verdict.retrain)
    set_task_value("open_alerts", sum(alert.is_open for alert in checked.verdict.alerts))
    set_task_value("windows", len(checked.measured))


if __name__ == "__main__":
    main()
