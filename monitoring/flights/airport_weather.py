"""Does the weather of all three airports still arrive, on time and in the same shape and units?"""

from datetime import UTC, datetime, timedelta

from features.flights.airport_weather import TABLE
from monitoring.limits import Automatic, MeanShift, NullRate, Severity
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import Custom, Freshness, SchemaChange, Volume

# By the Magnus formula relative humidity follows from temperature and dew point, each 17.625 c / (243.04 + c) in the exponent.
_EXPONENT = "17.625 * ({0} - 32) / 1.8 / (243.04 + ({0} - 32) / 1.8)"
_HUMIDITY = f"100 * exp({_EXPONENT.format('dew_point_f')} - {_EXPONENT.format('temperature_f')})"

MONITOR = TableMonitor(
    name="airport_weather",
    description=__doc__,
    owner="weather-features@example.com",
    table=TABLE,
    window=timedelta(days=1),
    baseline=Span(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC)),
    slices=["origin"],
    # Weather varies so much from day to day that its distribution says little of a sensor. What weather services check
    # instead: does it move at all, does it agree with the others, can it be so? Values of 2013 are in the comments.
    measures={
        "temperature_range_f": "max(temperature_f) - min(temperature_f)",
        "wind_range_mph": "max(wind_speed_mph) - min(wind_speed_mph)",
        "humidity_gap_percent": f"avg(abs(humidity_percent - {_HUMIDITY}))",
        "visibilities_beyond_range": "count_if(visibility_miles > 10)",
        "gusts_too_weak": "count_if(wind_gust_mph < 16)",
    },
    limits={
        # An hour of three airports is three rows: a day has 72.
        ":table": [
            Volume(at_least=0.7, at_most=1.3),
            Volume(at_least=0.5, by="origin"),
            Freshness(timedelta(hours=6), severity=Severity.CRITICAL),
            SchemaChange(ignoring=["wind_gust_mph"]),  # there are none on a calm day
            Custom("temperature_range_f", at_least=1.0, by="origin", values="positive"),  # never below 2.5
            Custom("wind_range_mph", at_least=0.5, by="origin", values="positive"),
            Custom(  # never above 2.2
                "humidity_gap_percent", at_most=3.0, by="origin", values="positive", severity=Severity.CRITICAL
            ),
            Custom("visibilities_beyond_range", at_most=0),  # the instruments say 10 miles at most
            Custom("gusts_too_weak", at_most=0),  # gusts are reported from 14 knots on, which is 16.1 miles per hour
        ],
        "temperature_f": [MeanShift(3.0), NullRate(0.2)],
        "pressure_millibars": MeanShift(4.0),
        # A day without gusts is a calm day.
        "wind_gust_mph": NullRate(1.0),
        "*": NullRate(Automatic(no_tighter_than=0.05)),
    },
    # An airport's day has 24 rows, and 19 when the clocks change or a few are lost.
    minimum_rows=18,
)
