"""Why it may be: what a window's own metrics say about the cause of a drift; pure functions."""

from collections.abc import Collection

from monitoring.alerts.watches import Watch
from monitoring.drift.metrics import ByColumn, WindowParts
from monitoring.spec import DriftMonitor, Monitor
from monitoring.windows.metrics import PREDICTION, TABLE

MOST_DRIFTED = 5
_SMALLEST_PART = 1e-4


def most_drifted(
    columns: ByColumn, most: int = MOST_DRIFTED, *, among: Collection[str] = ()
) -> list[tuple[str, float]]:
    """The columns with the largest population stability index in a window, largest first; ``among`` some, if given."""
    drifted = [
        (name, metrics.psi)
        for name, metrics in columns.items()
        if metrics.psi is not None and (not among or name in among)
    ]
    return sorted(drifted, key=lambda pair: (-pair[1], pair[0]))[:most]


def explained(columns: ByColumn, most: int = MOST_DRIFTED) -> list[tuple[str, float]]:
    """The columns whose change of mix explains most of how the mean prediction moved, each with its part (in predictions).

    Each part is that of the column alone (see :class:`monitoring.drift.baseline.Mix`); parts of columns that move together
    overlap, so that they do not add up to the whole.
    """
    parts = [
        (name, metrics.explained)
        for name, metrics in columns.items()
        if metrics.explained is not None and abs(metrics.explained) >= _SMALLEST_PART and name != PREDICTION
    ]
    return sorted(parts, key=lambda pair: (-abs(pair[1]), pair[0]))[:most]


def concentrated(watch: Watch, parts: WindowParts, most: int = MOST_DRIFTED) -> list[dict[str, object]]:
    """The slices in which the same measure is farthest beyond the limit (or nearest to it), with their share of the rows."""
    whole = parts.whole.get(TABLE)
    bounds = watch.limit.bounds() if not watch.limit.is_automatic else None
    if watch.of is not None or not whole or not whole.rows:
        return []
    found = []
    for (key, value), columns in parts.slices.items():
        measured = columns.get(watch.cause.column_name)
        number = watch.limit.value(measured) if measured else None
        if measured is None or number is None or measured.rows < watch.minimum_rows / 10:
            continue
        is_lower_worse = bounds is not None and bounds.high is None
        badness = -number if is_lower_worse else abs(number)
        found.append((badness, {"slice": f"{key} = {value}", "value": number, "rows": measured.rows / whole.rows}))
    return [told for _, told in sorted(found, key=lambda pair: (-pair[0], str(pair[1]["slice"])))[:most]]


def source_of(monitor: Monitor, column: str) -> str:
    """The feature table that a column comes from; of a table's monitor, the table itself; empty if it is none."""
    if not isinstance(monitor, DriftMonitor):
        return monitor.output
    for lookup in monitor.scoring.training.lookups:
        table = getattr(lookup, "table", None)
        names = list(getattr(lookup, "feature_names", ())) or (list(table.features) if table else [])
        if column in [lookup.output_name(name) for name in names]:
            return str(lookup.table_name)
    return ""
