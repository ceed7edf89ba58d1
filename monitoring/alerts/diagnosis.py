"""A first diagnosis of an alert: what changed upstream or was refused, what stopped arriving, whom it touches."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from feature_store.declare.checks import Fresh
from feature_store.declare.table import FeatureTable
from feature_store.errors import PipelineError
from feature_store.lineage.unchanged import PUBLISH
from feature_store.moments import utc
from feature_store.package.registry import registered_versions
from feature_store.store import FeatureStore
from feature_store.tables.commit import TableVersion
from features.publishing.refused import refused
from monitoring.alerts.events import Event
from monitoring.alerts.state import Alert
from monitoring.spec import DriftMonitor, Monitor, TableMonitor

_DIAGNOSED = ("opened", "reopened")
_MOST_SAID = 8
_LATE = timedelta(days=1)
_NewestRow = Callable[[str, str, datetime], datetime | None]


def diagnosed(
    store: FeatureStore, monitor: Monitor, events: Sequence[Event], *, others: Sequence[Alert] = ()
) -> list[Event]:
    """The events with, in the evidence of those that open an alert, what may have caused it and whom it concerns.

    ``others`` are the open alerts of other monitors: one of the table that a feature comes from may be the cause. Their ids are
    ``follows`` in the evidence.
    """

    @cache
    def newest(table: str, column: str, end: datetime) -> datetime | None:
        return _newest(store, table, column, end)

    @cache
    def upstream(source: str, start: datetime, end: datetime) -> tuple[list[str], list[str], list[str]]:
        declared = _declared(monitor, source)
        tables = {source, *(one.table for one in (declared.sources if declared else ()))}
        if isinstance(monitor, DriftMonitor):
            tables.add(monitor.scoring.entities.table)  # whom the scores are about
        alerts = [one for one in others if one.table_name in tables and one.since < end and one.until > start]
        known = [f"{one.table_name} has an alert of its own: {one.what} ({one.alert_id})" for one in alerts]
        changed, stale = _changes(store, source, start, end), _stale(store, monitor, source, end, newest)
        refusals = [said for table in sorted(tables) for said in _refused(store, table, start, end)]
        return known + refusals + changed, stale, [one.alert_id for one in alerts]

    @cache
    def concerned(source: str) -> list[dict[str, str]]:
        return list(_models(store, monitor, source))

    found = []
    for event in events:
        if event.kind not in _DIAGNOSED or event.window_start is None or event.window_end is None:
            found.append(event)
            continue
        changes, stale, follows = list[str](), list[str](), list[str]()
        sources = [event.source] if event.source else _all_sources(monitor)
        for source in sources:
            found_there = upstream(source, event.window_start, event.window_end)
            for kept, new in zip((changes, stale, follows), found_there, strict=True):
                kept += [one for one in new if one not in kept]
        evidence = json.loads(event.evidence) | {
            "upstream": changes[:_MOST_SAID],
            "stale": stale[:_MOST_SAID],
            "follows": follows,
            "concerned": concerned(event.source),
            "owner": monitor.owner,
        }
        found.append(replace(event, evidence=json.dumps(evidence, sort_keys=True)))
    return found


def _all_sources(monitor: Monitor) -> list[str]:
    """Of a cause that is no feature, such as the prediction: all tables that the model looks up."""
    if not isinstance(monitor, DriftMonitor):
        return [monitor.output]
    return list(dict.fromkeys(lookup.table_name for lookup in monitor.scoring.training.lookups))


def _changes(store: FeatureStore, name: str, start: datetime, end: datetime) -> list[str]:
    """What was done to a table, as of a moment within the window, that a nightly job does not do every night."""
    try:
        history = sorted(store.tables.history(name), key=lambda entry: entry.version)
    except PipelineError as error:
        return [f"{name} cannot be read: {str(error).splitlines()[0]}"]
    said: list[str] = []
    before: TableVersion | None = None
    for entry in history:
        if start <= _moment(entry) <= end + _LATE:
            said += _said_of(name, entry, before)
        before = entry if entry.commit else before
    return said


def _said_of(name: str, entry: TableVersion, before: TableVersion | None) -> Iterator[str]:
    commit, earlier = entry.commit, before.commit if before else None
    where = f"{name} version {entry.version}"
    if commit is None:
        if entry.operation not in ("OPTIMIZE", "VACUUM START", "VACUUM END", "CREATE TABLE"):
            yield f"{where}: {entry.operation.lower()} by somebody else than these jobs"
        return
    was, now = (one.details.get("definition") if one else None for one in (earlier, commit))
    if was and now and was != now:
        yield f"{where}: its definition changed (revision {commit.revision[:10] or 'unknown'})"
    if commit.window and earlier and earlier.window and commit.window[0] < earlier.window[0]:
        yield f"{where}: published again from {commit.window[0]:%Y-%m-%d} on"
    if entry.operation in ("ADD COLUMNS", "CHANGE COLUMN", "REPLACE COLUMNS", "RENAME COLUMN", "DROP COLUMNS"):
        yield f"{where}: {entry.operation.lower()}"


def _refused(store: FeatureStore, name: str, start: datetime, end: datetime) -> Iterator[str]:
    """That publications of a table were refused within the window, or before and nothing of it was published since."""
    found = refused(store, name, until=end + _LATE)
    if not found:
        return
    last = found[-1]
    history = store.tables.history(name) if store.tables.exists(name) else []
    published = [_moment(entry) for entry in history if entry.commit and entry.commit.verb == PUBLISH]
    before = max((moment for moment in published if moment < last.as_of), default=None)
    after = min((moment for moment in published if last.as_of < moment <= end + _LATE), default=None)
    if after and last.as_of < start:
        return
    moments = {one.as_of for one in found if one.as_of >= start or before is None or one.as_of > before}
    often = f"{len(moments)} times, the last as of" if len(moments) > 1 else "as of"
    then = f"published again as of {after:%Y-%m-%d}" if after else "not published since"
    yield f"{name} was refused by its own checks {often} {last.as_of:%Y-%m-%d}, and {then}: {last.found.rstrip('.')}"


def _stale(store: FeatureStore, monitor: Monitor, name: str, end: datetime, newest_row: _NewestRow) -> list[str]:
    """Whether the newest row of the table, or of what it is made from, was old at the end of the window."""
    if not store.tables.exists(name):
        return [f"{name} is not there"]
    declared = _declared(monitor, name)
    if declared is None:
        return []
    fresh = [check.within for check in declared.checks if isinstance(check, Fresh)]
    allowed = min(fresh, default=monitor.calendar.window(0).end - monitor.calendar.window(0).start)
    columns = {declared.name: declared.timeseries_column}
    columns |= {source.table: source.known_at for source in declared.sources}
    said = []
    for table, column in columns.items():
        newest = newest_row(table, column, end) if column and store.tables.exists(table) else None
        if newest is not None and end - newest > allowed:
            said.append(f"the newest row of {table} was of {newest:%Y-%m-%d %H:%M}")
    return said


def _newest(store: FeatureStore, table: str, column: str, end: datetime) -> datetime | None:
    """The newest moment in the column before ``end``; None if there is none."""
    if store.tables.in_process:
        moments = store.tables.collect(table, [column])[column].cast(pa.timestamp("us", tz="UTC"))
        found = pc.max(moments.filter(pc.less(moments, pa.scalar(end, moments.type)))).as_py()
    else:
        from pyspark.sql import functions as F

        moment = F.col(column)
        ((found,),) = store.tables.read(table).where(moment < F.lit(end)).agg(F.max(moment)).collect()
    return None if found is None else utc(found)


def _declared(monitor: Monitor, name: str) -> FeatureTable | None:
    if isinstance(monitor, TableMonitor):
        return monitor.table if isinstance(monitor.table, FeatureTable) else None
    if isinstance(monitor, DriftMonitor):
        for lookup in monitor.scoring.training.lookups:
            if lookup.table_name == name:
                return lookup.table
    return None


def _models(store: FeatureStore, monitor: Monitor, source: str) -> Iterator[dict[str, str]]:
    """The models in office that read the table, with their owners; of no table, the monitored model."""
    own = store.tables.full_name(monitor.scoring.training.name) if isinstance(monitor, DriftMonitor) else ""
    if isinstance(monitor, DriftMonitor):
        yield {"model": own, "owner": monitor.scoring.training.owner, "score_table": monitor.output}
    if not source:
        return
    from feature_store.lineage.models import lineage_of

    full = store.tables.full_name(source)
    for version in registered_versions(prefix=f"{store.catalog}.{store.schema}."):
        if version.name == own or "champion" not in version.aliases:
            continue
        try:
            lineage = lineage_of(version)
        except PipelineError:
            continue
        if any(used.table == full for used in lineage.features):
            owner = str(lineage.document.get("owner") or version.tags.get("owner", ""))
            yield {"model": version.name, "owner": owner, "score_table": ""}


def _moment(entry: TableVersion) -> datetime:
    return utc(entry.commit.as_of) if entry.commit else utc(entry.at)
