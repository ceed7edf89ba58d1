"""The faults that the proof of the monitors injects do what they say, on a few rows."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import injected

SINCE = datetime(2013, 11, 6, tzinfo=UTC)
HOURS = [SINCE - timedelta(hours=1), SINCE, SINCE + timedelta(days=1), SINCE + timedelta(days=3)]


def weather(origins: list[str], **columns: list[float | None]) -> pl.DataFrame:
    """Observations of four moments: just before, at the beginning, a day and three days later."""
    return pl.DataFrame({"origin": origins, "known_at": HOURS, **columns})


def test_a_stuck_sensor_repeats_its_last_value_for_some_days_and_the_others_go_on() -> None:
    """The last value that is no null counts, and what is null is filled, too."""
    rows = weather(["EWR", "EWR", "EWR", "EWR"], temperature_f=[50.0, 52.0, None, 40.0])
    held = injected.stuck("temperature_f", key="origin", of="EWR", days=2)(rows, SINCE)
    assert held["temperature_f"].to_list() == [50.0, 50.0, 50.0, 40.0]
    others = weather(["EWR", "JFK", "EWR", "JFK"], temperature_f=[50.0, 52.0, 51.0, 40.0])
    held = injected.stuck("temperature_f", key="origin", of="EWR", days=2)(others, SINCE)
    assert held["temperature_f"].to_list() == [50.0, 52.0, 50.0, 40.0]


def test_a_unit_changes_from_the_moment_on_and_nulls_stay() -> None:
    """Degrees, as the fault declares them."""
    rows = weather(["EWR"] * 4, temperature_f=[50.0, 50.0, None, 32.0])
    changed = injected.converted(["temperature_f"], injected.celsius)(rows, SINCE)
    assert changed["temperature_f"].to_list() == [50.0, 10.0, None, 0.0]


def test_a_missing_feed_comes_back() -> None:
    """Rows of three days are gone; the row three days later is the first one again."""
    rows = weather(["EWR"] * 4, temperature_f=[1.0, 2.0, 3.0, 4.0])
    assert injected.missing(3)(rows, SINCE)["temperature_f"].to_list() == [1.0, 4.0]
    others = weather(["EWR", "JFK", "EWR", "EWR"], temperature_f=[1.0, 2.0, 3.0, 4.0])
    assert injected.missing(3, key="origin", of="EWR")(others, SINCE)["temperature_f"].to_list() == [1.0, 2.0, 4.0]


def test_a_slow_drift_grows_from_nothing() -> None:
    """By 0.3 a day."""
    rows = weather(["EWR"] * 4, temperature_f=[50.0, 50.0, 50.0, None])
    moved = injected.creeping("temperature_f", a_day=0.3)(rows, SINCE)
    assert moved["temperature_f"].to_list() == pytest.approx([50.0, 50.0, 50.3, None])


def test_a_text_is_rewritten_for_flights_that_are_decided_since() -> None:
    """A lower-cased origin, a blank after the registration; no registration stays none."""
    rows = pl.DataFrame({"decided_at": HOURS, "origin": ["EWR"] * 4, "tailnum": ["N1", "N1", None, "N2"]})
    lowered = injected.rewritten("origin", lambda code: code.str.to_lowercase())(rows, SINCE)
    assert lowered["origin"].to_list() == ["EWR", "ewr", "ewr", "ewr"]
    blank = injected.rewritten("tailnum", lambda code: code + " ")(rows, SINCE)
    assert blank["tailnum"].to_list() == ["N1", "N1 ", None, "N2 "]


def test_longer_delays_move_all_that_follows_from_them() -> None:
    """Early departures and cancelled flights stay; the arrival is as much later as the departure."""
    rows = pl.DataFrame(
        {
            "scheduled_departure_at": [HOURS[0], HOURS[2], HOURS[2], HOURS[2]],
            "departed_at": [HOURS[0], HOURS[2] + timedelta(minutes=100), HOURS[2] - timedelta(minutes=5), None],
            "arrived_at": [HOURS[0], HOURS[2] + timedelta(minutes=200), HOURS[2], None],
            "departure_delay_minutes": [100.0, 100.0, -5.0, None],
            "arrival_delay_minutes": [14.0, 14.0, -9.0, None],
            "is_late": [False, False, False, None],
            "punctuality": ["on time", "on time", "early", None],
        }
    )
    expected = rows.with_columns(
        pl.Series("departed_at", [HOURS[0], HOURS[2] + timedelta(minutes=102), HOURS[2] - timedelta(minutes=5), None]),
        pl.Series("arrived_at", [HOURS[0], HOURS[2] + timedelta(minutes=202), HOURS[2], None]),
        pl.Series("departure_delay_minutes", [100.0, 102.0, -5.0, None]),
        pl.Series("arrival_delay_minutes", [14.0, 16.0, -9.0, None]),
        pl.Series("is_late", [False, True, False, None]),
        pl.Series("punctuality", ["on time", "late", "early", None]),
    )
    assert_frame_equal(injected.later_and_later(a_day=0.02)(rows, SINCE), expected)


def test_each_fault_has_a_name_of_its_own_and_says_where_it_shows() -> None:
    """What the table of the proof is made of."""
    assert len({fault.name for fault in injected.FAULTS}) == len(injected.FAULTS)
    assert all(fault.tables and fault.columns and fault.said for fault in injected.FAULTS)
