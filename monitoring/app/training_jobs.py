"""Training that the page has started: one process for each monitor at a time, by a list of arguments, never a shell.

The request is recorded first, in the page's own process; the process that trains records the outcome, and goes on if the
page is closed.
"""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from feature_store.errors import Misuse
from monitoring.alerts.events import Event
from monitoring.app.reading import Place
from monitoring.app.settings import Settings

_LOGS = "retraining"
_MOST_LOG = 4000


@dataclass(frozen=True)
class Job:
    """A process that trains again because of alerts, since when, and where it writes what it says."""

    monitor: str
    alerts: tuple[str, ...]
    as_of: datetime
    actor: str
    started: float
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.started

    @property
    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-_MOST_LOG:].strip() if self.log.exists() else ""


class Jobs:
    """The processes started by this server, by monitor: the newest of each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def of(self, alert_id: str) -> Job | None:
        """The job that was started because of this alert."""
        return next((job for job in self._jobs.values() if alert_id in job.alerts), None)

    def start(self, place: Place, settings: Settings, monitor: str, record: Callable[[], Sequence[Event]]) -> Job:
        """Record the request and start the process, as one step: of two at once, the second is refused.

        Raises
        ------
        Misuse
            If the monitor's model is being trained already, or the request is refused.
        """
        with self._lock:
            other = self._jobs.get(monitor)
            if other and other.is_running:
                since = datetime.now(UTC).timestamp() - other.seconds
                raise Misuse(
                    f"The model of monitor {monitor} is being trained already: {other.actor} asked for it at "
                    f"{datetime.fromtimestamp(since, UTC):%H:%M} UTC, because of alert {other.alerts[0]}."
                )
            events = record()
            job = self._started(place, settings, events)
            self._jobs[monitor] = job
            return job

    def _started(self, place: Place, settings: Settings, events: Sequence[Event]) -> Job:
        first = events[0]
        folder = Path(place.workspace).absolute() / "reports" / _LOGS
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{first.alert_id}-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(place, settings, first),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PIPELINE_WORKSPACE": str(Path(place.workspace).absolute())},
            )
        alerts = tuple(event.alert_id for event in events)
        return Job(first.monitor, alerts, first.as_of, first.actor, time.monotonic(), process, log)


def command(place: Place, settings: Settings, event: Event) -> list[str]:
    """What trains again because of the request ``event``, argument by argument."""
    facts = {
        "alert": event.alert_id,
        "monitor": event.monitor,
        "as_of": event.as_of.isoformat(),
        "catalog": place.catalog,
        "schema": place.schema,
        "workspace": place.workspace,
    }
    if settings.training:
        # Split before the facts are filled in: none of them can become two arguments.
        return [_filled(part, facts) for part in shlex.split(settings.training)]
    own = [
        sys.executable,
        "-m",
        "monitoring.review",
        "retrain",
        event.alert_id,
        "--asked",
        "--profile",
        settings.profile,
    ]
    return own + [
        part
        for name in ("as_of", "catalog", "schema", "workspace")
        for part in (f"--{name.replace('_', '-')}", facts[name])
    ]


def _filled(part: str, facts: Mapping[str, str]) -> str:
    for name, fact in facts.items():
        part = part.replace(f"{{{name}}}", fact)
    return part


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The jobs of this server."""
    return Jobs()
