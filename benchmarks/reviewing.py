"""Time the review page in a browser: a year of daily windows in 30 columns, and 500 alerts.

    python benchmarks/reviewing.py [--times 20]

The tables are made without Spark in a folder of their own, the page is served by ``review-alerts serve``, and Chromium
loads it as a person's browser does, which keeps files and what it has compiled of them. A load ends when the page shows
the heading and the server has nothing more to send, and of an alert's page also when its charts are drawn; an action,
when the page says that it was recorded. The first load, which starts everything, is told apart.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from browsing import IDLE, Spent, chromium, review_page, serving, shown, summary, timed
from playwright.sync_api import Page, expect

from feature_store import open_store
from feature_store.tables.commit import Commit
from monitoring.alerts.events import Cause, Event, append_events
from monitoring.drift.schemas import DRIFT, PROFILE, arrow_table, ensure

FIRST, DAY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)
COLUMNS = [f"feature_{number:02}" for number in range(29)] + ["prediction"]
SCORES = "flight_delay_scores"
CHARTS = 4
"""On an alert's page: the measure, the distribution, quality, scores."""


def make(workspace: Path, *, days: int, alerts: int) -> list[str]:
    """Metric tables of so many days, and so many alerts; the alerts' ids."""
    store = open_store(workspace=workspace)
    names = {kind: f"{SCORES}_{kind}_metrics" for kind in ("profile", "drift")}
    for kind, name in names.items():
        ensure(store.tables, name, kind, table=SCORES, owner="ops@example.com")
    for day in range(days):  # each in a commit and files of its own, as a nightly check leaves them
        profile, drift = [], []
        start = FIRST + day * DAY
        about = {
            "window": {"start": start, "end": start + DAY}, "granularity": "1 day", "window_start": start,
            "model_version": str(1 + day // 90),
        }  # fmt: skip
        auc = {"one_vs_all": [("true", 0.8 - day / 5000)], "macro": None, "weighted": None}
        profile.append(about | {"column_name": ":table", "count": 1000, "labelled_count": 900, "roc_auc_score": auc})
        for column in COLUMNS:
            shares = [position / 200 for position in range(101)]
            profile.append(about | {"column_name": column, "count": 1000, "quantiles": shares, "percent_null": 0.0})
            bins = [{"bin": f"up to {n}", "baseline": 100, "current": 50 + day % 7 * n} for n in range(11)]
            index = {"population_stability_index": 0.1 + day % 9 / 20, "drift_type": "BASELINE", "histogram": bins}
            drift.append(about | {"column_name": column} | index)
        commit = Commit(verb="check-drift", as_of=start + DAY)
        store.tables.append(names["profile"], arrow_table(profile, PROFILE), commit=commit)
        store.tables.append(names["drift"], arrow_table(drift, DRIFT), commit=commit)
    events = [
        _opened(COLUMNS[number % len(COLUMNS)], FIRST + number * days // alerts * DAY) for number in range(alerts)
    ]
    append_events(store, events, Commit(verb="check-drift", as_of=FIRST + days * DAY))
    return [event.alert_id for event in events]


def _opened(column: str, start: datetime) -> Event:
    cause = Cause(monitor="flight_delay", table_name=SCORES, column_name=column, metric="psi")
    return Event(
        **vars(cause), alert_id=cause.alert_id(start), kind="opened", as_of=start + DAY, window_start=start,
        window_end=start + DAY, value=0.5, limit=0.25, evidence='{"limit": "psi at most 0.25"}',
    )  # fmt: skip


def acknowledged(page: Page) -> None:
    """Acknowledge the alert that is shown."""
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged by").first).to_be_visible()


@click.command()
@click.option("--days", default=365, show_default=True, help="Daily windows.")
@click.option("--alerts", default=500, show_default=True, help="Open alerts.")
@click.option(
    "--times", default=20, show_default=True, help="How often each page is loaded, and an alert acknowledged."
)
def main(days: int, alerts: int, times: int) -> None:
    """Print the median and the 95th percentile of loading the queue, an alert's page, and of an action."""
    found: dict[str, list[Spent]] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        ids = make(workspace, days=days, alerts=alerts)
        with serving(review_page(workspace)) as address, chromium(workspace / "profile") as browser:
            page = browser.new_page()

            def load(query: str) -> None:
                page.goto(address + query)
                shown(page, IDLE)
                if query:
                    expect(page.locator("svg.marks")).to_have_count(CHARTS)

            click.echo(f"first load {timed(lambda: load('')).seconds:.2f} s")
            load(f"?alert={ids[0]}")
            for alert in ids[1 : times + 1]:
                found.setdefault("queue", []).append(timed(lambda: load("")))
                found.setdefault("alert", []).append(timed(lambda alert=alert: load(f"?alert={alert}")))
                found.setdefault("action", []).append(timed(lambda: acknowledged(page)))
    for what, seconds in found.items():
        click.echo(f"{what:8} {summary(seconds)}")


if __name__ == "__main__":
    main()
