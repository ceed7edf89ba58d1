"""What monitors have measured of each feature, window by window, and the alerts on it: for the page of the catalog."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import Any

from feature_store.catalog.model import SCORES, Catalog, Table
from feature_store.catalog.page.history import History
from feature_store.store import FeatureStore
from monitoring.alerts.events import read_events
from monitoring.alerts.state import Alert, current
from monitoring.telling.trend import Row, reading
from monitoring.windows.calendar import window_of
from monitoring.windows.metrics import distance_of

MOST_WINDOWS = 53
"""So many of the newest windows are told: a year of weeks."""
_PROFILE, _DRIFT = "_profile_metrics", "_drift_metrics"
_PROFILE_READ = ["window", "granularity", "slice_key", "column_name", "avg", "quantiles", "percent_null"]
_DRIFT_READ = ["window", "slice_key", "column_name", "population_stability_index"]
_LOW, _HIGH, _DIGITS = 5, 95, 4
Feature = tuple[str, str]
"""The full name of a table, and the feature's."""


def histories(store: FeatureStore, catalog: Catalog, *, as_of: datetime) -> Mapping[Feature, Sequence[History]]:
    """The histories of all features that a monitor measures, in a feature table or in the scores that are made of them."""
    found: dict[Feature, list[History]] = {}
    alerts: list[Alert] = []
    with suppress(
        Exception
    ):  # as of events that are gone or torn: check-drift says so, and the features are still to be seen
        alerts = current(read_events(store, as_of=as_of))
    for table in catalog.tables.values():
        with suppress(Exception):
            for feature, history in _of_table(store, catalog, table, alerts, as_of):
                found.setdefault(feature, []).append(history)
    return found


def _of_table(
    store: FeatureStore, catalog: Catalog, table: Table, alerts: Sequence[Alert], as_of: datetime
) -> Iterator[tuple[Feature, History]]:
    features = _features(catalog, table)
    of_column: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.table_name == table.short:
            of_column.setdefault(alert.column_name, []).append(alert)
    profile, drift = _measured(store, table.short, as_of)
    for column, feature in features.items():
        its = of_column.get(column, [])
        if column in profile or its:
            yield feature, _history(table.short, profile.get(column, []), drift.get(column, {}), its)


def _features(catalog: Catalog, table: Table) -> Mapping[str, Feature]:
    """Which feature each column of a monitored table is: its own, or one that the model of the scores looks up."""
    reader = next((one for one in catalog.readers if one.kind == SCORES and one.name == table.name), None)
    if reader is None:
        return {column.name: (table.name, column.name) for column in table.features}
    return {column: (name, column) for name, columns in reader.reads.items() for column in columns or ()}


def _measured(
    store: FeatureStore, table: str, as_of: datetime
) -> tuple[dict[str, list[Row]], dict[str, dict[datetime, Row]]]:
    """The profile's rows of all rows, oldest first, and the drift's by the start of their windows; both by column."""
    read, profile, drift = reading(store), dict[str, list[Row]](), dict[str, dict[datetime, Row]]()
    rows = [row for row in read(table + _PROFILE, _PROFILE_READ, {}) if row["slice_key"] is None]
    rows = sorted((row for row in rows if window_of(row).end <= as_of), key=window_of)
    for row in rows:
        if row["granularity"] == rows[-1]["granularity"]:
            profile.setdefault(str(row["column_name"]), []).append(row)
    for row in read(table + _DRIFT, _DRIFT_READ, {"drift_type": "BASELINE"}) if rows else []:
        if row["slice_key"] is None:
            drift.setdefault(str(row["column_name"]), {})[window_of(row).start] = row
    return profile, drift


def _history(table: str, rows: Sequence[Row], drift: Mapping[datetime, Row], alerts: Sequence[Alert]) -> History:
    rows = rows[-MOST_WINDOWS:]
    starts = [window_of(row).start for row in rows]
    measured = [distance_of(drift[start], "psi") if start in drift else None for start in starts]
    limits = [alert.limit for alert in alerts if alert.metric == "psi" and not alert.slice_key]
    return History(
        of=f"{table}, {rows[-1]['granularity'] if rows else 'no window'}",
        windows=[f"{start:%Y-%m-%d}" for start in starts],
        mean=_known(row["avg"] for row in rows),
        low=_known(_quantile(row, _LOW) for row in rows),
        high=_known(_quantile(row, _HIGH) for row in rows),
        nulls=_known(row["percent_null"] for row in rows),
        drift=_known(measured),
        limit=limits[-1] if limits else None,
        alerts=[_sentence(alert) for alert in alerts],
    )


def _quantile(row: Row, percentile: int) -> Any:
    quantiles: Any = row["quantiles"]
    return quantiles[percentile] if quantiles is not None and len(quantiles) > percentile else None


def _known(values: Any) -> list[float | None]:
    """Values that can be drawn, in few digits; empty if there is none."""
    found = [float(f"{one:.{_DIGITS}g}") if one is not None and isfinite(one) else None for one in values]
    return found if any(one is not None for one in found) else []


def _sentence(alert: Alert) -> str:
    when = f"since {alert.since:%Y-%m-%d}, {alert.windows} window{'s' * (alert.windows != 1)}"
    return f"{alert.severity}: {alert.what} {alert.value:.3g}, limit {alert.limit:.3g}, {when}, {alert.status}"
