"""The landed sources: the facts that the design checked on the real data, and the arithmetic of moments."""

import pandas as pd
import pytest

from features.flights import landing
from features.flights.landing import scheduled_arrival

ALL = (landing.FLIGHTS, landing.WEATHER, landing.PLANES, landing.AIRPORTS, landing.AIRLINES)


def moments(*texts):
    return pd.Series(pd.to_datetime(list(texts), utc=True))


def test_all_flights_are_there_and_their_ids_are_unique(real_flights):
    assert len(real_flights) == 336_776
    assert real_flights["flight_id"].is_unique
    assert real_flights["flight_id"].iloc[0] == "UA-1545-20130101T1015"


def test_arrived_less_departed_less_air_time_is_between_5_and_235_minutes_for_all_that_arrived(real_flights):
    arrived = real_flights[real_flights["arrived_at"].notna() & real_flights["air_time_minutes"].notna()]
    on_the_ground = (arrived["arrived_at"] - arrived["departed_at"]).dt.total_seconds() / 60 - arrived[
        "air_time_minutes"
    ]

    assert len(arrived) == 327_346
    assert on_the_ground.between(5, 235).all()


def test_a_flight_has_left_or_was_cancelled_and_only_one_that_arrived_was_late_or_not(real_flights):
    left, cancelled = real_flights["departed_at"].notna(), real_flights["cancelled_at"].notna()
    assert (left ^ cancelled).all()
    assert 0.024 < cancelled.mean() < 0.026
    assert (real_flights.loc[cancelled, "cancelled_at"] == real_flights.loc[cancelled, "scheduled_departure_at"]).all()
    assert (real_flights["is_late"].notna() == real_flights["arrived_at"].notna()).all()
    assert (real_flights["is_late"].dropna() == (real_flights["arrival_delay_minutes"].dropna() > 15)).all()


def test_a_flight_is_decided_two_hours_before_its_schedule(real_flights):
    lead = real_flights["scheduled_departure_at"] - real_flights["decided_at"]
    assert (lead == pd.Timedelta(hours=2)).all()


def test_flights_scheduled_to_arrive_do_so_within_a_day(real_flights):
    minutes = (real_flights["scheduled_arrival_at"] - real_flights["scheduled_departure_at"]).dt.total_seconds() / 60
    assert minutes.notna().all()
    assert minutes.between(1, 1_000).all()


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_landed_column_is_described_and_keys_are_columns(table):
    assert table.owner
    assert all(text.strip() for _, text in table.columns.values())
    assert set(table.keys) <= set(table.columns)


@pytest.mark.parametrize("table", ALL[1:], ids=lambda table: table.name)
def test_the_other_sources_have_their_declared_columns_and_whole_keys(table):
    frame = table.read()
    rows = {"weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
    assert (len(frame), list(frame.columns)) == (rows[table.name], list(table.columns))
    assert frame[list(table.keys)].notna().all(axis=None)
    assert not frame.duplicated(list(table.keys)).any()


def test_a_weather_observation_is_known_one_hour_after_its_hour():
    weather = landing.weather()
    assert (weather["known_at"] - weather["observed_at"] == pd.Timedelta(hours=1)).all()
    assert not weather.duplicated(["origin", "known_at"]).any()


def test_the_four_airports_of_puerto_rico_have_its_time(real_flights):
    zones = landing.time_zones()
    assert {zones[faa] for faa in ("BQN", "PSE", "SJU", "STT")} == {"America/Puerto_Rico"}
    assert set(real_flights["dest"]) <= set(zones)


# ---- scheduled arrival: the first instant after departure at which the destination's clock shows the time


@pytest.mark.parametrize(
    ("departs", "clock", "zone", "arrives"),
    [
        # The same evening, three zones west.
        ("2013-06-01T14:00Z", 1115, "America/Los_Angeles", "2013-06-01T18:15Z"),
        # Past midnight at the destination.
        ("2013-06-02T02:30Z", 14, "America/Chicago", "2013-06-02T05:14Z"),
        ("2013-06-02T02:30Z", 2400, "America/Chicago", "2013-06-02T05:00Z"),
        # Past the destination's midnight when it had not been reached in New York either.
        ("2013-06-01T23:00Z", 5, "America/Puerto_Rico", "2013-06-02T04:05Z"),
        # West of the departure by so much that the clock shows less than at departure.
        ("2013-06-01T10:00Z", 605, "America/New_York", "2013-06-01T10:05Z"),
        ("2013-06-01T10:00Z", 559, "America/New_York", "2013-06-02T09:59Z"),
        # The very minute of departure is not after it.
        ("2013-06-01T10:00Z", 600, "America/New_York", "2013-06-02T10:00Z"),
        # Clocks go forward on 10 March at 2: by 3:30 only half an hour has passed since 1:59.
        ("2013-03-10T05:00Z", 330, "America/New_York", "2013-03-10T07:30Z"),
        ("2013-03-10T05:00Z", 130, "America/New_York", "2013-03-10T06:30Z"),
        # 2:30 does not exist that night: the next one is meant.
        ("2013-03-10T05:00Z", 230, "America/New_York", "2013-03-11T06:30Z"),
        # Clocks go back on 3 November at 2: 1:30 comes twice, and the first after departure counts.
        ("2013-11-03T04:00Z", 130, "America/New_York", "2013-11-03T05:30Z"),
        ("2013-11-03T05:45Z", 130, "America/New_York", "2013-11-03T06:30Z"),
        ("2013-11-03T04:00Z", 230, "America/New_York", "2013-11-03T07:30Z"),
        # Arizona keeps winter time all year; Hawaii is ten hours behind.
        ("2013-07-01T14:00Z", 900, "America/Phoenix", "2013-07-01T16:00Z"),
        ("2013-01-01T14:00Z", 1430, "Pacific/Honolulu", "2013-01-02T00:30Z"),
    ],
)  # fmt: skip
def test_a_scheduled_arrival_is_when_the_clock_first_shows_it(departs, clock, zone, arrives):
    found = scheduled_arrival(moments(departs), pd.Series([clock]), pd.Series([zone]))
    assert found.tolist() == moments(arrives).tolist()


def test_rows_keep_their_order_across_zones():
    found = scheduled_arrival(
        moments("2013-06-01T14:00Z", "2013-06-01T14:00Z", "2013-06-01T14:00Z"),
        pd.Series([1115, 1200, 1115]),
        pd.Series(["America/Los_Angeles", "America/New_York", "America/Los_Angeles"]),
    )
    assert found.tolist() == moments("2013-06-01T18:15Z", "2013-06-01T16:00Z", "2013-06-01T18:15Z").tolist()
