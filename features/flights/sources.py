"""When each fact about a flight became known: one source for each moment.

A row of the landed flights holds facts of different moments. Each source below shows only those that are known by its
own moment, so that no feature can use a delay before the aircraft has left, or an arrival before it has landed.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import Source
from feature_store.aggregation import DerivedSource
from features.flights import landing

_WHO = ("flight_id", "carrier", "tailnum", "origin", "dest")

SCHEDULED_FLIGHTS = Source(
    name="scheduled_flights",
    description="The schedule, which is known always: keys, and the moment of decision",
    table=landing.FLIGHTS.name,
    columns=(*_WHO, "decided_at", "scheduled_departure_at", "scheduled_arrival_at", "distance_miles"),
)

DEPARTURES = Source(
    name="departures",
    description="Flights that have left, and how late",
    table=landing.FLIGHTS.name,
    known_at="departed_at",
    columns=(*_WHO, "scheduled_departure_at", "departure_delay_minutes"),
)

CANCELLATIONS = Source(
    name="cancellations",
    description="Flights that should have left and did not",
    table=landing.FLIGHTS.name,
    known_at="cancelled_at",
    columns=_WHO,
)

ARRIVALS = Source(
    name="arrivals",
    description="Flights that have arrived, and how late",
    table=landing.FLIGHTS.name,
    known_at="arrived_at",
    columns=(*_WHO, "departure_delay_minutes", "arrival_delay_minutes", "is_late"),
)

FLIGHT_OUTCOMES = Source(
    name="flight_outcomes",
    description="The labels: known at arrival; cancelled and diverted flights have none",
    table=landing.FLIGHTS.name,
    known_at="arrived_at",
    columns=(*_WHO, "decided_at", "is_late", "arrival_delay_minutes", "punctuality"),
)

WEATHER = Source(
    name="weather_observations",
    description="Hourly weather at the airports of departure",
    table=landing.WEATHER.name,
    known_at="known_at",
    columns=tuple(name for name in landing.WEATHER.columns if name not in ("known_at", "observed_at")),
)

AIRCRAFT_REGISTER = Source(
    name="aircraft_register",
    description="Facts about aircraft, known always",
    table=landing.PLANES.name,
    columns=tuple(landing.PLANES.columns),
)

AIRPORT_REGISTER = Source(
    name="airport_register",
    description="Facts about airports, known always",
    table=landing.AIRPORTS.name,
    columns=tuple(landing.AIRPORTS.columns),
)


def _movements(departures: DataFrame, cancellations: DataFrame) -> DataFrame:
    left = departures.select(
        "origin",
        "carrier",
        "known_at",
        F.lit(False).alias("is_cancelled"),
        "departure_delay_minutes",
        (F.col("departure_delay_minutes") > landing.LATE_AFTER_MINUTES).alias("left_late"),
    )
    stayed = cancellations.select("origin", "carrier", "known_at", F.lit(True).alias("is_cancelled"))
    return left.unionByName(stayed, allowMissingColumns=True)


MOVEMENTS = DerivedSource(
    name="movements",
    description="Flights that have left, and flights that should have and did not",
    sources=[DEPARTURES, CANCELLATIONS],
    columns=("origin", "carrier", "is_cancelled", "departure_delay_minutes", "left_late"),
    derive=_movements,
)
