"""Faults that happen to real feeds, as pure functions of a landed table: rows before ``since`` stay as they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

Injection = Callable[[pl.DataFrame, datetime], pl.DataFrame]

LATE_AFTER_MINUTES = 15
MILES_IN_KM, MPH_IN_METRES_A_SECOND, MILLIBARS_IN_INCHES = 1.609344, 0.44704, 0.02953


def stuck(column: str, *, key: str, of: str, days: int) -> Injection:
    """One key's sensor repeats, for so many days, the last value that it had."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        own = rows.filter((pl.col(key) == of) & (pl.col("known_at") < since) & pl.col(column).is_not_null())
        last = own.sort("known_at")[column].last()
        held = (pl.col(key) == of) & pl.col("known_at").is_between(since, since + timedelta(days=days), closed="left")
        return rows.with_columns(pl.when(held).then(pl.lit(last)).otherwise(column).alias(column))

    return inject


def converted(columns: Sequence[str], unit: Callable[[pl.Expr], pl.Expr]) -> Injection:
    """The columns come in another unit."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        late = pl.col("known_at") >= since
        return rows.with_columns(pl.when(late).then(unit(pl.col(name))).otherwise(name).alias(name) for name in columns)

    return inject


def missing(days: int, *, key: str = "", of: str = "") -> Injection:
    """No rows arrive for so many days; with ``key``, none ``of`` one of its values."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        gone = pl.col("known_at").is_between(since, since + timedelta(days=days), closed="left")
        return rows.filter(~(gone & (pl.col(key) == of) if key else gone))

    return inject


def creeping(column: str, *, a_day: float) -> Injection:
    """The values move by so much more each day, from nothing on."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        days = pl.max_horizontal((pl.col("known_at") - since).dt.total_seconds() / 86400, pl.lit(0.0))
        return rows.with_columns((pl.col(column) + days * a_day).alias(column))

    return inject


def rewritten(column: str, change: Callable[[pl.Expr], pl.Expr]) -> Injection:
    """A text of flights is written in another way: for flights that are scored from then on."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        late = pl.col("decided_at") >= since
        return rows.with_columns(pl.when(late).then(change(pl.col(column))).otherwise(column).alias(column))

    return inject


def later_and_later(*, a_day: float) -> Injection:
    """Departure delays grow by this part each day; the flight arrives so much later, too."""

    def inject(rows: pl.DataFrame, since: datetime) -> pl.DataFrame:
        days = (pl.col("scheduled_departure_at") - since).dt.total_seconds() / 86400
        growth = pl.lit(1 + a_day).pow(pl.max_horizontal(days, pl.lit(0.0))) - 1
        more = pl.max_horizontal(pl.col("departure_delay_minutes"), pl.lit(0.0)) * growth
        more = pl.when(pl.col("departure_delay_minutes").is_not_null()).then(more.round(0)).otherwise(0.0)
        moved = (more * 60_000_000).cast(pl.Duration("us"))
        delay = pl.col("arrival_delay_minutes") + more
        words = (
            pl.when(delay <= 0)
            .then(pl.lit("early"))
            .when(delay <= LATE_AFTER_MINUTES)
            .then(pl.lit("on time"))
            .when(delay <= 60)
            .then(pl.lit("late"))
            .when(delay.is_not_null())
            .then(pl.lit("very late"))
        )
        return rows.with_columns(
            (pl.col("departed_at") + moved).alias("departed_at"),
            (pl.col("arrived_at") + moved).alias("arrived_at"),
            (pl.col("departure_delay_minutes") + more).alias("departure_delay_minutes"),
            delay.alias("arrival_delay_minutes"),
            (delay > LATE_AFTER_MINUTES).alias("is_late"),
            words.alias("punctuality"),
        )

    return inject


