"""Does the weather of all three airports still arrive, on time and in the same shape and units?"""

from datetime import UTC, datetime, timedelta

from features.flights.airport_weather import TABLE
from monitoring.limits import Automatic, MeanShift, NullRate, Severity
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import Freshness, SchemaChange, Volume

MONITOR = TableMonitor(
    name="airport_weather",
    description=__doc__,
    owner="weather-features@example.com",
    table=TABLE,
    window=timedelta(days=1),
    baseline=Span(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC)),
    slices=["origin"],
    limits={
        # An hour of three airports is three rows: a day has 72.
        ":table": [
            Volume(at_least=0.7, at_most=1.3),
            Freshness(timedelta(hours=6), severity=Severity.CRITICAL),
            SchemaChange(),
        ],
        "temperature_f": [MeanShift(3.0), NullRate(0.2)],
        "pressure_millibars": MeanShift(4.0),
        "*": NullRate(Automatic(no_tighter_than=0.05)),
    },
    minimum_rows=24,
)
