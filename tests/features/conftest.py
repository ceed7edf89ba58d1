"""The real flights, read once, and a store in which a few days of them have been landed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from features.flights import landing
from features.ingest import ingest

LANDED_AT = datetime(2014, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def real_flights() -> pd.DataFrame:
    return landing.flights()


@pytest.fixture(scope="session")
def a_few_days() -> pd.DataFrame:
    """JetBlue out of Kennedy around the storm of 13 June: some four hundred flights, with cancellations."""
    raw = landing.read_csv("flights.csv.zip")
    june = (raw["month"] == 6) & raw["day"].between(9, 14)
    flights = landing.with_moments(raw[june & (raw["carrier"] == "B6") & (raw["origin"] == "JFK")])
    between = pd.Timestamp("2013-06-10", tz="UTC"), pd.Timestamp("2013-06-14", tz="UTC")
    return flights[flights["scheduled_departure_at"].between(*between)].reset_index(drop=True)


@pytest.fixture(scope="session")
def land() -> Callable[..., int]:
    """Land ``flights`` and, of the other sources, a few rows."""

    def few(table: landing.LandedTable, chosen: Callable[[pd.DataFrame], Any]) -> landing.LandedTable:
        return replace(table, read=lambda: table.read()[chosen], stamp=None)

    def into(store: Any, flights: pd.DataFrame) -> int:
        june = (pd.Timestamp("2013-06-09", tz="UTC"), pd.Timestamp("2013-06-15", tz="UTC"))
        return sum(
            ingest(store, table, as_of=LANDED_AT)
            for table in (
                replace(landing.FLIGHTS, read=lambda: flights, stamp=None),
                few(landing.WEATHER, lambda frame: frame["observed_at"].between(*june)),
                few(landing.PLANES, lambda frame: frame["tailnum"].isin(flights["tailnum"])),
                few(landing.AIRPORTS, lambda frame: frame["faa"].isin(flights["dest"])),
            )
        )

    return into
