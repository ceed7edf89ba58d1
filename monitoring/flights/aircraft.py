"""Is the register of aircraft, which has no time, still the size and the mix that models have seen?"""

from datetime import UTC, datetime, timedelta

from features.flights.aircraft import TABLE
from monitoring.limits import NullRate, Psi
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import SchemaChange, Volume

MONITOR = TableMonitor(
    name="aircraft",
    description=__doc__,
    owner="fleet-features@example.com",
    table=TABLE,
    window=timedelta(days=7),
    baseline=Span(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 7, 2, tzinfo=UTC)),
    limits={
        ":table": [Volume(at_least=0.8, at_most=1.25), SchemaChange()],
        "manufacturer": Psi(0.1),
        "seats": Psi(0.1),
        "year_built": [Psi(0.1), NullRate(0.1)],
    },
)
