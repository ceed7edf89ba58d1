"""Does the schedule still arrive, and does it write airports, carriers and aircraft as the tables that are looked up do?"""

from datetime import UTC, datetime, timedelta

from features.flights import landing
from monitoring.limits import Automatic, Psi, Severity
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import Custom, SchemaChange, Volume

ORIGINS = ("EWR", "JFK", "LGA")
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")


def _not_among(column: str, known: tuple[str, ...]) -> str:
    return f"count_if({column} NOT IN ({', '.join(map(repr, known))}))"


MONITOR = TableMonitor(
    name="schedule",
    description=__doc__,
    owner="flight-data@example.com",
    table=landing.FLIGHTS.name,
    time_column="decided_at",
    # What becomes of a flight is not known yet, and is no matter of the schedule.
    key_columns=[
        "flight_id", "flight_number", "tailnum", "departure_delay_minutes", "arrival_delay_minutes", "is_late",
        "air_time_minutes", "punctuality",
    ],
    window=timedelta(days=1),
    baseline=Span(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC)),
    # A share hides a small carrier; a single flight of an unknown one is a lookup that finds nothing.
    measures={
        "unknown_origins": _not_among("origin", ORIGINS),
        "unknown_carriers": _not_among("carrier", CARRIERS),
        "malformed_tailnums": "count_if(tailnum NOT RLIKE '^[A-Z0-9]{5,6}$')",
    },
    limits={
        # Saturdays and holidays have two thirds of a working day's flights.
        ":table": [
            Volume(at_least=0.6, at_most=1.4, severity=Severity.CRITICAL),
            SchemaChange(),
            Custom("unknown_origins", at_most=0, severity=Severity.CRITICAL),
            Custom("unknown_carriers", at_most=0),
            Custom("malformed_tailnums", at_most=0),
        ],
        "origin": Psi(Automatic(no_tighter_than=0.05)),
        "carrier": Psi(Automatic(no_tighter_than=0.10)),
        "dest": Psi(Automatic(no_tighter_than=0.25)),
    },
    minimum_rows=300,
)  # fmt: skip
