"""The order in which alerts are listed: those that others may follow from first, and beneath each those that do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring.alerts.state import Alert
from monitoring.limits import Severity

MOST_FOLLOWING, FIRST_FOLLOWING = 5, 3
"""Where more lines than the first number follow from one alert, so many are shown as the second says."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a list: an alert, or the members of a group. ``follows`` is the alert above that it may follow from.

    ``is_rest``: not a line of its own, but all that follows and is not shown.
    """

    members: Sequence[Alert]
    follows: Alert | None = None
    is_rest: bool = False


def with_causes(alerts: Sequence[Alert], causes: Mapping[str, Alert]) -> list[Alert]:
    """The alerts after those ``causes`` (by id) that any of them may follow from, and that are not among them."""
    there = {alert.alert_id for alert in alerts}
    wanted = dict.fromkeys(alert.follows for alert in alerts)
    return [*(causes[one] for one in wanted if one in causes and one not in there), *alerts]


def arranged(entries: Sequence[Sequence[Alert]]) -> list[Line]:
    """The entries (of one alert each, or of a group's) as lines; what follows has the critical ones first.

    An entry whose cause is not among them has its own place, as have groups of which not all follow from one alert.
    """
    there = {alert.alert_id: alert for members in entries for alert in members}
    beneath: dict[str, list[Sequence[Alert]]] = {}
    others = []
    for members in entries:
        causes = {alert.follows for alert in members}
        if len(causes) == 1 and causes <= there.keys():
            beneath.setdefault(causes.pop(), []).append(members)
        else:
            others.append(members)
    first, rest = list[Line](), list[Line]()
    for members in others:
        followed = [alert for alert in members if alert.alert_id in beneath]
        lines = [Line(members=members)]
        for cause in followed:
            lines += _following(cause, beneath[cause.alert_id])
        (first if followed else rest).extend(lines)
    return first + rest


def _following(cause: Alert, entries: Sequence[Sequence[Alert]]) -> list[Line]:
    ordered = sorted(entries, key=lambda members: all(alert.severity != Severity.CRITICAL for alert in members))
    shown = ordered if len(ordered) <= MOST_FOLLOWING else ordered[:FIRST_FOLLOWING]
    lines = [Line(members=members, follows=cause) for members in shown]
    left = [alert for members in ordered[len(shown) :] for alert in members]
    return [*lines, *([Line(members=left, follows=cause, is_rest=True)] if left else [])]


def counted(alerts: Sequence[Alert]) -> str:
    """How many, and how many of them are critical: ``21 alerts (2 critical)``."""
    critical = sum(alert.severity == Severity.CRITICAL for alert in alerts)
    return f"{len(alerts)} alert{'s' * (len(alerts) != 1)}" + (f" ({critical} critical)" if critical else "")


def followed(lines: Sequence[Line]) -> list[tuple[Alert, list[Alert], bool]]:
    """The causes among the lines, with all that is beneath each, and whether all of that has a line of its own."""
    found: dict[str, tuple[Alert, list[Alert], bool]] = {}
    for line in lines:
        if line.follows:
            cause, members, is_all = found.get(line.follows.alert_id, (line.follows, [], True))
            found[cause.alert_id] = (cause, [*members, *line.members], is_all and not line.is_rest)
    return list(found.values())


def elsewhere(shown: Sequence[Alert], everything: Sequence[Alert]) -> list[tuple[Alert, list[Alert]]]:
    """The causes that are not among the shown alerts, and those among them that may follow from each."""
    beneath: dict[str, list[Alert]] = {}
    for alert in shown:
        beneath.setdefault(alert.follows, []).append(alert)
    there = {alert.alert_id for alert in shown}
    return [
        (alert, beneath[alert.alert_id])
        for alert in everything
        if alert.alert_id in beneath and alert.alert_id not in there
    ]
