"""What came of the training that an alert asked for: the challenger, its gates, and who is champion now."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from feature_store.errors import PipelineError
from feature_store.moments import utc
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from monitoring.alerts.actions import retraining_ended
from monitoring.alerts.events import CHECK, Event, append_events, read_events
from monitoring.alerts.state import Alert, current
from monitoring.spec import DriftMonitor
from training.steps import champion


@dataclass(frozen=True)
class Outcome:
    """What training as of a moment led to; ``version`` empty: to no new version."""

    said: str
    version: str = ""
    promoted: bool = False

    @property
    def evidence(self) -> str:
        """The same as JSON."""
        return json.dumps({"version": self.version, "promoted": self.promoted}, sort_keys=True)


def outcome(model: str, as_of: datetime) -> Outcome | None:
    """What the registry says of the version that was trained as of this moment; None if there is none.

    Raises
    ------
    RegistryUnavailable
        If the registry cannot be asked.
    """
    trained = [
        version
        for version in champion.versions(model)
        if _moment(version.tags.get(champion.TRAINED_AS_OF, "")) == utc(as_of)
    ]
    if not trained:
        return None
    newest = trained[-1]
    refused = newest.tags.get(champion.REFUSED_BECAUSE, "")
    promoted = bool(newest.tags.get(champion.PROMOTED_AS_OF))
    reason = newest.tags.get(champion.PROMOTION_REASON, "")
    if promoted:
        said = f"version {newest.version} became champion" + (f": {reason}" if reason else "")
    else:
        said = f"version {newest.version} stays challenger" + (f": {refused}" if refused else "")
    return Outcome(said, str(newest.version), promoted)


def record_outcomes(
    store: FeatureStore, monitor: DriftMonitor, *, as_of: datetime, is_over: bool = False
) -> list[Event]:
    """Record the outcome of each training that alerts of the monitor asked for; the events that are new.

    With ``is_over`` the training as of this moment has ended, so that having no version is an outcome, too.
    """
    model = store.tables.full_name(monitor.scoring.training.name)
    waiting = [
        alert
        for alert in current(read_events(store, monitor=monitor.name, as_of=as_of))
        if alert.retraining_as_of is not None and not alert.retraining
    ]
    events = []
    for alert in waiting:
        found = outcome(model, alert.retraining_as_of or as_of)
        if found is None and is_over and alert.retraining_as_of == as_of:
            found = Outcome("no new version: training failed, or nothing had changed since the last one")
        if found is not None:
            events.append(
                retraining_ended(alert, outcome=found.said, evidence=found.evidence, as_of=as_of, actor=CHECK)
            )
    commit = Commit(verb="review-alerts", as_of=as_of, details={"monitor": monitor.name})
    append_events(store, events, commit)
    return events


def train_again(
    store: FeatureStore, monitor: DriftMonitor, *, profile: str, as_of: datetime, begin: Callable[[str], None]
) -> None:
    """Train the monitored model in this process, as train-model does.

    Raises
    ------
    PipelineError
        If training fails, or the registry cannot be asked; the events say that it was asked for.
    """
    import training
    from feature_store.discovery import discover
    from training.profile import load_profile
    from training.spec import TrainingSpec
    from training.steps.pipeline import train
    from training.train import show

    spec = monitor.scoring.training
    settings = load_profile(profile, spec, models=discover(training, TrainingSpec))
    show(train(store, spec, as_of=as_of, settings=settings, begin=begin))


def monitor_of(alert: Alert) -> DriftMonitor:
    """The monitor of a model's scores that opened the alert.

    Raises
    ------
    Misuse
        If there is none of that name any more, or it is a table's monitor, which has no model.
    """
    import monitoring
    from feature_store.discovery import discover, pick
    from feature_store.errors import Misuse
    from monitoring.spec import Monitor

    monitor = pick(discover(monitoring, Monitor), alert.monitor, "monitor")
    if not isinstance(monitor, DriftMonitor):
        raise Misuse(
            f"Alert {alert.alert_id} is of table {alert.table_name}, which has no model of its own to train again. The models "
            "that read it are in its evidence."
        )
    return monitor


def _moment(text: str) -> datetime | None:
    try:
        return utc(datetime.fromisoformat(text))
    except (ValueError, PipelineError):
        return None
