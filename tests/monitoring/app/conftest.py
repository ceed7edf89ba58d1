"""A workspace with alerts made without Spark, the page served from it, and reviewers with a real browser each."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from feature_store import open_store
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts.events import Cause, Event, append_events, read_events
from monitoring.drift.schemas import DRIFT, PROFILE, arrow_table, ensure
from tests.chromium import PATIENCE_MS, chromium

ROOT = Path(__file__).parents[3]
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
WEEKS = 12
SCORES = "flight_delay_scores"
HOSTILE = "[click](http://evil.example) <b>bold</b> :red[red]"
"""What a slice's value may be: it comes from data."""
PATIENCE_SECONDS = 60
TRAINING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from feature_store import open_store
from feature_store.tables.commit import Commit
from monitoring.alerts.actions import retraining_ended
from monitoring.alerts.events import append_events, read_events
from monitoring.alerts.state import current, pick

alert_id, as_of, workspace, go = sys.argv[1:]
print("fitting the challenger", flush=True)
while not Path(go).exists():
    time.sleep(0.05)
store = open_store(workspace=workspace)
alert = pick(current(read_events(store)), alert_id)
now = datetime.now(UTC)
ended = retraining_ended(alert, outcome="version 2 became champion", evidence="{}", as_of=now, actor="check-drift")
append_events(store, [ended], Commit(verb="review-alerts", as_of=now))
"""


def opened(
    column: str, *, source: str = "", week: int = 8, value: float = 0.5, severity: str = "warning", of: str = "", follows: str = ""
) -> Event:  # fmt: skip
    """The opening of an alert on a column's PSI, with the evidence that the check writes; ``follows`` is another's id."""
    cause = Cause(
        monitor="flight_delay", table_name=SCORES, column_name=column, metric="psi", slice_key="origin" if of else "", slice_value=of
    )  # fmt: skip
    start = MONDAY + week * WEEK
    evidence = (
        '{"limit": "psi at most 0.25", "rule": "1 of the last 1 windows, and the latest", "owner": "ops@example.com",'
        ' "concerned": [{"model": "dev.flights.flight_delay", "owner": "models@example.com", "score_table": ""}],'
        ' "upstream": ["depot_load version 3: published again from 2024-01-01 on"], "follows": ['
        f'"{follows}"]}}'
    )
    return Event(
        **vars(cause), alert_id=cause.alert_id(start), kind="opened", as_of=start + WEEK, window_start=start, window_end=start + WEEK,
        value=value, limit=0.25, severity=severity, source=source, evidence=evidence,
    )  # fmt: skip


KEY = replace(
    opened("unknown_origins"), monitor="schedule", table_name="flights", column_name=":table", metric="unknown_origins"
)
"""A broken key, from which seven alerts on scores may follow."""
FOLLOWING = [f"from_key_{number}" for number in range(1, 8)]
EVENTS = {
    name: opened(name, **what)  # type: ignore[arg-type]
    for name, what in {
        "prediction": {"severity": "critical", "value": 0.9},
        "load": {"source": "depot_load", "week": 9},
        "stops": {"source": "depot_load", "week": 9},
        "weight": {"source": "depot_load", "week": 9},
        "for_two": {},
        "by_keyboard": {},
        "commented": {},
        "sliced": {"of": HOSTILE},
        "trained": {},
        "handed_over": {},
        **{name: {"follows": KEY.alert_id, "value": 0.5 - n / 100} for n, name in enumerate(FOLLOWING)},
    }.items()
} | {"key": KEY}
IDS = {name: event.alert_id for name, event in EVENTS.items()}


def make(workspace: Path) -> FeatureStore:
    """Metric tables of twelve weeks, and the alerts."""
    store = open_store(workspace=workspace)
    profile, drift = [], []
    for week in range(WEEKS):
        start = MONDAY + week * WEEK
        about = {
            "window": {"start": start, "end": start + WEEK},
            "granularity": "1 week",
            "window_start": start,
            "model_version": "1",
        }
        one = {"one_vs_all": [("true", 0.8 - week / 100)], "macro": None, "weighted": None}
        profile.append(about | {"column_name": ":table", "count": 1000, "labelled_count": 900, "roc_auc_score": one})
        for column in ("prediction", "load"):
            quantiles = [position / 200 for position in range(101)]
            profile.append(about | {"column_name": column, "count": 1000, "quantiles": quantiles, "percent_null": 0.0})
            bins = [{"bin": f"up to {n}", "baseline": 100, "current": 50 + week * n} for n in range(1, 5)]
            psi = 0.9 if week >= 8 else 0.1
            drift.append(
                about
                | {
                    "column_name": column,
                    "drift_type": "BASELINE",
                    "population_stability_index": psi,
                    "histogram": bins,
                }
            )
    for kind, rows, schema in (("profile", profile, PROFILE), ("drift", drift, DRIFT)):
        name = f"{SCORES}_{kind}_metrics"
        ensure(store.tables, name, kind, table=SCORES, owner="ops@example.com")
        store.tables.append(name, arrow_table(rows, schema), commit=Commit(verb="check-drift", as_of=MONDAY))
    append_events(store, list(EVENTS.values()), Commit(verb="check-drift", as_of=MONDAY + WEEKS * WEEK))
    return store


def happened(store: FeatureStore, name: str) -> list[tuple[str, str, str]]:
    """Kind, actor and comment of what people did to an alert, in order."""
    events = sorted((event for event in read_events(store) if event.alert_id == IDS[name]), key=Event.order)
    return [(event.kind, event.actor, event.comment) for event in events if event.kind != "opened"]


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(workspace: Path, *options: str, **variables: str) -> Iterator[str]:
    """The page, served by ``review-alerts serve`` in a process of its own; its address."""
    port = free_port()
    program = [
        sys.executable,
        "-m",
        "monitoring.review",
        "serve",
        "--port",
        str(port),
        "--workspace",
        str(workspace),
        *options,
    ]
    log = workspace.parent / f"serve-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            program, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=os.environ | variables
        )
    try:
        address = f"http://127.0.0.1:{port}/"
        end = time.monotonic() + PATIENCE_SECONDS
        while not _answers(address + "_stcore/health"):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"The page is not served:\n{log.read_text()}")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """The store with the alerts, made once for a module."""
    return make(tmp_path_factory.mktemp("review") / "workspace")


@pytest.fixture(scope="module")
def go(review: FeatureStore) -> Path:
    """Once this file is there, training ends."""
    return review.workspace.parent / "go"


@pytest.fixture(scope="module")
def address(review: FeatureStore, go: Path) -> Iterator[str]:
    """The page on one's own machine, with a training command that is a small script."""
    script = review.workspace.parent / "training.py"
    script.write_text(TRAINING)
    training = f"'{sys.executable}' '{script}' {{alert}} {{as_of}} {{workspace}} '{go}'"
    with serving(review.workspace, "--training", training, PYTHONPATH=str(ROOT), LOGNAME="ann") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as started:
        yield started


