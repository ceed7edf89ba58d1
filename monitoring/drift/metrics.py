"""The metric tables: what of them is known, and the measured windows' rows replaced in one commit each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import cast

import pyarrow.compute as pc
from pyspark.sql.types import StructType

from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from feature_store.tables.protocol import Tables
from monitoring.drift import platform
from monitoring.drift.baseline import Slice
from monitoring.drift.columns import Row
from monitoring.drift.measure import Measurement
from monitoring.drift.schemas import DRIFT, PROFILE, arrow_table, ensure
from monitoring.drift.scored import StoredWindow
from monitoring.spec import Monitor
from monitoring.windows.calendar import Window, window_of
from monitoring.windows.metrics import DISTANCES, MEASURES, TABLE, USUAL, WindowMetrics, distance_of, measure_of, volume

Place = tuple[str, Slice | None]
"""A column (or ``:table``), of all rows or in a slice."""
ByColumn = dict[str, WindowMetrics]

_PROFILE_READ = [
    "window", "slice_key", "slice_value", "column_name", "data_type", "count", "avg", "percent_null", "model_version",
    "labelled_count", "logging_table_commit_version", "monitor_version", "measured_as_of", "definition", "newest_row",
    "custom_metrics", "non_null_columns", *sorted(set(MEASURES.values())),
]  # fmt: skip
_DRIFT_READ = [
    "window", "slice_key", "slice_value", "column_name", *DISTANCES.values(), "histogram", "explained_prediction_delta",
]  # fmt: skip

_OFTEN_THERE = 0.5


@dataclass(frozen=True)
class WindowParts:
    """A window's metrics: by column of all rows, and of each slice."""

    whole: ByColumn
    slices: Mapping[Slice, ByColumn] = field(default_factory=dict)

    def part(self, of: Slice | None) -> ByColumn:
        """The metrics of a slice, or of all rows; none of a slice that the window does not have."""
        return self.whole if of is None else self.slices.get(of, {})


Windows = dict[Window, WindowParts]


@dataclass(frozen=True)
class Stored:
    """What the metric tables hold of a monitor's windows: the columns that rules and the choice of windows need."""

    profile: list[Row]
    drift: list[Row]
    platforms: str = ""
    """The platform's profile table, if the metrics are the platform's."""

    @classmethod
    def read(cls, tables: Tables, monitor: Monitor) -> "Stored":
        """All windows of the monitor's length; drift against the baseline only."""
        name = platform.platforms(tables, monitor.profile_table)
        if monitor.prefers_platform and tables.exists(name):
            return cls._read_platforms(tables, monitor, name)
        return cls(
            _read(tables, monitor, monitor.profile_table, _PROFILE_READ),
            _read(tables, monitor, monitor.drift_table, _DRIFT_READ, drift_type="BASELINE"),
        )

    @classmethod
    def _read_platforms(cls, tables: Tables, monitor: Monitor, name: str) -> "Stored":
        profile = _read(tables, monitor, name, [*_PROFILE_READ, *monitor.measures, "log_type"])
        drift = _read(
            tables, monitor, platform.platforms(tables, monitor.drift_table), _DRIFT_READ, drift_type="BASELINE"
        )
        of_windows = [_of_platform(row, monitor) for row in platform.of_windows(profile)]
        return cls(of_windows, [dict(row) for row in platform.of_windows(drift)], name)

    def windows(self) -> dict[Window, StoredWindow]:
        """What is known of each window measured before."""
        return {
            window_of(row): StoredWindow(
                rows=cast(int, row["count"]),
                labelled=cast(int, row["labelled_count"] or 0),
                model_version=cast(str, row["model_version"]),
                commit_version=cast(int, row["logging_table_commit_version"]),
                monitor_version=cast(int, row["monitor_version"]),
                measured_as_of=cast(datetime, row["measured_as_of"]).astimezone(UTC),
                definition=cast(str, row["definition"] or ""),
            )
            for row in self.profile
            if row["column_name"] == TABLE and row["slice_key"] is None
        }

    def metrics(self, measured: Measurement, *, as_of: datetime) -> Windows:
        """All columns' metrics in the complete windows up to ``as_of``, oldest window first.

        What was just ``measured`` is taken instead of what is stored.
        """
        fresh = {window_of(row) for row in measured.profile}
        profile = [row for row in self.profile if window_of(row) not in fresh] + measured.profile
        drift = [row for row in self.drift if window_of(row) not in fresh]
        drift += [row for row in measured.drift if row["drift_type"] == "BASELINE"]
        drifted = {(window_of(row), _slice(row), row["column_name"]): row for row in drift}
        found: Windows = {}
        for row in sorted(profile, key=lambda row: (window_of(row), str(row["column_name"]))):
            window, of, column = window_of(row), _slice(row), str(row["column_name"])
            if window.end <= as_of:
                slices: dict[Slice, ByColumn] = found.setdefault(window, WindowParts({}, {})).slices  # type: ignore[assignment]
                columns = found[window].whole if of is None else slices.setdefault(of, {})
                columns[column] = _metrics(row, drifted.get((window, of, column), {}))
        return _with_arrival(found, {window_of(row): row for row in profile if _is_whole_table(row)})


