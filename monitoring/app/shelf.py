"""What the pages of features read, kept for some minutes: the catalog, what its tables hold, and what monitors measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from feature_store.catalog.model import Catalog, Table
from feature_store.catalog.page.contents import table_node
from feature_store.catalog.page.history import History
from feature_store.catalog.reading import read_catalog
from feature_store.catalog.search import Index
from monitoring.app.reading import Place
from monitoring.app.settings import Settings
from monitoring.telling.histories import histories

_KEPT = "5min"


@dataclass(frozen=True)
class Shelf:
    """The features as of a moment; None: now."""

    place: Place
    as_of: datetime | None

    @classmethod
    def of(cls, settings: Settings) -> "Shelf":
        """Where the settings say."""
        return cls(Place(settings.catalog, settings.schema, settings.workspace), settings.as_of)

    def catalog(self) -> Catalog:
        """All tables and who reads them."""
        return _catalog(self)[0]

    def index(self) -> Index:
        """Their words, to be searched."""
        return _catalog(self)[1]

    def node(self, catalog: Catalog, table: Table) -> Mapping[str, Any]:
        """A table in words; read again when it has a new version."""
        return _node(self, catalog, table, table.name, table.version)

    def histories(self, catalog: Catalog) -> Mapping[tuple[str, str], Sequence[History]]:
        """What monitors measured of all features."""
        return _histories(self, catalog)


def _moment(shelf: Shelf) -> datetime:
    return shelf.as_of or datetime.now(UTC)


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner=False)
def _catalog(shelf: Shelf) -> tuple[Catalog, Index]:
    found = read_catalog(shelf.place.store, as_of=_moment(shelf))
    return found, Index(found)


@st.cache_resource(ttl=_KEPT, max_entries=200, show_spinner=False)
def _node(shelf: Shelf, _catalog: Catalog, _table: Table, name: str, version: int | None) -> Mapping[str, Any]:
    return table_node(shelf.place.store, _catalog, _table, _moment(shelf), {})


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner=False)
def _histories(shelf: Shelf, _catalog: Catalog) -> Mapping[tuple[str, str], Sequence[History]]:
    return histories(shelf.place.store, _catalog, as_of=_moment(shelf))
