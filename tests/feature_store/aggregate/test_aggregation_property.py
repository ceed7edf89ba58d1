"""Aggregated features hold against a plain reference implementation, in many generated cases at once."""

import math
import random
import statistics
from datetime import UTC, datetime, timedelta

from feature_store import Source
from feature_store.aggregate.plan import on_spine
from feature_store.aggregation import (
    Aggregates,
    AggregationFunction,
    ApproxCountDistinct,
    ApproxPercentile,
    Avg,
    Count,
    Feature,
    First,
    Last,
    Max,
    Min,
    RollingWindow,
    SlidingWindow,
    StddevPop,
    StddevSamp,
    Sum,
    TumblingWindow,
    VarPop,
    VarSamp,
)

MINUTE, HOUR, MICROSECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(microseconds=1)
MIDNIGHT = datetime(2013, 3, 10, tzinfo=UTC)  # the night in which clocks in New York were put forward
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = Source(name="events", description="Events", table="e", columns=["who", "whole", "part"], known_at="known_at")
EVENTS = "who bigint, whole bigint, part double, known_at timestamp"
WINDOWS = {
    "rolling": RollingWindow(window_duration=2 * HOUR),
    "delayed": RollingWindow(window_duration=HOUR, delay=HOUR),
    "tumbling": TumblingWindow(window_duration=2 * HOUR, offset=HOUR),
    "sliding": SlidingWindow(window_duration=3 * HOUR, slide_duration=HOUR),
}
OPERATORS = [
    Sum("whole"), Sum("part"), Avg("whole"), Avg("part"), Count("part"), Min("part"), Max("whole"), First("part"),
    Last("whole"), Last("part"),
]  # fmt: skip
OF_EVENTS = [
    StddevPop("part"), StddevSamp("whole"), VarPop("part"), VarSamp("part"), ApproxCountDistinct("whole"),
    ApproxPercentile(0.5, "part"), ApproxPercentile(0.9, "whole"),
]  # fmt: skip


def declared(operators, windows=WINDOWS):
    return [
        Feature(
            name=f"{window}_{position}{'_if' if condition else ''}",
            source=SOURCE,
            entity=["who"],
            function=AggregationFunction(operator, windows[window]),
            filter_condition=condition,
        )
        for window in windows
        for position, operator in enumerate(operators)
        for condition in (None, "part > 0 OR whole = 3")
    ]


def generated(seed, entities):
    """Events and asked moments crowd on and around the boundaries of hours."""
    chance = random.Random(seed)

    def moment():
        return MIDNIGHT + chance.randrange(16) * HOUR / 2 + chance.choice([-1, 0, 0, 0, 1]) * MICROSECOND

    events, asked = [], []
    for who in range(entities):
        for _ in range(chance.choice([0, 1, 2, 5, 12])):
            whole = chance.choice([None, 1, 2, 3, 3, 10**12])
            part = chance.choice([None, -1.5, 0.25, 0.25, 7.0, 1e6])
            events.append((who, whole, part, moment() if chance.random() > 0.03 else None))
        asked += [(who, moment()) for _ in range(4)]
    return events, asked


# ---- the reference: every definition as it is read


def window_of(window, moment):
    if isinstance(window, RollingWindow):
        end = moment - (window.delay or timedelta(0))
    else:
        slide = window.slide_duration if isinstance(window, SlidingWindow) else window.window_duration
        offset = EPOCH + (window.offset or timedelta(0))
        end = offset + (moment - offset) // slide * slide
    return end - window.window_duration, end


