"""The metric tables: what of them is known, and the measured windows' rows replaced in one commit each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import pyarrow.compute as pc
from pyspark.sql.types import StructType

from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from feature_store.tables.protocol import Tables
from monitoring.drift.columns import Row
from monitoring.drift.measure import Measurement
from monitoring.drift.schemas import DRIFT, PROFILE, arrow_table, ensure
from monitoring.drift.windows import StoredWindow, Window, granularity
from monitoring.limits import TABLE, WindowMetrics
from monitoring.spec import DriftMonitor

ByColumn = dict[str, WindowMetrics]

_QUALITY = {
    "roc_auc": "roc_auc_score", "log_loss": "log_loss", "brier_score": "brier_score", "accuracy": "accuracy_score",
    "calibration_error": "calibration_error", "precision": "precision", "recall": "recall", "f1": "f1_score",
    "label_rate": "label_rate",
}  # fmt: skip
_PROFILE_READ = [
    "window", "column_name", "count", "avg", "percent_null", "model_version", "labelled_count",
    "logging_table_commit_version", "monitor_version", "measured_as_of", *_QUALITY.values(),
]  # fmt: skip
_DRIFT_READ = [
    "window", "column_name", "population_stability_index", "js_distance", "ks_test", "scaled_wasserstein_distance",
    "scaled_avg_delta",
]  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """What the metric tables hold of a monitor's windows: the columns that rules and the choice of windows need."""

    profile: list[Row]
    drift: list[Row]

    @classmethod
    def read(cls, tables: Tables, monitor: DriftMonitor) -> "Stored":
        """All windows of the monitor's length; drift against the baseline only."""
        return cls(
            _read(tables, monitor, monitor.profile_table, _PROFILE_READ),
            _read(tables, monitor, monitor.drift_table, _DRIFT_READ, drift_type="BASELINE"),
        )

    def windows(self) -> dict[Window, StoredWindow]:
        """What is known of each window measured before."""
        return {
            window_of(row): StoredWindow(
                rows=cast(int, row["count"]),
                labelled=cast(int, row["labelled_count"]),
                model_version=cast(str, row["model_version"]),
                commit_version=cast(int, row["logging_table_commit_version"]),
                monitor_version=cast(int, row["monitor_version"]),
                measured_as_of=cast(datetime, row["measured_as_of"]).astimezone(UTC),
            )
            for row in self.profile
            if row["column_name"] == TABLE
        }

    def metrics(self, measured: Measurement, *, as_of: datetime) -> dict[Window, ByColumn]:
        """All columns' metrics in the complete windows up to ``as_of``, oldest window first.

        What was just ``measured`` is taken instead of what is stored.
        """
        fresh = {window_of(row) for row in measured.profile}
        profile = [row for row in self.profile if window_of(row) not in fresh] + measured.profile
        drift = [row for row in self.drift if window_of(row) not in fresh]
        drift += [row for row in measured.drift if row["drift_type"] == "BASELINE"]
        drifted = {(window_of(row), row["column_name"]): row for row in drift}
        found: dict[Window, ByColumn] = {}
        for row in sorted(profile, key=lambda row: (window_of(row), str(row["column_name"]))):
            window, column = window_of(row), str(row["column_name"])
            if window.end <= as_of:
                found.setdefault(window, {})[column] = _metrics(row, drifted.get((window, column), {}))
        return found


def save(store: FeatureStore, monitor: DriftMonitor, measured: Measurement, commit: Commit) -> None:
    """Replace the measured windows in both metric tables, which are made if they are not there."""
    kinds: list[tuple[str, str, StructType, list[Row]]] = [
        (monitor.drift_table, "drift", DRIFT, measured.drift),
        (monitor.profile_table, "profile", PROFILE, measured.profile),
    ]
    fresh = {window_of(row) for row in measured.profile}
    start, end = min(window.start for window in fresh), max(window.start for window in fresh) + monitor.window
    # The profile comes last: a window counts as measured by it, so that a killed check is simply done again.
    for name, kind, schema, rows in kinds:
        ensure(store.tables, name, kind, table=monitor.scoring.output, owner=monitor.owner)
        others = [
            row
            for row in _rows(store.tables, name, schema.names, start=start, end=end)
            if row["granularity"] != granularity(monitor.window) or window_of(row) not in fresh
        ]
        replacing = arrow_table([*others, *rows], schema)
        store.tables.replace_window(name, replacing, column="window_start", start=start, end=end, commit=commit)


def window_of(row: Row) -> Window:
    """The window that a row of a metric table is about."""
    window = cast("Mapping[str, datetime]", row["window"])
    return Window(window["start"].astimezone(UTC), window["end"].astimezone(UTC))


def _read(tables: Tables, monitor: DriftMonitor, name: str, columns: Sequence[str], **only: object) -> list[Row]:
    """What the table has of whole windows of the monitor's length."""
    if not tables.exists(name):
        return []
    found = tables.collect(name, [*columns, "slice_key"], only={"granularity": granularity(monitor.window), **only})
    rows: list[Row] = found.filter(pc.is_null(found["slice_key"])).select(columns).to_pylist()
    return rows


def _rows(tables: Tables, name: str, columns: Sequence[str], *, start: datetime, end: datetime) -> list[Row]:
    """All columns of the windows that begin in ``[start, end)``."""
    found = tables.collect(name, columns)
    begins = found["window_start"]
    rows: list[Row] = found.filter(pc.and_(pc.greater_equal(begins, start), pc.less(begins, end))).to_pylist()
    return rows


def _metrics(profile: Row, drift: Row) -> WindowMetrics:
    null_rate, ks = profile.get("percent_null"), drift.get("ks_test")
    quality = None
    if profile["column_name"] == TABLE:
        quality = {measure: _number(profile.get(column)) for measure, column in _QUALITY.items()}
    return WindowMetrics(
        rows=cast(int, profile["count"]),
        model_version=cast(str, profile["model_version"]),
        avg=_number(profile.get("avg")),
        null_rate=None if null_rate is None else cast(float, null_rate) / 100,
        psi=_number(drift.get("population_stability_index")),
        js_distance=_number(drift.get("js_distance")),
        ks=_number(cast("Mapping[str, object]", ks)["statistic"]) if ks else None,
        scaled_wasserstein=_number(drift.get("scaled_wasserstein_distance")),
        scaled_mean_shift=_number(drift.get("scaled_avg_delta")),
        quality=quality,
        labelled=cast(int, profile.get("labelled_count") or 0),
    )


def _number(value: object) -> float | None:
    """A plain number, or the positive class's out of a measure per class."""
    if isinstance(value, Mapping):
        value = dict(value["one_vs_all"])["true"]
    return None if value is None else float(cast(float, value))