def celsius(fahrenheit: pl.Expr) -> pl.Expr:
    """Degrees Celsius."""
    return (fahrenheit - 32) / 1.8


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong with the landed ``table``.

    ``published`` are the feature tables that are made of it night by night; all others stay as the year left them.
    ``tables`` are the feature tables that show it, ``columns`` those in which it shows (or ``:table``): an alert on any other
    column or table is collateral. ``measures`` are the monitor's own measures that are about it.
    """

    name: str
    said: str
    table: str
    inject: Injection
    tables: Sequence[str]
    columns: Sequence[str]
    measures: Sequence[str] = ()
    published: Sequence[str] = ("airport_weather",)

    @property
    def is_weather(self) -> bool:
        """Whether only the weather, and what is looked up from it, can be touched."""
        return self.table == "weather"


_WEATHER = ["airport_weather"]
_DELAYS = ["origin_congestion", "carrier_at_origin", "carrier_punctuality", "route_punctuality",
           "destination_congestion", "aircraft_day"]  # fmt: skip
_OF_AIR = ["humidity_gap_percent", "temperature_range_f"]

FAULTS = [
    Fault(
        name="stuck sensor", said="temperature of EWR repeats one value for 10 days", table="weather",
        inject=stuck("temperature_f", key="origin", of="EWR", days=10),
        tables=_WEATHER, columns=["temperature_f"], measures=_OF_AIR,
    ),
    Fault(
        name="unit: temperature", said="temperature in degrees Celsius, all airports", table="weather",
        inject=converted(["temperature_f"], celsius),
        tables=_WEATHER, columns=["temperature_f"], measures=_OF_AIR,
    ),
    Fault(
        name="unit: visibility", said="visibility in kilometres, all airports", table="weather",
        inject=converted(["visibility_miles"], lambda miles: miles * MILES_IN_KM),
        tables=_WEATHER, columns=["visibility_miles"], measures=["visibilities_beyond_range"],
    ),
    Fault(
        name="unit: wind", said="wind and gusts in metres a second, all airports", table="weather",
        inject=converted(["wind_speed_mph", "wind_gust_mph"], lambda mph: mph * MPH_IN_METRES_A_SECOND),
        tables=_WEATHER, columns=["wind_speed_mph", "wind_gust_mph"], measures=["gusts_too_weak"],
    ),
    Fault(
        name="feed missing", said="no weather rows for three days", table="weather", inject=missing(3),
        tables=_WEATHER, columns=[":table", "temperature_f", "dew_point_f", "humidity_percent", "wind_speed_mph",
                                  "wind_direction_degrees", "pressure_millibars", "precipitation_inches",
                                  "visibility_miles"],
    ),
    Fault(
        name="airport missing", said="no weather rows of LGA for three days", table="weather",
        inject=missing(3, key="origin", of="LGA"),
        tables=_WEATHER, columns=[":table", "temperature_f", "dew_point_f", "humidity_percent", "wind_speed_mph",
                                  "wind_direction_degrees", "pressure_millibars", "precipitation_inches",
                                  "visibility_miles"],
    ),
    Fault(
        name="slow drift: temperature", said="temperature 0.3 °F higher each day, all airports", table="weather",
        inject=creeping("temperature_f", a_day=0.3),
        tables=_WEATHER, columns=["temperature_f"], measures=_OF_AIR,
    ),
    Fault(
        name="carrier renamed", said="US is called UX in the schedule", table="flights",
        inject=rewritten("carrier", lambda code: code.replace("US", "UX")),
        tables=["carrier_at_origin", "carrier_punctuality", ""], columns=["carrier"], measures=["unknown_carriers"],
        published=["carrier_at_origin", "carrier_punctuality"],
    ),
    Fault(
        name="small carrier renamed", said="FL (1 % of flights) is called TZ in the schedule", table="flights",
        inject=rewritten("carrier", lambda code: code.replace("FL", "TZ")),
        tables=["carrier_at_origin", "carrier_punctuality", ""], columns=["carrier"], measures=["unknown_carriers"],
        published=["carrier_at_origin", "carrier_punctuality"],
    ),
    Fault(
        name="key: origin", said="origins in lower case: weather and congestion are not found", table="flights",
        inject=rewritten("origin", lambda code: code.str.to_lowercase()),
        tables=["airport_weather", "origin_congestion", "carrier_at_origin", "route_punctuality", ""],
        columns=["origin"], measures=["unknown_origins"],
        published=["origin_congestion", "carrier_at_origin", "route_punctuality"],
    ),
    Fault(
        name="key: tailnum", said="registrations with a blank at the end: aircraft are not found", table="flights",
        inject=rewritten("tailnum", lambda code: code + " "),
        tables=["aircraft", "aircraft_day", ""], columns=["tailnum", "year_built", "seats", "engines", "manufacturer"],
        measures=["malformed_tailnums"],
        published=["aircraft_day"],
    ),
    Fault(
        name="slow drift: delays", said="departure delays 2 % longer each day", table="flights",
        inject=later_and_later(a_day=0.02),
        tables=_DELAYS, columns=["prediction"], measures=["share_called_late"],
        published=_DELAYS,
    ),
]  # fmt: skip
