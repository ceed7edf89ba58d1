"""``check-drift``: what drifted since the model learned, which limits are passed, and whether to train again."""

import logging
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

import click

from feature_store import open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover, pick_all
from feature_store.errors import PipelineError
from feature_store.job import set_task_value
from feature_store.side_by_side import side_by_side

if TYPE_CHECKING:
    from feature_store.store import FeatureStore
    from monitoring.alerts.checking import Check
    from monitoring.telling.channels import Channels


@click.command(cls=Verb)
@click.argument("names", nargs=-1, required=True, metavar="MONITOR|PROJECT...")
@place_options
def main(names: tuple[str, ...], catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Compare the newest rows with what they are expected to be, and open, extend or close alerts.

    \b
    check-drift flight_delay
    check-drift flight_delay --as-of 2013-08-01
    check-drift flights                                  all monitors of monitoring/flights

    MONITOR is the name of a monitor declared in monitoring/: of a score table, which is compared with what the champion
    learned from, or of a feature table. Its windows that are complete by --as-of are measured once, and again when
    labels arrive or rows are replaced.
    """
    import monitoring
    from monitoring.alerts.checking import Measured, judged, measured
    from monitoring.spec import Monitor
    from monitoring.telling.channels import Channels
    from monitoring.telling.outbox import send_kept

    monitors = pick_all(discover(monitoring, Monitor), names, "monitor")
    channels = Channels.from_environment()
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    # Windows of several lengths may be measured of one table, and are rows of one table of metrics.
    of_table = {one.output: Lock() for one in monitors}

    def measured_in_turn(monitor: Monitor) -> Measured:
        with of_table[monitor.output]:
            return measured(store, monitor, as_of=as_of, step=step)

    checked, failed = [], []
    for line in send_kept(store, channels):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    with (
        progress(3 * len(monitors), "steps") as step,
        side_by_side(monitors, measured_in_turn) as measuring,
    ):
        # Judged in their order: what one finds may be the cause of what the next one finds. And told at once: it is recorded now.
        for monitor, running in measuring:
            try:
                checked.append(judged(store, running.result()))
            except PipelineError as error:
                if len(monitors) == 1:
                    raise
                failed.append(f"{monitor.name} was not checked: {error}")
            else:
                _tell(store, checked[-1], channels)
    set_task_value("retrain", any(one.verdict.retrain for one in checked))
    set_task_value("open_alerts", sum(alert.is_open for one in checked for alert in one.verdict.alerts))
    set_task_value("windows", sum(len(one.measured) for one in checked))
    if failed:
        raise PipelineError("\n".join(failed))


def _tell(store: "FeatureStore", check: "Check", channels: "Channels") -> None:
    """Print what a check found, write its page, and send what is new of it."""
    from monitoring.telling.page.page import write
    from monitoring.telling.report import print_check
    from monitoring.telling.short import tell

    print_check(console, check)
    page = None
    try:
        page = write(store, check)
        said = f"Report: {page}"
    except Exception as error:  # whatever is wrong with a page, the alerts are told
        logging.getLogger(__name__).debug("The report of %s failed", check.monitor.name, exc_info=True)
        said = f"The report was not written: {error} ({type(error).__name__})."
    for line in [said, *tell(store, channels, check, page)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
