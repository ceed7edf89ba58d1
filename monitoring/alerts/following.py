"""Which alert others may follow from: an inference from lineage and time, never more; pure functions over ids."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache

Began = tuple[datetime, datetime, str]
"""When an alert began and when it was opened, and its id, so that no two are equal."""


def first_causes(named: Mapping[str, Collection[str]], began: Mapping[str, Began]) -> dict[str, str]:
    """For each alert that may follow from an open one, that one: of several, the one that began first.

    ``named`` has, by alert, those that its diagnosis named; ``began`` the order of the open ones. A cause may follow from
    another one in turn: it is gone back to the first, through open alerts only. So a cause follows from none, and of alerts
    that name each other only the later ones follow.
    """
    reached = {alert_id: _reached(alert_id, named, began) for alert_id, names in named.items() if names}

    @cache
    def causes(alert_id: str) -> set[str]:
        """Those reached; of those that reach the alert in turn, only the earlier ones."""
        mine = began.get(alert_id)
        return {
            other
            for other in reached.get(alert_id, ())
            if alert_id not in reached.get(other, ()) or mine is None or began[other] < mine
        }

    first: dict[str, str] = {}
    for alert_id in reached:
        roots = [other for other in causes(alert_id) if not causes(other)]
        if roots:
            first[alert_id] = min(roots, key=began.__getitem__)
    return first


def _reached(alert_id: str, named: Mapping[str, Collection[str]], began: Mapping[str, Began]) -> set[str]:
    """The open alerts that are named by the alert, by those, and so on; not the alert itself."""
    found: set[str] = set()
    ahead = list(named.get(alert_id, ()))
    while ahead:
        one = ahead.pop()
        if one in began and one != alert_id and one not in found:
            found.add(one)
            ahead += named.get(one, ())
    return found
