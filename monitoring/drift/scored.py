"""Windows of decision times: how they are aligned, which have scores, and which must be measured again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from feature_store.moments import utc
from feature_store.tables.commit import TableVersion
from monitoring.drift.schemas import METRICS_VERSION
from monitoring.windows.calendar import EPOCH, Calendar, Months, Window, before

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class ScoredWindow:
    """What the table has of a window: its rows by model version, how many labels are known, and its newest row so far."""

    window: Window
    rows: int
    labelled: int
    rows_by_version: Mapping[str, int]
    newest: datetime | None = None

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
    definition: str = ""


def window_number(moment: Column, calendar: Calendar) -> Column:
    """The number of the window in which ``moment`` lies."""
    if isinstance(calendar, Months):
        months = F.year(moment) * F.lit(12) + F.month(moment) - F.lit(1)
        return F.floor(months / F.lit(calendar.count)).cast("long")
    epoch = (EPOCH - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
    return F.floor((F.unix_micros(moment) - F.lit(epoch)) / F.lit(calendar.length // _MICROSECOND)).cast("long")


def scored_windows(
    frame: DataFrame, *, label: str, calendar: Calendar, as_of: datetime, fill: bool = False
) -> list[ScoredWindow]:
    """The complete windows up to ``as_of`` that have rows, oldest first; with ``fill`` also those without between and after.

    ``frame`` has the columns ``window_number``, ``model_version``, ``label`` and ``moment``, one row per score.
    """
    last = calendar.number(as_of)
    counted = (
        frame.where(F.col("window_number") < last)
        .groupBy("window_number", "model_version")
        .agg(F.count("*").alias("rows"), F.count(label).alias("labelled"), F.max("moment").alias("newest"))
        .collect()
    )
    by_number: dict[int, list[Row]] = {}
    for row in counted:
        by_number.setdefault(row["window_number"], []).append(row)
    if fill and by_number:
        by_number = {number: by_number.get(number, []) for number in range(min(by_number), last)}
    found: list[ScoredWindow] = []
    for number, parts in sorted(by_number.items()):
        versions = {row["model_version"] or "": row["rows"] for row in parts}
        newest = [utc(row["newest"]) for row in parts if row["newest"] is not None]
        found.append(
            ScoredWindow(
                window=calendar.window(number),
                rows=sum(versions.values()),
                labelled=sum(row["labelled"] for row in parts),
                rows_by_version=dict(sorted(versions.items())) or {found[-1].model_version: 0},
                newest=max(newest) if newest else found[-1].newest if found else None,
            )
        )
    return found


def to_measure(
    scored: Sequence[ScoredWindow],
    stored: Mapping[Window, StoredWindow],
    history: Sequence[TableVersion],
    *,
    calendar: Calendar,
    definition: str,
) -> list[ScoredWindow]:
    """The windows never measured (so), or whose scores or labels changed since, or follow one whose scores did.

    ``history`` is the score table's: a commit that says which window it replaced leaves the others as they were.
    ``definition`` is what is measured of a window besides its columns: slices and measures of the monitor's own.
    """
    rescored = {
        found.window
        for found in scored
        if _is_rescored(found, stored.get(found.window), history)
        or (found.rows and stored[found.window].definition != definition)
    }
    return [
        found
        for found in scored
        if found.window in rescored
        or before(calendar, found.window) in rescored
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