def _with_arrival(found: Windows, tables: Mapping[Window, Row]) -> Windows:
    """The metrics with what only the windows together say: volume, staleness and changes of the columns."""
    earlier: list[WindowParts] = []
    for window, parts in found.items():
        table = parts.whole.get(TABLE)
        if table is not None:
            usual = [one.whole[TABLE].rows for one in earlier if TABLE in one.whole]
            newest = tables[window].get("newest_row")
            age = None if newest is None else (window.end - cast(datetime, newest).astimezone(UTC)) / timedelta(hours=1)
            filled = [one for one in earlier if one.whole.get(TABLE) and one.whole[TABLE].rows]
            changed = _changed([one.whole for one in filled[-USUAL:]], parts.whole) if filled and table.rows else {}
            parts.whole[TABLE] = replace(table, volume=volume(table.rows, usual), staleness=age, changed=changed)
            if table.rows:
                _arrived_by_slice(parts, earlier)
        earlier.append(parts)
    return found


def _arrived_by_slice(parts: WindowParts, earlier: Sequence[WindowParts]) -> None:
    """The volume of each slice; one that had rows lately and has none now is put in, with no rows."""

    def rows(one: WindowParts, of: Slice) -> int:
        return one.part(of)[TABLE].rows if TABLE in one.part(of) else 0

    lately = {of for one in earlier[-USUAL:] for of in one.slices if rows(one, of)}
    slices = cast("dict[Slice, ByColumn]", parts.slices)
    for of in lately - set(slices):
        slices[of] = {TABLE: WindowMetrics(0, model_version=parts.whole[TABLE].model_version)}
    for of, columns in slices.items():
        if TABLE in columns:
            usual = [rows(one, of) for one in earlier]
            columns[TABLE] = replace(columns[TABLE], volume=volume(columns[TABLE].rows, usual))


def _changed(earlier: Sequence[ByColumn], now: ByColumn) -> dict[str, str]:
    """What is different about each column, in words; one that had few values before may well have none for once."""
    before = earlier[-1]
    said = {name: "is new" for name in now if name not in before} | {
        name: "is gone" for name in before if name not in now
    }
    for name in now:
        if name == TABLE or name not in before:
            continue
        was, kind = before[name].data_type, now[name].data_type
        if was != kind:
            said[name] = f"is {kind}, and was {was}"
        elif now[name].null_rate != 1.0 and all(one[name].null_rate == 1.0 for one in earlier if name in one):
            said[name] = "has values now, and had none"
        elif now[name].null_rate == 1.0 and before[name].null_rate != 1.0 and _was_often_there(name, earlier):
            said[name] = "has no values any more"
    return said


def _was_often_there(name: str, earlier: Sequence[ByColumn]) -> bool:
    return median(one[name].null_rate or 0.0 for one in earlier if name in one) < _OFTEN_THERE


