"""What is new of a check in a few lines, for a mail or a chat; nothing, if nothing is new."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from feature_store.store import FeatureStore
from monitoring.alerts.checking import Check
from monitoring.alerts.state import Alert
from monitoring.limits import Severity
from monitoring.telling.channels import Channels
from monitoring.telling.listing import counted
from monitoring.telling.notify import Message
from monitoring.telling.outbox import send
from monitoring.telling.printing import diagnosis, evidence_of
from monitoring.telling.standing import expected

WIDTH, MOST_LINES = 78, 25
_TOLD = ("opened", "reopened", "recovered", "retraining_started")
_MOST_NEW, _MOST_OVER, _MOST_REASONS, _FEWEST_OF_REASONS, _FEW = 6, 3, 3, 3, 3
_TOGETHER_FROM, _MOST_CAUSES = 2, 2
"""So many new alerts that may follow from one alert of another monitor are one entry; and so many such entries are told."""


def tell(store: FeatureStore, channels: Channels, check: Check, page_path: Path | None) -> list[str]:
    """Send what is new of the check, and say what was sent and what was not; nothing is sent if nothing is new."""
    return send(store, channels, message(check, page_path)) if news_of(check) else []


def news_of(check: Check) -> dict[str, list[str]]:
    """The alerts that people should hear of, with the kinds of events that this very run of the check added to them.

    A check that is run again adds none. Alerts that somebody snoozed are left out, and so is one that only goes on.
    """
    quiet = {alert.alert_id for alert in check.verdict.alerts if alert.is_snoozed(check.as_of)}
    found: dict[str, list[str]] = {}
    for event in sorted(check.verdict.events, key=lambda event: event.order()):
        if event.kind in _TOLD and event.alert_id not in quiet:
            found.setdefault(event.alert_id, []).append(event.kind)
    return found


def message(check: Check, page_path: Path | None) -> Message:
    """The message that tells of the check, with its page attached where there is one."""
    news = news_of(check)
    told = sorted((alert for alert in check.verdict.alerts if alert.alert_id in news), key=_worst_first)
    asking = [alert for alert in told if "retraining_started" in news[alert.alert_id]]
    return Message(
        subject=_subject(check, told, asking),
        text="\n".join(_lines(check, told, asking, page_path)) + "\n",
        data={
            "monitor": check.monitor.name,
            "table": check.monitor.output,
            "owner": check.monitor.owner,
            "as_of": check.as_of.isoformat(),
            "open": sum(alert.is_open for alert in check.verdict.alerts),
            "retrain": bool(asking),
            "alerts": [_data(alert, news[alert.alert_id]) for alert in told],
            "page": None if page_path is None else str(page_path),
        },
        page=None if page_path is None else page_path.read_text(encoding="utf-8"),
    )


def _subject(check: Check, told: Sequence[Alert], asking: Sequence[Alert]) -> str:
    is_open = [alert for alert in told if alert.is_open]
    critical = [alert for alert in is_open if alert.severity == Severity.CRITICAL]
    shown = critical or is_open or told
    kind = "critical alert" if critical else "new alert" if is_open else "alert"
    over = "" if is_open else " over"
    more = f" and {len(told) - len(shown)} more" if len(told) > len(shown) else ""
    first = f" ({_beyond(shown[0])})" if is_open else f" ({shown[0].what})" if shown else ""
    together = _together(check, told)
    number, causes = sum(map(len, together.values())), _counted(len(together), "cause")
    following = f", {'all' if number == len(told) else number} may follow from {causes}" if together else ""
    wanted = ", new model asked for" if asking else ""
    return _one_line(f"{check.monitor.name}: {_counted(len(shown), kind)}{over}{more}{first}{following}{wanted}")


def _together(check: Check, told: Sequence[Alert]) -> dict[str, list[Alert]]:
    """The told alerts that may follow from one cause each, by its id, where there are enough to be told as one."""
    found: dict[str, list[Alert]] = {}
    for alert in told:
        if alert.is_open and alert.follows in check.causes:
            found.setdefault(alert.follows, []).append(alert)
    return {cause: members for cause, members in found.items() if len(members) >= _TOGETHER_FROM}


def _lines(check: Check, told: Sequence[Alert], asking: Sequence[Alert], page_path: Path | None) -> list[str]:
    is_open = [alert for alert in check.verdict.alerts if alert.is_open]
    critical = sum(alert.severity == Severity.CRITICAL for alert in is_open)
    state = f"{_counted(len(is_open), 'alert')} open, {critical} critical" if is_open else "no alert is open"
    head = _wrapped(f"{check.monitor.name} as of {check.as_of:%Y-%m-%d %H:%M} UTC: {state}.")
    if asking:
        head += _wrapped(f"A new model is asked for, because of {asking[0].what}.")
    new = [alert for alert in told if alert.is_open]
    over = sorted((alert for alert in told if not alert.is_open), key=lambda alert: alert.until, reverse=True)
    together = _together(check, told)
    as_one = list(together.items())[:_MOST_CAUSES]
    causes = [
        f"1 cause, {counted(members)} that may follow from it: {check.causes[cause].named}; the worst of them: {_beyond(members[0])}"
        for cause, members in as_one
    ]
    grouped = {alert.alert_id for _, members in as_one for alert in members}
    alone = [alert for alert in new if alert.alert_id not in grouped]
    said = [f"{alert.severity}: {_beyond(alert)}, since {alert.since:%Y-%m-%d}" for alert in alone]
    head += _listed("New:", said, _MOST_NEW - 2 * len(causes), before=causes)
    head += _listed("Over:", [f"{alert.what}, {_from_to(alert)}" for alert in over], _MOST_OVER)
    begin = [*together, *(alert.alert_id for alert in new)]
    tail = [f"review-alerts show {begin[0]}"] if begin else []
    tail += [f"Report: {page_path}"] * (page_path is not None)
    tail += _wrapped(expected(check.honesty, most=1), most=3)
    reasons: list[str] = []
    if new:
        found = diagnosis(new[0], evidence_of(new[0], check.verdict.events))
        reasons = _listed(f"Of {new[0].what}:", found, _MOST_REASONS, lines=2)
    room = MOST_LINES - len(head) - len(tail) - 1
    return [*head, *(reasons[:room] if room > _FEWEST_OF_REASONS else []), "", *tail]


def _listed(
    heading: str, said: Sequence[str], most: int, *, lines: int | None = None, before: Sequence[str] = ()
) -> list[str]:
    """A list with its heading; an item may take two ``lines`` unless there are many. Those ``before`` always may."""
    if not said and not before:
        return []
    each = lines or (2 if len(said) <= _FEW else 1)
    found = ["", *_wrapped(heading)]
    for one in before:
        found += _wrapped(f"- {one}")
    for one in said[:most]:
        found += _wrapped(f"- {one}", most=each)
    return [*found, *([f"- and {len(said) - most} more"] if len(said) > most else [])]


def _wrapped(text: str, most: int = 2) -> list[str]:
    return textwrap.wrap(_one_line(text), WIDTH, subsequent_indent="  ", max_lines=most, placeholder=" ...")


def _beyond(alert: Alert) -> str:
    value, limit = _plain(alert.value), _plain(alert.limit)
    if value == limit:
        value, limit = f"{alert.value:.4g}", f"{alert.limit:.4g}"
    return f"{alert.what} {value} {'<' if alert.value < alert.limit else '>'} {limit}"


def _plain(value: float) -> str:
    """Two places; small numbers to two digits."""
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _from_to(alert: Alert) -> str:
    return f"{alert.since:%Y-%m-%d} to {alert.until:%Y-%m-%d}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _one_line(text: str) -> str:
    """A value of a column may hold anything, a line's end among it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _worst_first(alert: Alert) -> tuple[bool, bool, str]:
    return not alert.is_open, alert.severity != Severity.CRITICAL, alert.what


def _data(alert: Alert, happened: Iterable[str]) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "column": alert.column_name,
        "metric": alert.metric,
        "slice": {alert.slice_key: alert.slice_value} if alert.slice_key else {},
        "severity": str(alert.severity),
        "status": alert.status,
        "happened": list(happened),
        "value": alert.value,
        "limit": alert.limit,
        "since": alert.since.isoformat(),
        "until": alert.until.isoformat(),
        "windows": alert.windows,
        "follows": alert.follows,
    }
