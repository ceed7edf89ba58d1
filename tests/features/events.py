"""A feature table over literal events, for the tests of publishing: one row per event, at its moment."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from feature_store import FeatureStore, FeatureTable, Source
from feature_store.tables.commit import Commit

SCHEMA = "origin string, delay double, known_at timestamp"
EVENTS = Source(name="events", description="Events", table="events", columns=["origin", "delay"], known_at="known_at")

Rows = Sequence[tuple[Any, ...]]


def at(day: int, hour: int = 12) -> datetime:
    """An hour of June 2013, UTC."""
    return datetime(2013, 6, day, hour, tzinfo=UTC)


def as_they_are(events: DataFrame) -> DataFrame:
    """One row per event."""
    return events.select("origin", "known_at", "delay")


def declare(compute: Callable[..., DataFrame] = as_they_are, **changes: Any) -> FeatureTable:
    """A feature table ``delays`` of the events, but for ``changes``."""
    facts = {
        "name": "delays",
        "description": "Delays",
        "owner": "us@example.com",
        "primary_keys": ["origin", "known_at"],
        "timeseries_column": "known_at",
        "sources": [EVENTS],
        "features": {"delay": "Minutes"},
        "compute": compute,
    }
    return FeatureTable(**{**facts, **changes})


def land(store: FeatureStore, df: DataFrame, *, table: str = "events") -> None:
    """Add the events to those landed before."""
    if not store.tables.exists(table):
        store.tables.create(table, df.schema)
    store.tables.append(table, df, commit=Commit(verb="test", as_of=at(1)))


def rows(store: FeatureStore, name: str = "delays") -> list[tuple[Any, ...]]:
    """The rows of a table, in order, read without Spark; moments as day and hour."""
    frame = store.tables.arrow(name, store.tables.columns(name).names)  # type: ignore[attr-defined]
    return sorted(
        (
            tuple(f"{value:%dT%H}" if isinstance(value, datetime) else value for value in row)
            for row in frame.iter_rows()
        ),
        key=str,
    )
