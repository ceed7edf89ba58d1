"""Aggregated features on a grid of moments: what a published table is made of."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from feature_store import Misuse, Source
from feature_store.aggregation import (
    Aggregates,
    AggregationFunction,
    Avg,
    Count,
    DerivedSource,
    Feature,
    Last,
    RollingWindow,
    Sum,
    TumblingWindow,
    VarPop,
)
from tests.frames import assert_df_equality

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVENTS = "origin string, known_at timestamp, flights int, delay double"
SOURCE = Source(
    name="departures",
    description="Departures",
    table="flights",
    columns=["origin", "flights", "delay"],
    known_at="left_at",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2013-06-01T{text}").replace(tzinfo=UTC)


def feature(name, operator, window, **facts):
    function = AggregationFunction(operator, window)
    return Feature(**{"source": SOURCE, "entity": ["origin"], "name": name, "function": function} | facts)


def rolling(hours, delay=None):
    return RollingWindow(window_duration=hours * HOUR, delay=delay)


HOURLY = Aggregates(
    every=HOUR,
    features=[
        feature("flights_1h", Count("flights"), rolling(1), description="Departures in the last hour"),
        feature("flights_2h", Sum("flights"), rolling(2)),
        feature("mean_delay_2h", Avg("delay"), rolling(2)),
    ],
)
ROLLED = "origin string, known_at timestamp, flights_1h bigint, flights_2h bigint, mean_delay_2h double"


def assert_rolls(frame, events, expected):
    computed = HOURLY.compute(frame(events, EVENTS))
    assert_df_equality(computed, frame(expected, ROLLED), ignore_row_order=True, ignore_nullable=True)


def test_a_row_covers_what_was_known_before_it_and_the_last_one_says_nothing_lately(frame):
    assert_rolls(
        frame,
        [("JFK", at("08:00"), 1, 10.0), ("JFK", at("08:00:00.000001"), 1, 30.0), ("JFK", at("08:59"), 1, None)],
        [
            ("JFK", at("09:00"), 3, 3, 20.0),  # from 08:00 on; a null is no delay: the mean is over two
            ("JFK", at("10:00"), 0, 3, 20.0),
            ("JFK", at("11:00"), 0, None, None),  # the dry row, so that no lookup finds 20.0 for ever
        ],
    )


def test_an_event_at_a_moment_of_the_grid_counts_from_the_next_moment_on(frame):
    assert_rolls(
        frame,
        [("JFK", at("08:59:59.999999"), 1, 1.0), ("JFK", at("09:00"), 1, 3.0)],
        [
            ("JFK", at("09:00"), 1, 1, 1.0),
            ("JFK", at("10:00"), 1, 2, 2.0),
            ("JFK", at("11:00"), 0, 1, 3.0),
            ("JFK", at("12:00"), 0, None, None),
        ],
    )


def test_the_grid_has_no_hole_between_two_events_and_one_end_after_a_long_silence(frame):
    assert_rolls(
        frame,
        [
            ("JFK", at("00:30"), 1, 5.0),
            ("JFK", at("02:30"), 1, 7.0),
            ("JFK", at("19:00"), 1, 9.0),
            ("LGA", at("00:59"), 1, None),
            (None, at("00:59"), 1, 1.0),
        ],
        [
            ("JFK", at("01:00"), 1, 1, 5.0),
            ("JFK", at("02:00"), 0, 1, 5.0),
            ("JFK", at("03:00"), 1, 1, 7.0),
            ("JFK", at("04:00"), 0, 1, 7.0),
            ("JFK", at("05:00"), 0, None, None),
            ("JFK", at("20:00"), 1, 1, 9.0),
            ("JFK", at("21:00"), 0, 1, 9.0),
            ("JFK", at("22:00"), 0, None, None),
            ("LGA", at("01:00"), 1, 1, None),
            ("LGA", at("02:00"), 0, 1, None),
            ("LGA", at("03:00"), 0, None, None),
        ],
    )


def test_no_events_give_no_rows(frame):
    assert_rolls(frame, [], [])


def test_a_delayed_and_a_tumbling_window_run_dry_too(frame):
    aggregates = Aggregates(
        every=HOUR,
        features=[
            feature("delayed", Sum("flights"), rolling(1, delay=HOUR)),
            feature("tumbling", Sum("flights"), TumblingWindow(window_duration=2 * HOUR)),
        ],
    )
    assert_df_equality(
        aggregates.compute(frame([("JFK", at("08:10"), 1, None)], EVENTS)),
        frame(
            [
                ("JFK", at("09:00"), None, None),
                ("JFK", at("10:00"), 1, 1),
                ("JFK", at("11:00"), None, 1),
                ("JFK", at("12:00"), None, None),  # dry
                ("JFK", at("13:00"), None, None),  # and dry for an event at 08:59 of a window from 07:00 on, too
            ],
            "origin string, known_at timestamp, delayed bigint, tumbling bigint",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


THIRDS = [
    ("JFK", at(text), 1, 10.0**number / 3)
    for number, text in enumerate(
        ["03:29", "03:31", "03:31", "04:30", "05:00", "05:00", "05:01", "06:00", "06:31", "07:00"]
    )
]


@pytest.mark.parametrize(
    "aggregates",
    [
        HOURLY,
        Aggregates(every=HOUR, features=[*HOURLY.features, feature("variance", VarPop("delay"), rolling(2))]),
        Aggregates(every=HOUR, features=[feature("odd", Sum("delay"), RollingWindow(window_duration=100 * MINUTE))]),
        Aggregates(every=HOUR, features=[feature("late", Last("delay"), rolling(1, delay=30 * MINUTE))]),
        Aggregates(every=30 * MINUTE, features=[feature("b", Avg("delay"), TumblingWindow(window_duration=HOUR))]),
    ],
    ids=["whole steps", "of events", "no whole steps", "delayed", "tumbling"],
)
def test_rows_do_not_depend_on_how_far_back_beyond_the_lookback_and_in_what_order_events_are_read(frame, aggregates):
    def rows(events, start):
        computed = aggregates.compute(frame(events, EVENTS).repartition(3))
        return sorted(tuple(row) for row in computed.where(F.col("known_at") >= F.lit(start)).collect())

    for start in (at("06:30"), at("07:00"), at("08:00:00.000001")):
        everything = rows(THIRDS, start)
        enough = rows([event for event in THIRDS[::-1] if event[1] >= start - aggregates.lookback], start)
        assert enough == everything
        assert everything


def test_the_lookback_is_needed_to_the_last_step(frame):
    start = at("11:00")
    events = [("JFK", at("08:00"), 1, 1.0)]
    assert HOURLY.lookback == 3 * HOUR
    assert HOURLY.compute(frame(events, EVENTS)).where(F.col("known_at") >= F.lit(start)).count() == 1  # the dry row


def test_a_derived_source_is_made_of_its_sources_in_their_order(frame):
    stayed = Source(name="cancelled", description="Cancelled", table="flights", columns=["origin"], known_at="due_at")
    derived = DerivedSource(
        name="movements",
        description="Both",
        sources=[SOURCE, stayed],
        columns=["origin", "delay", "is_cancelled"],
        derive=lambda left, cancelled: left.select(
            "origin", "known_at", "delay", F.lit(False).alias("is_cancelled")
        ).unionByName(cancelled.withColumn("is_cancelled", F.lit(True)), allowMissingColumns=True),
    )
    cancelled = feature(
        "cancellations_1h", Count("is_cancelled"), rolling(1), source=derived, filter_condition="is_cancelled"
    )
    aggregates = Aggregates(every=HOUR, features=[cancelled])

    computed = aggregates.compute(
        frame([("JFK", at("08:10"), 1, 10.0)], EVENTS),
        frame([("JFK", at("08:20"))], "origin string, known_at timestamp"),
    )

    assert aggregates.sources == [SOURCE, stayed]
    assert [(row.known_at.hour, row.cancellations_1h) for row in computed.orderBy("known_at").collect()] == [
        (9, 1),
        (10, 0),
    ]


def test_descriptions_are_the_features_of_a_feature_table():
    assert HOURLY.descriptions == {
        "flights_1h": "Departures in the last hour", "flights_2h": "", "mean_delay_2h": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("features", "every", "text"),
    [
        ([], HOUR, "There are no features to aggregate"),
        ([feature("a", Count("delay"), rolling(1))], 0 * HOUR, "every must be longer than nothing"),
        ([feature("a", Count("delay"), rolling(1)), feature("A", Sum("delay"), rolling(1))], HOUR, "same name: A, a"),
        (
            [feature("a", Count("delay"), rolling(1)), feature("b", Sum("delay"), rolling(1), entity=["flights"])],
            HOUR,
            "'a' and 'b' differ in source or entity: departures by origin, and departures by flights",
        ),
    ],
)
def test_features_that_cannot_stand_in_one_table_are_refused(features, every, text):
    with pytest.raises(Misuse, match=text):
        Aggregates(every=every, features=features)
