"""Windows of time by their numbers: of a fixed length, counted from a Monday, or of whole months."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from feature_store.errors import Misuse

EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, so that windows of a week begin on Mondays."""
_YEAR = timedelta(days=365.25)


@dataclass(frozen=True, order=True)
class Window:
    """``[start, end)``."""

    start: datetime
    end: datetime

    def as_struct(self) -> dict[str, datetime]:
        """The window as the metric tables have it."""
        return {"start": self.start, "end": self.end}

    def __str__(self) -> str:
        whole_days = all(moment.hour == moment.minute == 0 for moment in (self.start, self.end))
        form = "%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M"
        return f"{self.start:{form}} to {self.end:{form}}"


@dataclass(frozen=True)
class Every:
    """Windows of one length, aligned to Monday 5 January 1970, 00:00 UTC."""

    length: timedelta

    def __post_init__(self) -> None:
        if self.length < timedelta(minutes=1) or self.length % timedelta(minutes=1):
            raise Misuse("The window must be a whole number of minutes, at least one.")

    @property
    def name(self) -> str:
        """The length in Databricks' words: ``1 week``, ``2 days``, ``1 hour``, ``30 minutes``."""
        units = {
            "week": timedelta(weeks=1),
            "day": timedelta(days=1),
            "hour": timedelta(hours=1),
            "minute": timedelta(minutes=1),
        }
        unit = next(unit for unit, size in units.items() if not self.length % size)
        return _counted(self.length // units[unit], unit)

    @property
    def per_year(self) -> float:
        """How many windows a year has."""
        return _YEAR / self.length

    def number(self, moment: datetime) -> int:
        """The number of the window in which ``moment`` lies."""
        return (moment - EPOCH) // self.length

    def window(self, number: int) -> Window:
        """The window with this number."""
        return Window(EPOCH + number * self.length, EPOCH + (number + 1) * self.length)


@dataclass(frozen=True)
class Months:
    """Windows of whole months in UTC: 1, or 3 for quarters, or 12 for years."""

    count: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or self.count < 1:
            raise Misuse(f"Months({self.count!r}): a window is at least one month.")

    @property
    def name(self) -> str:
        """The length in Databricks' words: ``1 month``, ``1 year``."""
        years, months = divmod(self.count, 12)
        return _counted(self.count, "month") if months else _counted(years, "year")

    @property
    def per_year(self) -> float:
        """How many windows a year has."""
        return 12 / self.count

    def number(self, moment: datetime) -> int:
        """The number of the window in which ``moment`` lies."""
        utc = moment.astimezone(UTC)
        return (utc.year * 12 + utc.month - 1) // self.count

    def window(self, number: int) -> Window:
        """The window with this number."""
        first = number * self.count
        start, end = (datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in (first, first + self.count))
        return Window(start, end)


Calendar = Every | Months


def calendar_of(window: timedelta | Months) -> Calendar:
    """The windows that a monitor declares."""
    return window if isinstance(window, Months) else Every(window)


def window_of(row: Mapping[str, object]) -> Window:
    """The window that a row of a metric table is about."""
    window = cast("Mapping[str, datetime]", row["window"])
    return Window(window["start"].astimezone(UTC), window["end"].astimezone(UTC))


def before(calendar: Calendar, window: Window) -> Window:
    """The window just before."""
    return calendar.window(calendar.number(window.start) - 1)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("s" if number > 1 else "")
