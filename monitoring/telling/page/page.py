"""The report of a check: what needs a person first, then how the model or the table stands, put into one page of HTML."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from feature_store.files import write_at_once
from feature_store.moments import utc
from feature_store.pages.page import render
from feature_store.store import FeatureStore
from feature_store.tables.commit import code_revision
from monitoring.alerts.checking import Check
from monitoring.alerts.events import Event, read_events
from monitoring.limits import Severity
from monitoring.spec import DriftMonitor
from monitoring.table_limits import Volume
from monitoring.telling.page import rows
from monitoring.telling.page.drawing import Picture, bars_over_windows, heat_map, over_windows
from monitoring.telling.page.told import MOST_DRAWN, entries_of, honesty_of, versions
from monitoring.telling.printing import groups
from monitoring.telling.standing import false_alarms, newest_version, per_year, points
from monitoring.windows.bounds import Bounds
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import PREDICTION, TABLE

_TEMPLATE = Path(__file__).parent / "check.html.jinja"
_MOST_WINDOWS, _MOST_CELLS, _MOST_OVER, _MOST_SLICES, _MOST_CHANGES = 12, 60, 30, 4, 20
LATEST = "latest.html"
_OPENINGS = ("opened", "reopened")
MOST_KEPT = 100
"""Pages of a monitor, the newest; those of checks that opened an alert which is still open are kept besides."""


def write(store: FeatureStore, check: Check) -> Path:
    """Write the page of the check among the reports, and say where; ``latest.html`` beside it is that of the latest moment."""
    folder = store.reports.absolute() / "monitoring" / store.tables.full_name(check.monitor.name)
    folder.mkdir(parents=True, exist_ok=True)
    history = read_events(store, monitor=check.monitor.name, as_of=check.as_of)
    page, file = report(check, history), folder / f"{_named(check.as_of)}.html"
    write_at_once(page, file)
    if file.name == max(other.name for other in folder.glob("*.html") if other.name != LATEST):
        write_at_once(page, folder / LATEST)
    is_open = {alert.alert_id for alert in check.verdict.alerts if alert.is_open}
    opened = {_named(event.as_of) for event in history if event.kind in _OPENINGS and event.alert_id in is_open}
    _forget(folder, opened | {file.stem})
    return file


def _forget(folder: Path, needed: Collection[str]) -> None:
    """Delete old pages, but those with a name that is needed."""
    pages = sorted(page for page in folder.glob("*.html") if page.name != LATEST)
    for page in pages[:-MOST_KEPT]:
        if page.stem not in needed:
            page.unlink(missing_ok=True)


def _named(as_of: datetime) -> str:
    """A name that sorts as time does."""
    as_of = utc(as_of)
    whole_day = (as_of.hour, as_of.minute, as_of.second) == (0, 0, 0)
    return f"{as_of:%Y-%m-%d}" if whole_day else f"{as_of:%Y-%m-%dT%H-%M-%S}"


def report(check: Check, history: Sequence[Event] = ()) -> str:
    """The page of HTML for a check; ``history`` has the recorded events of its alerts, among them what people did."""
    monitor, alerts = check.monitor, check.verdict.alerts
    events = sorted({event.event_id: event for event in [*history, *check.verdict.events]}.values(), key=Event.order)
    entries = entries_of(check, events)
    alone, beneath = [one.told for one in entries if one.told], [one for entry in entries for one in entry.beneath]
    told = [*alone, *beneath]
    over = sorted((a for a in alerts if not a.is_open), key=lambda a: (a.until, a.since, a.alert_id), reverse=True)
    asking = [alert for alert in alerts if "retraining_started" in check.verdict.news.get(alert.alert_id, ())]
    asked = max((a for a in alerts if a.retraining_as_of), key=lambda a: (a.retraining_as_of, a.alert_id), default=None)
    window = rows.judged_window(check)
    limits, folded = rows.limit_rows(check)
    cells = rows.ordered(check)[-_MOST_CELLS:]
    drift, limited = rows.drift_by_column(check, cells)
    return render(
        _TEMPLATE,
        check=check, monitor=monitor, as_of=utc(check.as_of), is_model=isinstance(monitor, DriftMonitor),
        entries=entries, told=told, alone=alone, critical=sum(one.alert.severity == Severity.CRITICAL for one in told),
        groups=groups([one.alert for one in told]), new=[one for one in told if one.is_new], most_drawn=MOST_DRAWN,
        over=over[:_MOST_OVER], over_count=len(over),
        recovered=[alert for alert in over if "recovered" in check.verdict.news.get(alert.alert_id, ())],
        asking=asking, asked=asked, version=newest_version(check), windows=rows.window_rows(check, _MOST_WINDOWS),
        measure=rows.main_measure(check), quality=_newest_quality(check), pictures=list(_pictures(check)),
        cells=cells, drift=drift, limited=limited, heat=_heat(check) if drift else None,
        window=window, slices=rows.slice_rows(check, window) if window else {},
        limits=limits, folded=folded, total=false_alarms(check.honesty), per_year=per_year, table=TABLE,
        untold=sum(one.a_year is None for one in check.honesty), opened=_opened_in_a_year(check),
        watched_days=_watched_days(check), changes=_changes(check), revision=code_revision(),
    )  # fmt: skip


def _opened_in_a_year(check: Check) -> tuple[int, int]:
    """The alerts opened in the last year: by limits whose false alarms are known, and by the others."""
    start = utc(check.as_of) - timedelta(days=365)
    recent = [alert for alert in check.verdict.alerts if alert.since >= start]
    limits = [honesty_of(check, alert) for alert in recent]
    told = sum(limit is not None and limit.a_year is not None for limit in limits)
    return told, len(recent) - told


def _watched_days(check: Check) -> int:
    """How much of the last year there are windows of."""
    windows = rows.ordered(check)
    return min(365, (utc(check.as_of) - windows[0].start).days) if windows else 0


def _newest_quality(check: Check) -> tuple[str, float] | None:
    """The last window with labels enough, and the main measure in it."""
    measure = rows.main_measure(check)
    for window in reversed(rows.ordered(check)):
        found = rows.quality_of(check.metrics[window].whole, measure)
        if found is not None:
            return f"{window.start:%Y-%m-%d}", found
    return None


def _changes(check: Check) -> list[tuple[str, int, str]]:
    """What changed about the columns, in how many windows, and in which one last; the newest first."""
    windows: dict[str, list[Window]] = {}
    for window in rows.ordered(check):
        for column, what in check.metrics[window].whole[TABLE].changed.items():
            windows.setdefault(f"{column} {what}", []).append(window)
    found = sorted(windows.items(), key=lambda item: (item[1][-1], item[0]), reverse=True)
    return [(said, len(when), str(when[-1])) for said, when in found][:_MOST_CHANGES]


# ---- pictures of all windows


def _pictures(check: Check) -> Iterator[Picture]:
    if not check.metrics:
        return
    if isinstance(check.monitor, DriftMonitor):
        yield from _of_the_model(check)
    else:
        yield from _of_the_table(check)


def _of_the_model(check: Check) -> Iterator[Picture]:
    windows, measure, models = rows.recent(check), rows.main_measure(check), versions(check)
    parts = [check.metrics[window] for window in windows]
    if measure is not None:
        series = {"all": [rows.quality_of(one.whole, measure) for one in parts]}
        for of in _largest_slices(check):
            series[of[1]] = [rows.quality_of(one.part(of), measure) for one in parts]
        bounds = _bounds(check, TABLE, measure)
        dashed = " Dashed: its limit." if bounds else ""
        by = f" By {_largest_slices(check)[0][0]}, the largest first." if len(series) > 1 else ""
        caption = f"{measure} of each window, of the labels known by now.{by}{dashed}"
        yield over_windows(
            windows, series, title=f"{measure} over the windows", y=measure, caption=caption, bounds=bounds,
            versions=models, of_all="all",
        )  # fmt: skip
    predicted = [one.whole[PREDICTION].avg if PREDICTION in one.whole else None for one in parts]
    actual = [(one.whole[TABLE].quality or {}).get("label_rate") for one in parts]
    if any(value is not None for value in predicted):
        series = {"predicted": predicted}
        if any(value is not None for value in actual):
            series["actual"] = actual
        yield over_windows(
            windows, series, title="Mean prediction and actual rate", y="share" if len(series) > 1 else "prediction",
            caption="The mean prediction of each window, and the share of labels that came true, as far as known.",
            versions=models, of_all="actual",
        )  # fmt: skip


def _largest_slices(check: Check) -> list[tuple[str, str]]:
    """The slices of the first kind, those with most rows first; as many as can be told apart."""
    sums: dict[tuple[str, str], int] = {}
    for parts in check.metrics.values():
        for of, columns in parts.slices.items():
            sums[of] = sums.get(of, 0) + (columns[TABLE].rows if TABLE in columns else 0)
    first = next(iter(check.monitor.slices), None)
    return sorted((of for of in sums if of[0] == first), key=lambda of: (-sums[of], of))[:_MOST_SLICES]


def _of_the_table(check: Check) -> Iterator[Picture]:
    windows = rows.recent(check)
    tables = [check.metrics[window].whole[TABLE] for window in windows]
    honest = next((one for one in check.honesty if one.watch.cause.metric == Volume.metric), None)
    beyond = (
        [point.beyond is True for point in points(check, honest)[-len(windows) :]] if honest else [False] * len(windows)
    )
    limit = " In the second colour: beyond the limit on volume." if any(beyond) else ""
    caption = f"Rows of each window.{limit}"
    yield bars_over_windows(
        windows, [one.rows for one in tables], beyond=beyond, title="Rows by window", caption=caption
    )
    if any(one.staleness is not None for one in tables):
        yield over_windows(
            windows, {"age": [one.staleness for one in tables]}, title="Age of the newest row", y="hours",
            caption="Age of the newest row at the end of each window, in hours.", bounds=_bounds(check, TABLE, "staleness"),
        )  # fmt: skip
    last = windows[-_MOST_CELLS:]
    names = {name for window in last for name in check.metrics[window].whole if name != TABLE}
    nulls = {name: [_null_rate(check, window, name) for window in last] for name in names}
    moved = sorted(nulls, key=lambda name: (-_spread(nulls[name]), name))[:_MOST_SLICES]
    shown = {name: nulls[name] for name in moved if _spread(nulls[name]) > 0}
    if shown:
        yield over_windows(
            last, shown, title="Nulls over the windows", y="share of nulls",
            caption=f"The columns whose share of nulls changes most, over the last {len(last)} windows.",
        )  # fmt: skip


def _null_rate(check: Check, window: Window, name: str) -> float | None:
    measured = check.metrics[window].whole.get(name)
    return measured.null_rate if measured else None


def _spread(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return max(known) - min(known) if known else 0.0


def _bounds(check: Check, column: str, metric: str) -> Bounds | None:
    """The bounds of a limit on all rows, if there is one."""
    for one in check.honesty:
        if (one.watch.cause.column_name, one.watch.cause.metric, one.watch.of) == (column, metric, None):
            return one.bounds
    return None


def _heat(check: Check) -> Picture:
    cells = rows.ordered(check)[-_MOST_CELLS:]
    drift, limited = rows.drift_by_column(check, cells)
    names = " Above the line: columns with a limit on it." if 0 < limited < len(drift) else ""
    caption = (
        "The population stability index against the baseline, as a multiple of the column's limit; of a column without one, "
        f"of {rows.CUSTOMARY_PSI} or of its own median here, if that is more.{names} A gap: not measured."
    )
    return heat_map(cells, rows.ratios(check, drift), limited=limited, caption=caption)
