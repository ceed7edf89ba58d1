"""Windows of decision times: how they are aligned, which have scores, and which must be measured again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from feature_store.moments import utc
from feature_store.tables.commit import TableVersion
from monitoring.drift.schemas import METRICS_VERSION

EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, so that windows of a week begin on Mondays."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, order=True)
class Window:
    """``[start, end)``."""

    start: datetime
    end: datetime

    @classmethod
    def number(cls, number: int, length: timedelta) -> "Window":
        """The window with this number, counted from the epoch."""
        return cls(EPOCH + number * length, EPOCH + (number + 1) * length)

    def before(self) -> "Window":
        """The window just before."""
        return Window(self.start - (self.end - self.start), self.start)

    def as_struct(self) -> dict[str, datetime]:
        """The window as the metric tables have it."""
        return {"start": self.start, "end": self.end}

    def __str__(self) -> str:
        whole_days = all(moment.hour == moment.minute == 0 for moment in (self.start, self.end))
        form = "%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M"
        return f"{self.start:{form}} to {self.end:{form}}"


@dataclass(frozen=True)
class ScoredWindow:
    """What the score table has of a window: its rows by model version, and how many labels are known."""

    window: Window
    rows: int
    labelled: int
    rows_by_version: Mapping[str, int]

    @property
    def model_version(self) -> str:
        """The version that scored most of the rows; of equals, the newest."""
        return max(self.rows_by_version, key=lambda version: (self.rows_by_version[version], _age(version)))


@dataclass(frozen=True)
class StoredWindow:
    """What the profile table says of a window that was measured before."""

    rows: int
    labelled: int
    model_version: str
    commit_version: int
    monitor_version: int
    measured_as_of: datetime


def granularity(length: timedelta) -> str:
    """The window's length in Databricks' words: ``1 week``, ``2 days``, ``1 hour``, ``30 minutes``."""
    units = {
        "week": timedelta(weeks=1),
        "day": timedelta(days=1),
        "hour": timedelta(hours=1),
        "minute": timedelta(minutes=1),
    }
    unit = next(unit for unit, size in units.items() if not length % size)
    number = length // units[unit]
    return f"{number} {unit}" + ("s" if number > 1 else "")


def window_number(moment: Column, length: timedelta) -> Column:
    """The number of the window in which ``moment`` lies, counted from the epoch."""
    epoch = (EPOCH - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
    return F.floor((F.unix_micros(moment) - F.lit(epoch)) / F.lit(length // _MICROSECOND)).cast("long")


def scored_windows(frame: DataFrame, *, label: str, length: timedelta, as_of: datetime) -> list[ScoredWindow]:
    """The complete windows up to ``as_of`` that have scores, oldest first.

    ``frame`` has the columns ``window_number``, ``model_version`` and ``label``, one row per score.
    """
    last = (as_of - EPOCH) // length
    counted = (
        frame.where(F.col("window_number") < last)
        .groupBy("window_number", "model_version")
        .agg(F.count("*").alias("rows"), F.count(label).alias("labelled"))
        .collect()
    )
    by_number: dict[int, list[tuple[str, int, int]]] = {}
    for row in counted:
        by_number.setdefault(row["window_number"], []).append(
            (row["model_version"] or "", row["rows"], row["labelled"])
        )
    return [
        ScoredWindow(
            window=Window.number(number, length),
            rows=sum(rows for _, rows, _ in parts),
            labelled=sum(labelled for _, _, labelled in parts),
            rows_by_version={version: rows for version, rows, _ in sorted(parts)},
        )
        for number, parts in sorted(by_number.items())
    ]


def to_measure(
    scored: Sequence[ScoredWindow], stored: Mapping[Window, StoredWindow], history: Sequence[TableVersion]
) -> list[ScoredWindow]:
    """The windows never measured, or whose scores or labels changed since, or follow one whose scores did.

    ``history`` is the score table's: a commit that says which window it replaced leaves the others as they were.
    """
    rescored = {found.window for found in scored if _is_rescored(found, stored.get(found.window), history)}
    return [
        found
        for found in scored
        if found.window in rescored
        or found.window.before() in rescored
        or found.labelled != stored[found.window].labelled
    ]


def _is_rescored(found: ScoredWindow, stored: StoredWindow | None, history: Sequence[TableVersion]) -> bool:
    if stored is None or stored.monitor_version != METRICS_VERSION:
        return True
    if (stored.rows, stored.model_version) != (found.rows, found.model_version):
        return True
    since = [entry for entry in history if entry.version > stored.commit_version]
    if len(since) == len(history):  # Delta has forgotten the version that was measured, and maybe some after it
        return True
    return any(_touches(entry, found.window) for entry in since)


def _touches(entry: TableVersion, window: Window) -> bool:
    if entry.commit is None or entry.commit.window is None:
        return True
    start, end = entry.commit.window
    return utc(start) < window.end and utc(end) > window.start


def _age(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isdigit() else (-1, version)
