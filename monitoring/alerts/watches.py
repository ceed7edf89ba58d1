"""What is watched: each declared limit on each column and slice that it holds for, and how it judges the windows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from monitoring.alerts.events import Cause
from monitoring.alerts.rules import Judgement
from monitoring.drift.baseline import Baseline, Slice
from monitoring.drift.metrics import WindowParts
from monitoring.limits import Limit, Patience
from monitoring.spec import Monitor
from monitoring.windows.bounds import Bounds
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import TABLE, WindowMetrics
from monitoring.windows.variation import Variation, chance_of_alert

Baselines = Callable[[str], Baseline | None]
_SILENT = 3


def no_baseline(version: str) -> Baseline | None:
    """Where nothing is known of any baseline: limits that are learned from one are not judged."""
    return None


@dataclass(frozen=True)
class Watch:
    """A limit on one column (or ``:table``), of all rows or in one slice."""

    cause: Cause
    limit: Limit
    patience: Patience
    minimum_rows: int

    @property
    def of(self) -> Slice | None:
        """The slice; None: all rows."""
        return (self.cause.slice_key, self.cause.slice_value) if self.cause.slice_key else None

    def measured(self, parts: WindowParts) -> WindowMetrics | None:
        """What the window has of it."""
        return parts.part(self.of).get(self.cause.column_name)

    def variation(self, baselines: Baselines, version: str) -> Variation | None:
        """How the measure varied over the windows of the baseline of a model version; None: there is no baseline."""
        baseline = baselines(version)
        part = baseline.part(self.of) if baseline else None
        return part.varied(self.cause.column_name, self.limit.metric, scale=self.limit.scale) if part else None

    def judged(self, window: Window, parts: WindowParts, baselines: Baselines) -> Judgement | None:
        """The judgement of a window; None if it has too few rows, or not the measure, or nothing is known to judge by."""
        measured = self.measured(parts)
        if measured is None or (self.limit.needs_rows and measured.rows < self.minimum_rows):
            return None
        value = self.limit.value(measured)
        learned = self.variation(baselines, measured.model_version) if self.limit.is_automatic else None
        bounds = self.limit.bounds(learned)
        if value is None or bounds is None:
            return None
        return Judgement(window, value, bounds.crossed(value) is not None, bounds.nearest(value))


def watches(monitor: Monitor, metrics: Mapping[Window, WindowParts]) -> Iterator[Watch]:
    """All that the monitor watches, given the columns and slices that its windows have."""
    columns = sorted({column for parts in metrics.values() for column in parts.whole if column != TABLE})
    slices = sorted({of for parts in metrics.values() for of in parts.slices})
    for column, limit in monitor.limits_on(columns):
        for of in [None] if limit.by is None else [of for of in slices if of[0] == limit.by]:
            key, value = of or ("", "")
            cause = Cause(
                monitor=monitor.name,
                table_name=monitor.output,
                column_name=column,
                metric=limit.metric,
                slice_key=key,
                slice_value=value,
            )
            yield Watch(cause, limit, limit.after or monitor.alert_after, monitor.minimum_rows)


def judgements(
    watch: Watch, metrics: Mapping[Window, WindowParts], baselines: Baselines = no_baseline
) -> list[Judgement]:
    """The windows in which ``watch`` can be judged, in order of time."""
    found = (
        watch.judged(window, parts, baselines) for window, parts in sorted(metrics.items(), key=lambda item: item[0])
    )
    return [judgement for judgement in found if judgement is not None]


@dataclass(frozen=True)
class Honesty:
    """How often a limit would be passed if nothing had changed.

    ``chance`` is that of one window, ``a_year`` the alerts to expect of it in a year, at most; None if the baseline has too
    few windows to tell. ``bounds`` None: the limit cannot be judged.
    """

    watch: Watch
    bounds: Bounds | None
    chance: float | None
    a_year: float | None


def honesty(
    monitor: Monitor, metrics: Mapping[Window, WindowParts], baselines: Baselines, version: str
) -> list[Honesty]:
    """The expected false alarms of each limit, were each window drawn as the baseline's windows were."""
    found = []
    for watch in watches(monitor, metrics):
        learned = watch.variation(baselines, version)
        known = learned is not None and learned.is_known
        bounds = watch.limit.bounds(learned if known else None)
        chance = learned.chance_beyond(bounds) if known and bounds and learned else None
        fires = None if chance is None else chance_of_alert(chance, watch.patience.violations, watch.patience.windows)
        found.append(Honesty(watch, bounds, chance, None if fires is None else fires * monitor.calendar.per_year))
    return found


def not_judged(monitor: Monitor, metrics: Mapping[Window, WindowParts], baselines: Baselines) -> list[str]:
    """What to mention of the newest window that has rows enough: limits that cannot be judged there, and why it may be."""
    enough = [
        window
        for window, parts in metrics.items()
        if TABLE in parts.whole and parts.whole[TABLE].rows >= monitor.minimum_rows
    ]
    if not enough:
        return ["No window has enough rows to be judged."] * bool(metrics)
    said, parts = [], metrics[max(enough)]
    known = baselines(parts.whole[TABLE].model_version) is not None
    for watch in watches(monitor, {max(enough): parts}):
        there = watch.measured(parts)
        if watch.of is not None or watch.limit.of_table or there is None or not watch.limit.fits(there.data_type):
            continue  # what is not there, or of no such kind, is told already
        if watch.judged(max(enough), parts, baselines) is not None:
            continue
        learned = watch.variation(baselines, parts.whole[TABLE].model_version)
        if known and watch.limit.is_automatic and not (learned and learned.is_known):
            said.append(
                f"{watch.cause.column_name} {watch.limit.metric} (the baseline has too few windows to learn from)"
            )
        elif known:
            said.append(f"{watch.cause.column_name} {watch.limit.metric} (the baseline has no values like these)")
    told = [f"Not judged in the newest window: {', '.join(said)}."] if said else []
    if monitor.has_labels and len(enough) >= _SILENT:
        last = [metrics[window].whole[TABLE] for window in sorted(enough)[-_SILENT:]]
        told += [f"No label is known of the last {_SILENT} windows."] * (not any(table.labelled for table in last))
    return told
