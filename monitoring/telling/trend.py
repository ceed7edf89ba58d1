"""An alert's measure over all its windows, from the metric tables; without Spark, and without the monitor's module."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import cast

from feature_store.store import FeatureStore
from monitoring.alerts.state import Alert
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import MEASURES, TABLE, USUAL_WINDOWS, measure_of

_IN_DRIFT = {
    "psi": "population_stability_index",
    "js_distance": "js_distance",
    "ks": "ks_test",
    "scaled_wasserstein": "scaled_wasserstein_distance",
    "scaled_mean_shift": "scaled_avg_delta",
}
_HOURS = 3600.0


@dataclass(frozen=True)
class Point:
    """The measure in one window; None: it was not measured there."""

    window: Window
    value: float | None
    rows: int
    model_version: str


def trend(store: FeatureStore, alert: Alert, *, as_of: datetime) -> list[Point]:
    """The alert's measure in all windows of the alert's length that end by ``as_of``, oldest first."""
    profile, drift = f"{alert.table_name}_profile_metrics", f"{alert.table_name}_drift_metrics"
    if not store.tables.exists(profile):
        return []
    columns = ["window", "slice_key", "slice_value", "granularity", "count", "model_version", "percent_null"]
    of_table = ["newest_row", "custom_metrics", *sorted(set(MEASURES.values()))] if alert.column_name == TABLE else []
    rows = _rows(store, profile, [*columns, *of_table], alert, as_of)
    values: dict[datetime, float | None] = {}
    if alert.metric in _IN_DRIFT:
        name = _IN_DRIFT[alert.metric]
        for row in _rows(
            store, drift, ["window", "slice_key", "slice_value", name], alert, as_of, drift_type="BASELINE"
        ):
            value = row[name]
            values[_window(row).start] = (
                value["statistic"] if isinstance(value, Mapping) else cast("float | None", value)
            )
    granularity = _granularity(rows, alert)
    points = []
    for row in sorted(rows, key=lambda row: _window(row)):
        if row["granularity"] != granularity:
            continue
        window = _window(row)
        value = values.get(window.start) if alert.metric in _IN_DRIFT else _own(row, alert, window)
        points.append(Point(window, value, cast(int, row["count"]), cast(str, row["model_version"] or "")))
    return _multiples(points) if alert.metric == "volume" else points


def _multiples(points: list[Point]) -> list[Point]:
    """The windows' rows as multiples of what was usual before, as the alert's value is."""
    found = []
    for position, point in enumerate(points):
        usual = [one.rows for one in points[max(position - USUAL_WINDOWS, 0) : position]]
        middle = median(usual) if usual else 0
        found.append(replace(point, value=point.rows / middle if middle else None))
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


def _rows(
    store: FeatureStore, name: str, columns: list[str], alert: Alert, as_of: datetime, **only: object
) -> list[dict[str, object]]:
    there = store.tables.info(name).schema.names
    known = [column for column in columns if column in there]
    found = store.tables.collect(name, known, only={"column_name": alert.column_name, **only}).to_pylist()
    of = (alert.slice_key or None, alert.slice_value or None)
    return [row for row in found if (row["slice_key"], row["slice_value"]) == of and _window(row).end <= as_of]


def _granularity(rows: list[dict[str, object]], alert: Alert) -> object:
    """The length of the windows that the alert is about: those of the window that opened it."""
    lengths = [row["granularity"] for row in rows if _window(row).start == alert.since]
    return lengths[0] if lengths else None


def _window(row: Mapping[str, object]) -> Window:
    window = cast("Mapping[str, datetime]", row["window"])
    return Window(window["start"].astimezone(UTC), window["end"].astimezone(UTC))
