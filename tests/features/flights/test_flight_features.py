"""What each feature table computes, on rows that can be checked by eye."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import functions as F

import features
from feature_store import FeatureTable
from feature_store.discovery import discover
from features.flights import (
    aircraft,
    aircraft_day,
    airport,
    airport_weather,
    carrier_at_origin,
    carrier_punctuality,
    destination_congestion,
    flight_schedule,
    origin_congestion,
    route_punctuality,
)
from tests.frames import assert_df_equality

TABLES = {table.name: table for table in discover(features, FeatureTable).of_schema("flights")}
DEPARTURE = (
    "tailnum string, carrier string, origin string, dest string, known_at timestamp, departure_delay_minutes double"
)
ARRIVAL = "flight_id string, tailnum string, carrier string, origin string, dest string, known_at timestamp, arrival_delay_minutes double, is_late boolean"
CANCELLATION = "carrier string, origin string, known_at timestamp"


def at(text: str, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2013-06-{day:02}T{text}").replace(tzinfo=UTC)


def left(when, delay, *, tailnum="N1", carrier="B6", origin="JFK"):
    return (tailnum, carrier, origin, "LAX", when, delay)


def landed(when, delay, *, tailnum="N1", carrier="B6", origin="JFK", dest="LAX"):
    return ("B6-1", tailnum, carrier, origin, dest, when, delay, None if delay is None else delay > 15)


@pytest.fixture
def assert_rows(frame):
    def compare(actual, rows, schema):
        assert_df_equality(actual, frame(rows, schema), ignore_row_order=True, ignore_nullable=True)

    return compare


def values(computed, moment):
    """The features of the only key at ``moment``."""
    (row,) = computed.where(F.col("known_at") == F.lit(moment)).collect()
    return tuple(row)[list(computed.columns).index("known_at") + 1 :]


def test_all_tables_are_found():
    assert len(TABLES) >= 10
    assert set(TABLES) >= {
        "airport_weather",
        "origin_congestion",
        "destination_congestion",
        "aircraft",
        "aircraft_day",
        "airport",
    }


def test_origin_congestion_counts_departures_and_cancellations_as_they_become_known(frame, assert_rows):
    computed = origin_congestion.compute(
        frame(
            [
                left(at("08:10"), 30.0),
                left(at("09:00"), -5.0),
                left(at("09:00:00.000001"), 16.0),
                left(at("12:30"), 0.0, origin="EWR"),
            ],
            DEPARTURE,
        ),
        frame([("B6", "JFK", at("09:30"))], CANCELLATION),
    )
    jfk = computed.where("origin = 'JFK'")

    assert_rows(
        jfk.where("known_at <= '2013-06-01 10:00'"),
        [
            ("JFK", at("09:00"), 1, 30.0, 1, 30.0, 1.0, 0),  # what becomes known at 09:00 itself does not count yet
            ("JFK", at("10:00"), 2, 5.5, 3, 41 / 3, 2 / 3, 1),
        ],
        "origin string, known_at timestamp, departures_1h long, mean_departure_delay_minutes_1h double, departures_3h long, "
        "mean_departure_delay_minutes_3h double, share_departed_late_3h double, cancellations_3h long",
    )
    assert values(jfk, at("13:00")) == (0, None, 0, None, None, 0)
    assert jfk.where("known_at > '2013-06-01 13:00'").isEmpty()


def test_origin_congestion_knows_an_airport_that_only_cancels(frame):
    computed = origin_congestion.compute(frame([], DEPARTURE), frame([("B6", "JFK", at("09:30"))], CANCELLATION))
    assert values(computed, at("10:00")) == (0, None, 0, None, None, 1)


def test_carrier_at_origin_tells_carriers_and_airports_apart(frame, assert_rows):
    computed = carrier_at_origin.compute(
        frame(
            [
                left(at("08:10"), 30.0),
                left(at("08:20"), 10.0),
                left(at("08:30"), 99.0, carrier="AA"),
                left(at("08:30"), 77.0, origin="EWR"),
            ],
            DEPARTURE,
        ),
        frame([("B6", "JFK", at("08:40")), ("AA", "JFK", at("08:50"))], CANCELLATION),
    )
    assert_rows(
        computed.where("known_at = '2013-06-01 09:00'"),
        [
            ("JFK", "B6", at("09:00"), 20.0, 20.0, 1),
            ("JFK", "AA", at("09:00"), 99.0, 99.0, 1),
            ("EWR", "B6", at("09:00"), 77.0, 77.0, 0),
        ],
        "origin string, carrier string, known_at timestamp, carrier_mean_departure_delay_minutes_3h double, "
        "carrier_mean_departure_delay_minutes_12h double, carrier_cancellations_12h long",
    )


def test_destination_congestion_is_of_the_flights_that_have_arrived(frame):
    computed = destination_congestion.compute(
        frame([landed(at("08:10"), 30.0), landed(at("11:00"), -10.0), landed(at("08:30"), 5.0, dest="BOS")], ARRIVAL)
    )
    lax = computed.where("dest = 'LAX'")
    assert values(lax, at("09:00")) == (1, 30.0)
    assert values(lax, at("14:00")) == (2, 10.0)
    assert values(lax, at("15:00")) == (1, -10.0)


def test_carrier_punctuality_looks_back_six_hours_a_day_and_a_week(frame):
    computed = carrier_punctuality.compute(
        frame([landed(at("00:30"), 60.0), landed(at("22:00"), 0.0), landed(at("22:10"), 15.0, carrier="AA")], ARRIVAL)
    )
    b6 = computed.where("carrier = 'B6'")
    assert values(b6, at("22:00")) == (None, 1, 60.0, 1.0, 1, 60.0, 1.0)
    assert values(b6, at("23:00")) == (0.0, 2, 30.0, 0.5, 2, 30.0, 0.5)
    assert values(b6, at("01:00", day=2)) == (0.0, 1, 0.0, 0.0, 2, 30.0, 0.5)
    assert values(b6, at("22:00", day=8)) == (None, 0, None, None, 1, 0.0, 0.0)
    assert values(b6, at("23:00", day=8)) == (None, 0, None, None, 0, None, None)


def test_route_punctuality_is_by_the_day_and_by_both_ends(frame, assert_rows):
    computed = route_punctuality.compute(
        frame([landed(at("08:10"), 16.0), landed(at("09:10"), 15.0), landed(at("08:10"), 99.0, origin="EWR")], ARRIVAL)
    )
    assert_rows(
        computed.where("known_at = '2013-06-02'"),
        [("JFK", "LAX", at("00:00", day=2), 2, 15.5, 0.5), ("EWR", "LAX", at("00:00", day=2), 1, 99.0, 1.0)],
        "origin string, dest string, known_at timestamp, route_arrivals_28d long, route_mean_arrival_delay_minutes_28d double, route_share_late_28d double",
    )


AIRCRAFT_DAY = (
    "tailnum string, known_at timestamp, previous_departure_delay_minutes double, previous_departed_at timestamp, "
    "previous_arrival_delay_minutes double, previous_arrived_at timestamp, aircraft_departures_24h long"
)


def test_aircraft_day_has_a_row_for_each_event_of_the_aircraft_and_forgets_after_a_day(frame, assert_rows):
    departures = [
        left(at("08:00"), 20.0),
        left(at("18:00"), -3.0),
        left(at("07:59", day=2), 5.0),
        left(at("08:00", day=2), 6.0),
        left(at("08:00"), 1.0, tailnum=None),
    ]
    arrivals = [landed(at("13:00"), 40.0), landed(at("13:00"), 9.0, tailnum=None)]

    assert_rows(
        aircraft_day.compute(frame(departures, DEPARTURE), frame(arrivals, ARRIVAL)),
        [
            ("N1", at("08:00"), 20.0, at("08:00"), None, None, 1),
            ("N1", at("13:00"), 20.0, at("08:00"), 40.0, at("13:00"), 1),
            ("N1", at("18:00"), -3.0, at("18:00"), 40.0, at("13:00"), 2),
            ("N1", at("07:59", day=2), 5.0, at("07:59", day=2), 40.0, at("13:00"), 3),
            # The departure of 08:00 the day before is exactly a day old, and no longer counts.
            ("N1", at("08:00", day=2), 6.0, at("08:00", day=2), 40.0, at("13:00"), 3),
        ],
        AIRCRAFT_DAY,
    )


def test_aircraft_day_makes_one_row_of_two_events_at_the_same_moment(frame, assert_rows):
    departures = [left(at("08:00"), 20.0), left(at("08:00"), 30.0)]
    assert_rows(
        aircraft_day.compute(frame(departures, DEPARTURE), frame([landed(at("08:00"), 7.0)], ARRIVAL)),
        [("N1", at("08:00"), 30.0, at("08:00"), 7.0, at("08:00"), 2)],
        AIRCRAFT_DAY,
    )


def test_airport_weather_is_the_observation_at_the_moment_it_was_known(assert_rows, frame):
    readings = "origin string, known_at timestamp, " + ", ".join(f"{name} double" for name in airport_weather.FEATURES)
    observation = ("JFK", at("08:00"), 70.0, *[None] * (len(airport_weather.FEATURES) - 1))
    assert_rows(airport_weather.compute(frame([observation], readings)), [observation], readings)


def test_flight_schedule_tells_the_hour_and_weekday_of_new_york_and_how_busy_the_hour_is(frame, assert_rows):
    schedule = frame(
        [
            ("summer", "JFK", at("14:30"), at("20:00"), 2475),  # 10:30 in New York, a Saturday
            ("same hour", "JFK", at("14:59"), at("15:59"), 187),
            ("another airport", "LGA", at("14:30"), at("15:00"), 187),
            ("sunday there", "JFK", at("03:00", day=2), at("04:00", day=2), 187),  # 23:00 on Saturday in New York
            ("winter", "JFK", datetime(2013, 1, 1, 14, 30, tzinfo=UTC), datetime(2013, 1, 1, 15, 30, tzinfo=UTC), 187),
        ],
        "flight_id string, origin string, scheduled_departure_at timestamp, scheduled_arrival_at timestamp, distance_miles long",
    )
    assert_rows(
        flight_schedule.compute(schedule),
        [
            ("summer", 10.5, 7.0, 330.0, 2475.0, 2.0),
            ("same hour", 10 + 59 / 60, 7.0, 60.0, 187.0, 2.0),
            ("another airport", 10.5, 7.0, 30.0, 187.0, 1.0),
            ("sunday there", 23.0, 7.0, 60.0, 187.0, 1.0),
            ("winter", 9.5, 3.0, 60.0, 187.0, 1.0),
        ],
        "flight_id string, departure_hour double, departure_weekday double, scheduled_minutes double, distance_miles double, departures_scheduled_in_hour double",
    )


def test_aircraft_and_airport_are_facts_as_they_were_registered(frame, assert_rows):
    register = frame(
        [("N1", 2004.0, 2, 182, "BOEING"), ("N2", None, 1, 4, None)],
        "tailnum string, year_built double, engines long, seats long, manufacturer string",
    )
    assert_rows(
        aircraft.compute(register),
        [("N1", 2004.0, 182.0, 2.0, "BOEING"), ("N2", None, 4.0, 1.0, None)],
        "tailnum string, year_built double, seats double, engines double, manufacturer string",
    )
    airports = frame(
        [("JFK", 40.6, -73.8, 13, -5.0)],
        "faa string, latitude double, longitude double, altitude_feet long, utc_offset_hours double",
    )
    assert_rows(
        airport.compute(airports),
        [("JFK", 40.6, -73.8, 13.0, -5.0)],
        "faa string, latitude double, longitude double, altitude_feet double, utc_offset_hours double",
    )


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_table_computes_exactly_its_declared_columns_from_its_sources_and_reads_far_enough_back(spark, table):
    from features.flights import landing

    landings = {one.name: one for one in vars(landing).values() if isinstance(one, landing.LandedTable)}
    empty = []
    for source in table.sources:
        df = spark.createDataFrame([], landings[source.table].schema)
        known = [df[source.known_at].alias("known_at")] if source.known_at else []
        empty.append(df.select(*(name for name in source.columns if name != "known_at"), *known))

    computed = table.compute(*empty)

    table.check_columns(computed.columns)
    assert computed.select(*table.columns).count() == 0
    assert table.timeseries_column in (None, "known_at")
    assert table.lookback >= timedelta(0)
