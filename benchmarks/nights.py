"""Nights of the pipeline on a copy of a workspace: landed tables changed, features published, flights scored, drift checked."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa

import features
import monitoring
from feature_store import FeatureStore, FeatureTable, PipelineError, open_store
from feature_store.discovery import discover
from feature_store.tables.commit import Commit
from features.publish import publish
from features.spec import LandedTable
from inference.flights.flight_delay import SCORING
from inference.score import score
from monitoring.alerts.checking import Check, check
from monitoring.alerts.events import EVENTS_TABLE, Event, read_events
from monitoring.spec import DriftMonitor, Monitor

DAY = timedelta(days=1)
_MEASURED = ("_profile_metrics", "_drift_metrics")


def copied(original: Path, copy: Path, *, measured: bool = False) -> Path:
    """A copy of a workspace, with its models; metric tables and events are made again, unless ``measured`` by this code."""
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(original), str(copy)], check=True)
    for folder in (copy / "warehouse").glob("*/*/*") if not measured else []:
        if folder.name.endswith(_MEASURED) or folder.name == EVENTS_TABLE:
            shutil.rmtree(folder)
    _repoint(copy)
    return copy


def _repoint(copy: Path) -> None:
    """Have the copy's registry name the copy's own artifacts, so that nothing is written into the original's."""
    place = (copy / "mlartifacts").as_uri()
    texts = {"experiments": ["artifact_location"], "runs": ["artifact_uri"], "logged_models": ["artifact_location"],
             "model_versions": ["source", "storage_location"]}  # fmt: skip
    with sqlite3.connect(copy / "mlflow.db") as database:
        found = database.execute("SELECT artifact_uri FROM runs LIMIT 1").fetchone()[0]
        was = found[: found.index("/mlartifacts") + len("/mlartifacts")]
        for table, columns in texts.items():
            for column in columns:
                database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (was, place))


def rewind(workspace: Path, moment: datetime, only: Callable[[str], bool] = lambda name: True) -> None:
    """Take tables back to how the commits up to ``moment`` left them, as if the later ones had never been."""
    for folder in (workspace / "warehouse").glob("*/*/*"):
        log = folder / "_delta_log"
        if not only(folder.name) or not log.is_dir():
            continue
        if list(log.glob("*checkpoint*")):
            raise PipelineError(f"{folder.name} has a checkpoint: its log cannot be cut.")
        late = [file for file in sorted(log.glob("*.json")) if (_as_of(file) or moment) > moment]
        for file in late:
            file.unlink()
            (log / f".{file.name}.crc").unlink(missing_ok=True)
            file.with_suffix(".crc").unlink(missing_ok=True)


def _as_of(file: Path) -> datetime | None:
    for line in file.read_text().splitlines():
        commit = Commit.from_json(json.loads(line).get("commitInfo", {}).get("userMetadata"))
        if commit:
            return commit.as_of
    return None


def land(store: FeatureStore, name: str, change: Callable[[pl.DataFrame], pl.DataFrame], as_of: datetime) -> int:
    """Land a table anew as ``change`` makes it; the number of rows that differ, or are gone."""
    landed = next(one for one in discover(features, LandedTable).values() if one.name == name)
    rows = store.tables.collect(name, list(landed.columns))
    before = pl.DataFrame(pl.from_arrow(rows))
    after = change(before)
    store.tables.overwrite(
        name, after.to_arrow().cast(_schema(rows)), commit=Commit(verb="ingest-sources", as_of=as_of)
    )
    if after.height < before.height:
        return before.height - after.height
    same = pl.all_horizontal(pl.col(column).eq_missing(pl.col(f"{column}_after")) for column in before.columns)
    both = pl.concat([before, after.rename(lambda column: f"{column}_after")], how="horizontal")
    return both.filter(~same).height


def _schema(rows: pa.Table) -> pa.Schema:
    return rows.schema


def monitors() -> list[Monitor]:
    """All monitors of the project, those of tables first, as the job checks them."""
    declared = discover(monitoring, Monitor).of_schema("flights")
    found = [one for one in declared if type(one).__module__ and one.name]
    return sorted(found, key=lambda one: (isinstance(one, DriftMonitor), one.name))


def tables() -> list[FeatureTable]:
    """All feature tables of the project."""
    return discover(features, FeatureTable).of_schema("flights")


def days(start: datetime, end: datetime) -> Iterator[datetime]:
    """Each midnight after ``start``, up to ``end``."""
    while start < end:
        start += DAY
        yield start


def is_due(monitor: Monitor, night: datetime) -> bool:
    """Whether a window of the monitor has ended this very night."""
    return monitor.calendar.window(monitor.calendar.number(night)).start == night


def night(store: FeatureStore, as_of: datetime, publishing: list[FeatureTable], said: Callable[[str], None]) -> None:
    """What the jobs do in one night: publish, score (where a week has ended), check what has a complete window."""
    for table in publishing:
        _tried(lambda table=table: publish(store, table, as_of=as_of), f"publish-features {table.name}", as_of, said)  # type: ignore[misc]
    for monitor in monitors():
        if not is_due(monitor, as_of):
            continue
        if isinstance(monitor, DriftMonitor):
            _tried(lambda: score(store, SCORING, as_of=as_of), "score-batch flight_delay", as_of, said)
        done = _tried(
            lambda monitor=monitor: check(store, monitor, as_of=as_of), f"check-drift {monitor.name}", as_of, said
        )  # type: ignore[misc]
        if isinstance(done, Check) and as_of.day == 1:
            for note in done.notes:
                said(f"{as_of:%Y-%m-%d} {monitor.name}: {note}")


def _tried(verb: Callable[[], object], name: str, as_of: datetime, said: Callable[[str], None]) -> object:
    try:
        return verb()
    except PipelineError as error:
        said(f"{as_of:%Y-%m-%d} {name} refused: {str(error).splitlines()[0]}")
        return None


def opened(store: FeatureStore) -> list[Event]:
    """The events that opened alerts, oldest first."""
    found = [event for event in read_events(store) if event.kind in ("opened", "reopened")]
    return sorted(found, key=Event.order)


def opened_workspace(folder: Path) -> FeatureStore:
    """The store of a workspace."""
    return open_store(workspace=folder)


def utc(year: int, month: int, day: int) -> datetime:
    """A midnight."""
    return datetime(year, month, day, tzinfo=UTC)