def expected(feature, events, moment):
    operator = feature.function.operator
    start, end = window_of(feature.function.time_window, moment)
    kept = [
        (at, part if operator.input == "part" else whole)
        for _, whole, part, at in events
        if at is not None and start <= at < end and (feature.filter_condition is None or (part or 0) > 0 or whole == 3)
    ]
    values = [value for _, value in kept if value is not None]
    if isinstance(operator, Count):
        return len(values)
    few = 2 if isinstance(operator, StddevSamp | VarSamp) else 1
    if len(values) < few:
        return None
    timed = [(at, value) for at, value in kept if value is not None]
    return {
        Sum: lambda: math.fsum(values), Avg: lambda: math.fsum(values) / len(values), Min: lambda: min(values),
        Max: lambda: max(values), First: lambda: min(timed)[1], Last: lambda: max(timed)[1],
        StddevPop: lambda: statistics.pstdev(values), StddevSamp: lambda: statistics.stdev(values),
        VarPop: lambda: statistics.pvariance(values), VarSamp: lambda: statistics.variance(values),
        ApproxCountDistinct: lambda: len(set(values)),
        ApproxPercentile: lambda: sorted(values)[max(math.ceil(operator.percentile * len(values)) - 1, 0)],
    }[type(operator)]()  # fmt: skip


def assert_as_expected(rows, features, events):
    by_who = {}
    for event in events:
        by_who.setdefault(event[0], []).append(event)
    compared = 0
    for row in rows:
        moment = row["known_at"].replace(tzinfo=UTC)
        for feature in features:
            ours = row[feature.name]
            theirs = expected(feature, by_who.get(row["who"], []), moment)
            same = ours is theirs if None in (ours, theirs) else math.isclose(ours, theirs, rel_tol=1e-12)
            assert same, (feature.name, feature.function, row["who"], moment, ours, theirs, by_who.get(row["who"]))
            compared += theirs not in (None, 0)
    assert compared > len(features) * 20  # the cases are not all empty windows


def test_every_operator_in_every_window_is_as_the_reference_says_at_any_moment(frame):
    events, asked = generated(seed=1, entities=60)
    features = declared([*OPERATORS, *OF_EVENTS])

    answered = on_spine(frame(events, EVENTS), frame(asked, "who bigint, known_at timestamp"), features).collect()

    assert sorted((row.who, row.known_at.replace(tzinfo=UTC)) for row in answered) == sorted(asked)
    assert_as_expected(answered, features, events)


def rows_of_the_grid(features, events, every):
    reach = max(feature.function.time_window.reach for feature in features)
    last = MIDNIGHT + 30 * HOUR
    moments = [MIDNIGHT - 5 * HOUR + number * every for number in range((last - MIDNIGHT + 5 * HOUR) // every)]
    step_of = {(who, EPOCH + (at - EPOCH) // every * every) for who, _, _, at in events if at is not None}
    whole_reach = -(-reach // every) * every
    return sorted(
        (who, moment)
        for who in {who for who, _ in step_of}
        for moment in moments
        if any((who, moment - back * every) in step_of for back in range(1, whole_reach // every + 2))
    )


def assert_grid(frame, operators, every, windows=WINDOWS):
    events, _ = generated(seed=2, entities=30)
    features = declared(operators, windows)

    answered = Aggregates(every=every, features=features).compute(frame(events, EVENTS)).collect()

    found = sorted((row.who, row.known_at.replace(tzinfo=UTC)) for row in answered)
    assert found == rows_of_the_grid(features, events, every)
    assert_as_expected(answered, features, events)


def test_a_grid_of_whole_steps_is_as_the_reference_says(frame):
    assert_grid(frame, OPERATORS, HOUR)


def test_a_grid_whose_operators_need_the_events_themselves_is_as_the_reference_says(frame):
    assert_grid(frame, [*OPERATORS, VarPop("part")], HOUR)


def test_a_grid_whose_windows_are_no_whole_steps_is_as_the_reference_says(frame):
    odd = {"ninety": RollingWindow(window_duration=90 * MINUTE), "third": TumblingWindow(window_duration=20 * MINUTE)}
    assert_grid(frame, [Sum("part"), Avg("whole"), Last("part")], HOUR, odd)
