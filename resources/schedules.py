"""Quartz' cron expressions and time zones, as schedules of jobs, monitors and alerts have them."""

import re
from zoneinfo import available_timezones

from feature_store.yaml_files import closest

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS = [
    ("seconds", 0, 59, []), ("minutes", 0, 59, []), ("hours", 0, 23, []), ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS), ("day of week", 1, 7, _DAYS), ("year", 1970, 2099, []),
]  # fmt: skip
_DAY_OF_MONTH, _DAY_OF_WEEK = 3, 5
_LAST = {_DAY_OF_MONTH: r"L(-\d{1,2})?|L?W|\d{1,2}W", _DAY_OF_WEEK: r"L|(\d|[A-Z]{3})(L|#[1-5])"}


def cron_problem(expression: str) -> str | None:
    """Why Quartz would refuse the expression; None: it would not.

    Six or seven fields: seconds, minutes, hours, day of month, month, day of week, and the year if one likes; of the two kinds of
    day exactly one is ``?``. Quartz, CronExpression.
    """
    parts = expression.split()
    if not 6 <= len(parts) <= 7:
        return f"the cron expression {expression!r} has {len(parts)} fields; Quartz takes 6 or 7, seconds first"
    if (parts[_DAY_OF_MONTH] == "?") == (parts[_DAY_OF_WEEK] == "?"):
        return f"in the cron expression {expression!r} exactly one of day of month and day of week must be '?'"
    for position, part in enumerate(parts):
        name, least, most, words = _FIELDS[position]
        for one in part.split(","):
            if not _fits(one.upper(), position, least, most, words):
                return f"{one!r} cannot be the {name} of a cron expression ({expression!r}); it runs from {least} to {most}"
    return None


def zone_problem(zone: str) -> str | None:
    """Why there is no such time zone; None: there is."""
    known = available_timezones()
    return None if zone in known else f"there is no time zone {zone!r}; {closest(zone, known)}"


def _fits(text: str, position: int, least: int, most: int, words: list[str]) -> bool:
    if text == "?":
        return position in (_DAY_OF_MONTH, _DAY_OF_WEEK)
    if position in _LAST and re.fullmatch(_LAST[position], text):
        return True
    base, slash, step = text.partition("/")
    if slash and not (step.isdigit() and int(step) >= 1):
        return False
    if base == "*":
        return True
    ends = [_number(one, words) for one in base.split("-")]
    return len(ends) <= 2 and all(end is not None and least <= end <= most for end in ends)


def _number(text: str, words: list[str]) -> int | None:
    if text in words:
        return words.index(text) + 1
    return int(text) if text.isdigit() else None
