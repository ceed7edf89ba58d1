"""The alert rule: when a measure that is beyond its limit, window after window, begins, goes on and ends as an alert.

A violation opens an alert when ``violations`` of the last ``windows`` judged windows violate and the latest does. While
it goes on, each further window extends the same alert; the first one that does not violate ends it (or, where a monitor
says so, only calms it, for a person to resolve). If it fires again
while its last violation is still among the last ``windows`` (or in the very last window, and a person has resolved the
alert since), the same alert is reopened; later, it is a new one.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.limits import Patience
from monitoring.windows.calendar import Window


@dataclass(frozen=True)
class Judgement:
    """A measured value in one window, the bound nearest to it, and whether it was beyond."""

    window: Window
    value: float
    violated: bool
    limit: float | None = None


@dataclass(frozen=True)
class Occurrence:
    """Something that happened to an alert in a window; ``opened`` is the start of the window that opened it."""

    kind: str
    opened: datetime
    judgement: Judgement
    last_windows: tuple[Judgement, ...]


def occurrences(
    judgements: Sequence[Judgement],
    patience: Patience,
    resolved: Mapping[datetime, Sequence[datetime]],
    *,
    closed_by_recovery: bool = True,
) -> list[Occurrence]:
    """What happens to one cause's alerts over its judged windows, which are in order of time.

    ``resolved`` maps the opening of an alert to the moments at which a person resolved it: the alert is closed until
    a window that ends after such a moment is beyond the limit again. Without ``closed_by_recovery`` an alert only
    subsides by itself, and stays open until a person has resolved it.
    """
    happened: list[Occurrence] = []
    recent: deque[Judgement] = deque(maxlen=patience.windows)
    opened: datetime | None = None
    is_open, is_calm, last_violation = False, False, 0
    for position, judgement in enumerate(judgements):
        recent.append(judgement)
        if opened and position and _was_resolved(resolved.get(opened, ()), judgements[position - 1], judgement):
            is_open = is_calm = False
        fires = judgement.violated and sum(one.violated for one in recent) >= patience.violations
        if is_open and judgement.violated:
            kind, is_calm = "still_violating", False
        elif is_open and closed_by_recovery:
            kind, is_open = "recovered", False
        elif is_open and not is_calm:
            kind, is_calm = "subsided", True
        elif is_open:
            continue
        elif fires and opened and position - last_violation < max(patience.windows, 2):
            kind, is_open = "reopened", True
        elif fires:
            kind, is_open, opened = "opened", True, judgement.window.start
        else:
            continue
        last_violation = position if judgement.violated else last_violation
        happened.append(Occurrence(kind, opened or judgement.window.start, judgement, tuple(recent)))
    return happened


def _was_resolved(moments: Sequence[datetime], previous: Judgement, latest: Judgement) -> bool:
    """Whether a person resolved the alert when ``previous`` was the newest window, so that ``latest`` is news."""
    return any(previous.window.end <= moment < latest.window.end for moment in moments)
