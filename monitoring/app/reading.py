"""What the page reads, kept for as long as the tables behind it have the same version.

To ask a table's version costs milliseconds; so what others did is seen at each reload, and nothing is read twice.
Everything is read through the store's ``tables.collect``, without Spark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from feature_store import open_store
from feature_store.errors import PipelineError
from feature_store.lineage.graph import Graph, read_graph
from feature_store.store import FeatureStore
from monitoring.alerts.events import EVENTS_TABLE, Event, read_events
from monitoring.alerts.reviewing import history_of
from monitoring.alerts.state import Alert, current
from monitoring.app.settings import Settings
from monitoring.drift import platform
from monitoring.telling.trend import Point, Row, trend
from monitoring.windows.calendar import window_of

Version = tuple[str, int]


@dataclass(frozen=True)
class Place:
    """Where the tables are."""

    catalog: str
    schema: str
    workspace: str

    @property
    def store(self) -> FeatureStore:
        """The store there, opened once."""
        return _store(self)


@st.cache_resource(show_spinner=False)
def _store(place: Place) -> FeatureStore:
    return open_store(catalog=place.catalog, schema=place.schema, workspace=place.workspace)


@dataclass(frozen=True)
class Review:
    """All that is known as of a moment: events, and the alerts that follow from them."""

    place: Place
    as_of: datetime
    is_now: bool
    events: Sequence[Event]
    alerts: Sequence[Alert]
    tables: dict[str, tuple[str, Version]] = field(default_factory=dict, repr=False)
    """Which metric table there is, and its version: asked once for each time that the page is shown."""

    @classmethod
    def read(cls, settings: Settings) -> "Review":
        """What there is; now, unless the settings name a moment."""
        place = Place(settings.catalog, settings.schema, settings.workspace)
        as_of = settings.as_of or datetime.now(UTC)
        version = _version(place, EVENTS_TABLE)
        is_all = all(event.as_of <= as_of for event in _events(place, version))
        events, alerts = _state(place, version, None if is_all else as_of)
        return cls(place, as_of, settings.as_of is None, events, alerts)

    def history(self, alert: Alert) -> list[Event]:
        """What happened to an alert, in order."""
        return history_of(self.events, alert)

    def points(self, alert: Alert) -> list[Point]:
        """The alert's measure by window, oldest first; what the metric tables lack is taken from its events."""
        judged = {event.window_start: event.value for event in self.history(alert) if event.window_start}
        return [
            Point(
                one.window,
                judged.get(one.window.start) if one.value is None else one.value,
                one.rows,
                one.model_version,
            )
            for one in trend(self._read, alert, as_of=self.as_of)
        ]

    def rows(self, table: str, columns: Sequence[str], only: Mapping[str, object]) -> list[Row]:
        """Rows of a metric table with a whole window by the moment of the review, oldest first; none if it is not there."""
        found = sorted(self._read(table, columns, only), key=window_of)
        return [row for row in found if window_of(row).end <= self.as_of]

    def graph(self) -> Graph:
        """The lineage of all tables and models; asked again after some minutes, or when a training has ended."""
        as_of = None if self.is_now else self.as_of
        trained = sum(event.kind == "retraining_finished" for event in self.events)
        known = _graph(self.place, trained, as_of)
        return Graph(dict(known.nodes), dict(known.edges))  # to look for a feature may add it

    def _read(self, table: str, columns: Sequence[str], only: Mapping[str, object]) -> list[Row]:
        """Rows with these values of a metric table, which is read whole once for each of its versions."""
        if table not in self.tables:
            name = platform.whose(self.place.store.tables, table)
            self.tables[table] = (name, _version(self.place, name))
        name, version = self.tables[table]
        if version[1] < 0:
            return []
        return _rows(self.place, name, version, tuple(columns), tuple(only.items()))


def _version(place: Place, table: str) -> Version:
    """Which table it is, and its newest version; of none, nothing."""
    if not place.store.tables.exists(table):
        return "", -1
    info = place.store.tables.info(table)
    return info.table_id, info.version


@st.cache_resource(max_entries=4, show_spinner=False)
def _events(place: Place, version: Version) -> list[Event]:
    return read_events(place.store)


@st.cache_resource(max_entries=8, show_spinner=False)
def _state(place: Place, version: Version, as_of: datetime | None) -> tuple[list[Event], list[Alert]]:
    events = [event for event in _events(place, version) if as_of is None or event.as_of <= as_of]
    return events, current(events)


@st.cache_resource(max_entries=8, show_spinner=False)
def _table(place: Place, table: str, version: Version) -> pa.Table:
    tables = place.store.tables
    return tables.collect(table, tables.columns(table).names).combine_chunks()  # nested columns in many pieces are slow


@st.cache_resource(max_entries=32, show_spinner=False)
def _rows(
    place: Place, table: str, version: Version, columns: Sequence[str], only: Sequence[tuple[str, object]]
) -> list[Row]:
    kept = _table(place, table, version)
    matches = [pc.equal(kept[column], value).fill_null(False).to_numpy() for column, value in only]
    wanted = np.flatnonzero(np.logical_and.reduce(matches)) if matches else np.arange(kept.num_rows)
    known = platform.read_with(columns, kept.column_names)
    return platform.of_windows(kept.select(known).take(pa.array(wanted)).to_pylist())


@st.cache_resource(max_entries=8, ttl=600, show_spinner=False)
def _graph(place: Place, trained: int, as_of: datetime | None) -> Graph:
    try:
        return read_graph(place.store, as_of=as_of)
    except PipelineError:
        return Graph()
