"""An alert's measure over all its windows, from the metric tables; without Spark, and without the monitor's module."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from feature_store.store import FeatureStore
from monitoring.alerts.state import Alert
from monitoring.drift import platform
from monitoring.windows.calendar import Window, window_of
from monitoring.windows.metrics import DISTANCES, MEASURES, TABLE, distance_of, measure_of, volume

Row = Mapping[str, object]
Read = Callable[[str, Sequence[str], Mapping[str, object]], list[Row]]
"""Gives some columns of a metric table's rows that have these values; of a table that is not there, none."""
_HOURS = 3600.0


@dataclass(frozen=True)
class Point:
    """The measure in one window; None: it was not measured there."""

    window: Window
    value: float | None
    rows: int
    model_version: str


def reading(store: FeatureStore) -> Read:
    """Reads the store's tables, without the columns that a table does not have."""

    def read(name: str, columns: Sequence[str], only: Mapping[str, object]) -> list[Row]:
        name = platform.whose(store.tables, name)
        if not store.tables.exists(name):
            return []
        there = store.tables.columns(name).names
        found = store.tables.collect(name, platform.read_with(columns, there), only=only)
        return platform.of_windows(found.to_pylist())

    return read


def trend(read: Read, alert: Alert, *, as_of: datetime) -> list[Point]:
    """The alert's measure in all windows of the alert's length that end by ``as_of``, oldest first."""
    profile, drift = f"{alert.table_name}_profile_metrics", f"{alert.table_name}_drift_metrics"
    columns = ["window", "slice_key", "slice_value", "granularity", "count", "model_version", "percent_null"]
    of_table = ["newest_row", "custom_metrics", *sorted(set(MEASURES.values()))] if alert.column_name == TABLE else []
    rows = _rows(read, profile, [*columns, *of_table], alert)
    if alert.metric == "volume" and alert.slice_key:  # windows in which the slice had no rows count, too
        rows = _with_silent_windows(rows, read(profile, columns, {"column_name": TABLE}))
    granularity = _granularity(rows, alert)
    values = _of_drift(read, drift, alert, granularity) if alert.metric in DISTANCES else {}
    points: list[Point] = []
    for row in sorted(rows, key=window_of):
        window = window_of(row)
        if row["granularity"] != granularity or window.end > as_of:
            continue
        value = values.get(window.start) if alert.metric in DISTANCES else _own(row, alert, window)
        count = cast(int, row["count"])
        if alert.metric == "volume":
            value = volume(count, [point.rows for point in points])
        points.append(Point(window, value, count, cast(str, row["model_version"] or "")))
    return points


def _of_drift(read: Read, table: str, alert: Alert, granularity: object) -> dict[datetime, float | None]:
    """A measure that the drift table has, by the start of the window."""
    columns = ["window", "slice_key", "slice_value", DISTANCES[alert.metric]]
    found: dict[datetime, float | None] = {}
    for row in _rows(read, table, columns, alert, drift_type="BASELINE", granularity=granularity):
        found[window_of(row).start] = distance_of(row, alert.metric)
    return found


def _own(row: Mapping[str, object], alert: Alert, window: Window) -> float | None:
    """A measure that the profile itself has."""
    if alert.metric == "null_rate":
        share = cast("float | None", row["percent_null"])
        return None if share is None else share / 100
    if alert.metric in MEASURES:
        return measure_of(row, alert.metric)
    if alert.metric == "staleness":
        newest = cast("datetime | None", row.get("newest_row"))
        return None if newest is None else (window.end - newest.astimezone(UTC)).total_seconds() / _HOURS
    return dict(cast("list[tuple[str, float]]", row.get("custom_metrics") or [])).get(alert.metric)


def _rows(read: Read, name: str, columns: list[str], alert: Alert, **only: object) -> list[Row]:
    of = (alert.slice_key or None, alert.slice_value or None)
    found = read(name, columns, {"column_name": alert.column_name, **only})
    return [row for row in found if (row["slice_key"], row["slice_value"]) == of]


def _with_silent_windows(rows: list[Row], all_rows: list[Row]) -> list[Row]:
    known = {window_of(row) for row in rows}
    silent = [row for row in all_rows if row["slice_key"] is None and row["count"] and window_of(row) not in known]
    return rows + [{**row, "count": 0} for row in silent]


def _granularity(rows: list[Row], alert: Alert) -> object:
    """The length of the windows that the alert is about: those of the window that opened it."""
    lengths = [row["granularity"] for row in rows if window_of(row).start == alert.since]
    return lengths[0] if lengths else None