@dataclass
class Reviewer:
    """Somebody with a browser of their own."""

    page: Page
    address: str

    def open(self, query: str = "") -> "Reviewer":
        """Load the page anew."""
        self.page.goto(self.address + query)
        return self.settled()

    def leave(self) -> None:
        """Have the page ask the server for nothing more."""
        self.page.goto("about:blank")

    def settled(self) -> "Reviewer":
        """Wait until the page shows what the server last said."""
        expect(self.page.locator("h1").first).to_be_visible()
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        return self

    def follow(self, name: str) -> None:
        """Press a link once the page stands: what is pressed while it is being made anew may be lost."""
        self.settled().page.get_by_role("link", name=name, exact=True).click()

    def alert(self, name: str) -> "Reviewer":
        """Open an alert by its deep link."""
        return self.open(f"?alert={IDS[name]}")

    def act(self, action: str, comment: str = "", *, name: str = "", **fields: str) -> None:
        """Fill in the form of an action, and send it."""
        self.fill(action, comment, name=name, **fields)
        self.send(action)

    def fill(self, action: str, comment: str = "", *, name: str = "", **fields: str) -> None:
        """Fill in the form of an action."""
        self.page.get_by_role("radio", name=action).check(force=True)
        expect(self._button(action)).to_be_visible()
        self.settled()
        for label, text in {"Your name": name, **fields}.items():
            if text:
                self.page.get_by_label(label).fill(text)
        if comment:
            self.comment.fill(comment)

    def send(self, action: str) -> None:
        """Send the form."""
        self._button(action).click()

    def _button(self, action: str) -> Locator:
        return self.page.get_by_test_id("stForm").get_by_role("button", name=action)

    @property
    def comment(self) -> Locator:
        """The field for the comment."""
        return self.page.get_by_test_id("stForm").locator("textarea")

    def sees(self, text: str | re.Pattern[str]) -> None:
        """The text is on the page, or comes soon."""
        expect(self.page.get_by_text(text).first).to_be_visible()


@pytest.fixture(scope="module")
def desks(browser: Browser) -> Iterator[dict[tuple[int, int], Page]]:
    """Pages, each of a browser context with cookies and a cache of its own, by reviewer and width.

    A page goes on from test to test: the scripts that it has read need not be compiled anew.
    """
    pages: dict[tuple[int, int], Page] = {}
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def reviewer(browser: Browser, address: str, desks: dict[tuple[int, int], Page]) -> Iterator[Callable[..., Reviewer]]:
    """Make a reviewer; each in a test has a browser context of their own."""
    reviewers: list[Reviewer] = []

    def make_one(*, width: int = 1280) -> Reviewer:
        desk = (len(reviewers), width)
        if desk not in desks:
            context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
            context.set_default_timeout(PATIENCE_MS)
            desks[desk] = context.new_page()
        reviewers.append(Reviewer(desks[desk], address))
        return reviewers[-1]

    yield make_one
    for one in reviewers:
        one.leave()