def save(store: FeatureStore, monitor: Monitor, measured: Measurement, commit: Commit) -> None:
    """Replace the measured windows in both metric tables, which are made if they are not there."""
    kinds: list[tuple[str, str, StructType, list[Row]]] = [
        (monitor.drift_table, "drift", DRIFT, measured.drift),
        (monitor.profile_table, "profile", PROFILE, measured.profile),
    ]
    fresh = {window_of(row) for row in measured.profile}
    start, end = min(window.start for window in fresh), max(window.end for window in fresh)
    # The profile comes last: a window counts as measured by it, so that a killed check is simply done again.
    for name, kind, schema, rows in kinds:
        ensure(store.tables, name, kind, table=monitor.output, owner=monitor.owner)
        others = [
            row
            for row in _rows(store.tables, name, schema.names, start=start, end=end)
            if row["granularity"] != monitor.calendar.name or window_of(row) not in fresh
        ]
        replacing = arrow_table([*others, *rows], schema)
        store.tables.replace_window(name, replacing, column="window_start", start=start, end=end, commit=commit)
        store.tables.compact(name, commit=commit)


def _read(tables: Tables, monitor: Monitor, name: str, columns: Sequence[str], **only: object) -> list[Row]:
    """What the table has of windows of the monitor's length."""
    if not tables.exists(name):
        return []
    there = tables.columns(name).names
    known = [column for column in columns if column in there]
    found = tables.collect(name, known, only={"granularity": monitor.calendar.name, **only})
    lacking = {column: None for column in columns if column not in there}
    return [row | lacking for row in found.to_pylist()]


def _rows(tables: Tables, name: str, columns: Sequence[str], *, start: datetime, end: datetime) -> list[Row]:
    """All columns of the windows that begin in ``[start, end)``."""
    found = tables.collect(name, columns)
    begins = found["window_start"]
    rows: list[Row] = found.filter(pc.and_(pc.greater_equal(begins, start), pc.less(begins, end))).to_pylist()
    return rows


def _of_platform(row: Mapping[str, object], monitor: Monitor) -> Row:
    """A row of the platform's profile: measures of the monitor's own are columns there, and labels are not counted."""
    custom = [(name, row[name]) for name in monitor.measures if row.get(name) is not None]
    is_judged = any(row.get(column) is not None for column in MEASURES.values())
    return {**row, "custom_metrics": custom or None, "labelled_count": row["count"] if is_judged else 0}


def _slice(row: Row) -> Slice | None:
    return None if row.get("slice_key") is None else (str(row["slice_key"]), str(row["slice_value"]))


def _is_whole_table(row: Row) -> bool:
    return row["column_name"] == TABLE and row.get("slice_key") is None


def _metrics(profile: Row, drift: Row) -> WindowMetrics:
    null_rate = profile.get("percent_null")
    is_table = profile["column_name"] == TABLE
    histogram = cast("Sequence[Mapping[str, object]]", drift.get("histogram") or ())
    return WindowMetrics(
        rows=cast(int, profile["count"]),
        model_version=cast(str, profile["model_version"]),
        data_type=cast("str | None", profile.get("data_type")),
        avg=_number(profile.get("avg")),
        null_rate=None if null_rate is None else cast(float, null_rate) / 100,
        psi=distance_of(drift, "psi"),
        js_distance=distance_of(drift, "js_distance"),
        ks=distance_of(drift, "ks"),
        scaled_wasserstein=distance_of(drift, "scaled_wasserstein"),
        scaled_mean_shift=distance_of(drift, "scaled_mean_shift"),
        quality={measure: measure_of(profile, measure) for measure in MEASURES} if is_table else None,
        labelled=cast(int, profile.get("labelled_count") or 0),
        custom=dict(cast("Sequence[tuple[str, float]]", profile.get("custom_metrics") or ())),
        histogram=tuple((str(row["bin"]), cast(int, row["baseline"]), cast(int, row["current"])) for row in histogram),
        explained=_number(drift.get("explained_prediction_delta")),
    )


def _number(value: object) -> float | None:
    return None if value is None else float(cast(float, value))
