"""Rolling sums and means on a grid of moments."""

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from feature_store import Misuse
from features.rolling import Mean, Total, lookback, rolling

HOUR = timedelta(hours=1)
EVENTS = "origin string, known_at timestamp, flights int, delay double"
ROLLED = "origin string, known_at timestamp, flights_1h double, flights_2h double, mean_delay_2h double"
FEATURES = {
    "flights_1h": Total("flights", HOUR),
    "flights_2h": Total("flights", 2 * HOUR),
    "mean_delay_2h": Mean("delay", 2 * HOUR),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2013-06-01T{text}").replace(tzinfo=UTC)


def assert_rolls(frame, events, expected):
    rolled = rolling(frame(events, EVENTS), keys=["origin"], every=HOUR, features=FEATURES)
    assert_df_equality(rolled, frame(expected, ROLLED), ignore_row_order=True, ignore_nullable=True)


def test_a_row_covers_what_was_known_in_the_window_up_to_it_and_the_last_one_says_nothing_lately(frame):
    assert_rolls(
        frame,
        [("JFK", at("08:00"), 1, 10.0), ("JFK", at("08:00:00.000001"), 1, 30.0), ("JFK", at("08:59"), 1, None)],
        [
            ("JFK", at("08:00"), 1.0, 1.0, 10.0),  # an event at the very moment counts
            ("JFK", at("09:00"), 2.0, 3.0, 20.0),  # a null is no delay; the mean is over two
            ("JFK", at("10:00"), 0.0, 2.0, 30.0),  # (08:00, 10:00]: the event of 08:00 has left
            ("JFK", at("11:00"), 0.0, 0.0, None),  # the dry row, so that no lookup finds 30.0 for ever
        ],
    )


def test_the_grid_has_no_hole_between_two_events_and_one_end_after_a_long_silence(frame):
    assert_rolls(
        frame,
        [
            ("JFK", at("01:00"), 1, 5.0),
            ("JFK", at("03:30"), 1, 7.0),
            ("JFK", at("20:00"), 1, 9.0),
            ("LGA", at("01:00"), 1, None),
        ],
        [
            ("JFK", at("01:00"), 1.0, 1.0, 5.0),
            ("JFK", at("02:00"), 0.0, 1.0, 5.0),
            ("JFK", at("03:00"), 0.0, 0.0, None),
            ("JFK", at("04:00"), 1.0, 1.0, 7.0),
            ("JFK", at("05:00"), 0.0, 1.0, 7.0),
            ("JFK", at("06:00"), 0.0, 0.0, None),
            ("JFK", at("20:00"), 1.0, 1.0, 9.0),
            ("JFK", at("21:00"), 0.0, 1.0, 9.0),
            ("JFK", at("22:00"), 0.0, 0.0, None),
            ("LGA", at("01:00"), 1.0, 1.0, None),
            ("LGA", at("02:00"), 0.0, 1.0, None),
            ("LGA", at("03:00"), 0.0, 0.0, None),
        ],
    )


def test_no_events_give_no_rows(frame):
    assert_rolls(frame, [], [])


def test_rows_do_not_depend_on_how_far_back_events_are_read_beyond_the_lookback(frame):
    start = at("06:30")
    events = [
        ("JFK", at(text), 1, float(number))
        for number, text in enumerate(["03:29", "03:31", "04:30", "05:00", "05:01", "06:31", "07:00"])
    ]

    def rows_from(first):
        read = frame([event for event in events if event[1] >= first], EVENTS)
        rolled = rolling(read, keys=["origin"], every=HOUR, features=FEATURES)
        return sorted(tuple(row) for row in rolled.where(F.col("known_at") >= F.lit(start)).collect())

    assert rows_from(start - lookback(2 * HOUR, every=HOUR)) == rows_from(at("00:00"))


def test_a_window_that_is_no_whole_number_of_steps_is_refused(frame):
    events = frame([], EVENTS)
    with pytest.raises(Misuse, match="'odd': its window of 1:30:00 is not a whole number of steps of 1:00:00"):
        rolling(events, keys=["origin"], every=HOUR, features={"odd": Total("flights", 1.5 * HOUR)})
