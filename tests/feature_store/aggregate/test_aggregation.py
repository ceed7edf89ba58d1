"""What each operator makes of the events of each window, on rows that can be worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from feature_store import Misuse, NotFound, SchemaMismatch, Source, WrongKind
from feature_store.aggregate.plan import on_spine
from feature_store.aggregation import (
    AggregationFunction,
    ApproxCountDistinct,
    ApproxPercentile,
    Avg,
    Count,
    DerivedSource,
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
from tests.frames import assert_df_equality

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVENTS = "who string, amount double, pieces int, ref bigint, price decimal(6,2), tag string, paid boolean, known_at timestamp"
COLUMNS = ("who", "amount", "pieces", "ref", "price", "tag", "paid")
SOURCE = Source(name="orders", description="Orders", table="orders", columns=COLUMNS, known_at="ordered_at")
LAST_HOUR = RollingWindow(window_duration=HOUR)


def at(text, day=1):
    return datetime.fromisoformat(f"2013-06-{day:02}T{text}").replace(tzinfo=UTC)


def order(when, amount=None, *, who="ann", pieces=None, ref=None, price=None, tag=None, paid=None):
    return (who, amount, pieces, ref, None if price is None else Decimal(price), tag, paid, when)


def feature(operator, window=LAST_HOUR, *, name="value", **facts):
    function = AggregationFunction(operator, window)
    return Feature(**{"source": SOURCE, "entity": ["who"], "function": function, "name": name} | facts)


@pytest.fixture
def answers(frame):
    """What the features are for ann at each of the moments asked about: a list of tuples."""

    def ask(events, asked, *features):
        spine = frame([("ann", moment) for moment in asked], "who string, known_at timestamp")
        rows = on_spine(frame(events, EVENTS), spine, features).orderBy("known_at").collect()
        return [tuple(row)[2:] for row in rows]

    return ask


# ---- operators

THREE = [
    order(at("09:00"), 4.0, pieces=1, ref=2**62, price="0.10", tag="b", paid=True),
    order(at("09:20"), None, paid=None),
    order(at("09:30"), 1.0, pieces=2, ref=2**62 - 6, price="0.20", tag="a", paid=False),
    order(at("09:40"), 1.0, pieces=6, ref=-(2**62), price="0.05", tag="c", paid=False),
]
EXPECTED = [
    (Sum("amount"), 6.0), (Sum("pieces"), 9), (Sum("ref"), 2**62 - 6), (Sum("price"), Decimal("0.35")), (Sum("paid"), 1),
    (Avg("amount"), 2.0), (Avg("pieces"), 3.0), (Avg("price"), Decimal("0.116667")), (Avg("paid"), 1 / 3),
    (Count("amount"), 3), (Count("tag"), 3), (Count("who"), 4),
    (Min("amount"), 1.0), (Min("tag"), "a"), (Max("price"), Decimal("0.20")), (Max("known_at"), datetime(2013, 6, 1, 9, 40)),
    (First("tag"), "b"), (Last("tag"), "c"), (First("paid"), True), (Last("amount"), 1.0),
    (VarPop("amount"), 2.0), (VarSamp("amount"), 3.0), (StddevPop("amount"), 2**0.5), (StddevSamp("amount"), 3**0.5),
    (ApproxCountDistinct("amount"), 2), (ApproxCountDistinct("tag", relativeSD=0.01), 3),
    (ApproxPercentile(0.5, "pieces"), 2), (ApproxPercentile(percentile=1, input="amount", accuracy=100), 4.0),
]  # fmt: skip


def test_each_operator_on_three_values_and_a_null(answers):
    features = [feature(operator, name=f"f{position}") for position, (operator, _) in enumerate(EXPECTED)]
    (values,) = answers(THREE, [at("09:59")], *features)
    assert dict(zip(map(str, dict(EXPECTED)), values, strict=True)) == {str(one): value for one, value in EXPECTED}


def test_of_no_values_count_is_zero_and_every_other_operator_is_null(answers):
    features = [feature(operator, name=f"f{position}") for position, (operator, _) in enumerate(EXPECTED)]
    nothing = tuple(0 if isinstance(operator, Count) else None for operator, _ in EXPECTED)
    assert answers([], [at("09:59")], *features) == [nothing]
    assert answers(THREE, [at("11:00")], *features) == [nothing]


def test_one_value_has_no_sample_variance_and_a_variance_of_zero(answers):
    features = [feature(VarPop("amount"), name="population"), feature(VarSamp("amount"), name="sample")]
    assert answers([order(at("09:00"), 4.0)], [at("09:30")], *features) == [(0.0, None)]


def test_of_values_at_the_same_moment_the_smallest_is_first_and_the_largest_is_last(answers):
    events = [order(at("09:10"), amount) for amount in (2.0, 3.0, 1.0, None)]
    features = [feature(First("amount"), name="first"), feature(Last("amount"), name="last")]
    assert answers(events, [at("09:30")], *features) == [(1.0, 3.0)]


# ---- windows


def test_a_rolling_window_begins_with_its_first_microsecond_and_ends_before_the_moment(answers):
    events = [order(at("08:00"), 1.0), order(at("08:59:59.999999"), 10.0), order(at("09:00"), 100.0)]
    asked = [at("08:00"), at("08:00:00.000001"), at("09:00"), at("09:00:00.000001"), at("10:00"), at("10:00:00.000001")]
    assert answers(events, asked, feature(Sum("amount"))) == [(None,), (1.0,), (11.0,), (110.0,), (100.0,), (None,)]


def test_a_delay_moves_the_window_back(answers):
    delayed = feature(Sum("amount"), RollingWindow(window_duration=HOUR, delay=30 * MINUTE))
    asked = [at("08:30"), at("08:30:00.000001"), at("09:30"), at("09:30:00.000001")]
    assert answers([order(at("08:00"), 1.0)], asked, delayed) == [(None,), (1.0,), (1.0,), (None,)]


def test_a_tumbling_window_is_the_last_complete_one_from_midnight_utc_on(answers):
    events = [order(at("23:59:59.999999"), 1.0), order(at("00:00", day=2), 10.0), order(at("05:59", day=2), 100.0)]
    six_hours = feature(Sum("amount"), TumblingWindow(window_duration=6 * HOUR))
    asked = [at("23:59:59.999999"), at("00:00", 2), at("05:59:59.999999", 2), at("06:00", 2), at("12:00", 2)]
    assert answers(events, asked, six_hours) == [(None,), (1.0,), (1.0,), (110.0,), (None,)]


def test_an_offset_moves_the_boundaries(answers):
    events = [order(at("05:30"), 1.0), order(at("06:00"), 10.0)]
    day = feature(Sum("amount"), TumblingWindow(window_duration=DAY, offset=6 * HOUR), name="day")
    back = feature(Sum("amount"), TumblingWindow(window_duration=DAY, offset=-18 * HOUR), name="the_same")
    asked = [at("05:59"), at("06:00"), at("05:59", day=2), at("06:00", day=2)]
    assert answers(events, asked, day, back) == [(None, None), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0)]


def test_sliding_windows_overlap_and_the_last_complete_one_counts(answers):
    events = [order(at("08:10"), 1.0), order(at("09:10"), 10.0), order(at("10:10"), 100.0)]
    sliding = feature(Sum("amount"), SlidingWindow(window_duration=2 * HOUR, slide_duration=HOUR))
    asked = [at("08:59"), at("09:00"), at("10:00"), at("10:59"), at("11:00"), at("12:00"), at("13:00")]
    assert answers(events, asked, sliding) == [(None,), (1.0,), (11.0,), (11.0,), (110.0,), (100.0,), (None,)]


def test_boundaries_are_of_utc_also_before_1970_and_where_clocks_change(answers):
    day = feature(Count("amount"), TumblingWindow(window_duration=DAY))
    before = datetime(1969, 12, 30, 23, 59, tzinfo=UTC)
    events = [order(before, 1.0), order(datetime(2013, 3, 10, 0, 30, tzinfo=UTC), 1.0)]
    asked = [before + MINUTE, before + DAY, before + DAY + MINUTE, datetime(2013, 3, 10, 23, 59, tzinfo=UTC)]
    asked += [datetime(2013, 3, 11, tzinfo=UTC), datetime(2013, 3, 12, tzinfo=UTC)]
    assert answers(events, asked, day) == [(1,), (1,), (0,), (0,), (1,), (0,)]


# ---- rows


def test_only_events_for_which_the_filter_is_true_count_and_it_may_leave_none(answers):
    events = [order(at("09:10"), 1.0, paid=True), order(at("09:20"), 10.0, paid=False), order(at("09:30"), 100.0)]
    features = [
        feature(Sum("amount"), name="paid", filter_condition="paid"),
        feature(Sum("amount"), name="large", filter_condition="amount > 5 AND coalesce(paid, true)"),
        feature(Last("amount"), name="latest_paid", filter_condition="paid"),
        feature(Count("amount"), name="none", filter_condition="amount > 1000"),
        feature(Max("amount"), name="no_largest", filter_condition="amount > 1000"),
    ]
    assert answers(events, [at("09:45")], *features) == [(1.0, 100.0, 1.0, 0, None)]


def test_rows_are_kept_as_they_are_and_nobody_or_never_has_nulls_where_somebody_unknown_has_counts(frame):
    events = [order(at("09:10"), 1.0), order(at("09:10"), 7.0, who=None), order(None, 7.0)]
    spine = "row int, known_at timestamp, who string"
    asked = [
        (1, at("10:00"), "ann"),
        (1, at("10:00"), "ann"),
        (2, at("10:00"), "bob"),
        (3, at("10:00"), None),
        (4, None, "ann"),
    ]

    answered = on_spine(
        frame(events, EVENTS),
        frame(asked, spine),
        [
            feature(Sum("amount"), name="total"),
            feature(Count("amount"), name="number"),
            feature(Count("amount"), TumblingWindow(window_duration=HOUR), name="in_the_hour"),
        ],
    )

    expected = [(1.0, 1, 1), (1.0, 1, 1), (None, 0, 0), (None, None, None), (None, None, None)]
    assert_df_equality(
        answered,
        frame(
            [row + values for row, values in zip(asked, expected, strict=True)],
            spine + ", total double, number bigint, in_the_hour bigint",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_an_entity_of_several_columns_is_all_of_them(frame):
    events = frame(
        [
            order(at("09:10"), 1.0, tag="x"),
            order(at("09:10"), 2.0, tag="y"),
            order(at("09:10"), 4.0, tag="x", who="bob"),
        ],
        EVENTS,
    )
    asked = frame([("x", at("10:00"), "ann")], "tag string, moment timestamp, who string")
    both = feature(Sum("amount"), entity=["who", "tag"], timeseries_column="moment")
    assert [row.value for row in on_spine(events, asked, [both]).collect()] == [1.0]


def test_a_sum_of_fractions_is_the_same_in_whatever_order_the_events_come(frame):
    fractions = [order(at("09:10"), 10.0**power / 3) for power in range(-9, 9)]
    features = [feature(Sum("amount"), name="total"), feature(VarPop("amount"), name="variance")]
    spine = frame([("ann", at("09:30"))], "who string, known_at timestamp")

    found = {
        tuple(on_spine(frame(events, EVENTS).repartition(3), spine, features).first())[2:]
        for events in (fractions, fractions[::-1], fractions[1::2] + fractions[::2])
    }

    assert len(found) == 1


# ---- declarations that are wrong


@pytest.mark.parametrize(
    ("declare", "error", "text"),
    [
        (lambda: feature(Sum("amuont")), NotFound, "source 'orders' has no column 'amuont'. Did you mean amount"),
        (lambda: feature(Sum("amount"), entity=["whom"]), NotFound, "has no column 'whom'. Did you mean who"),
        (lambda: feature(Sum("amount"), entity="who"), WrongKind, "entity is a list of names. Write ['who']"),
        (lambda: feature(Sum("amount"), entity=[]), Misuse, "names no entity"),
        (lambda: feature(Sum("amount"), name="who"), Misuse, "has the name of its entity or of the moment"),
        (lambda: feature(Sum("amount"), name="a b"), Misuse, "'a b' cannot be the name of a feature"),
        (lambda: feature(Sum("amount"), source="orders"), WrongKind, "source is a Source or a DerivedSource, not str"),
        (lambda: feature(Sum("amount"), filter_condition=" "), Misuse, "filter_condition is empty. Leave it out"),
        (lambda: feature(Sum("amount"), function=Sum("amount")), WrongKind, "function is an AggregationFunction, not Sum"),
        (lambda: AggregationFunction("sum", LAST_HOUR), WrongKind, "operator is one such as Sum(input=...), not 'sum'"),
        (lambda: AggregationFunction(Sum("amount"), HOUR), WrongKind, "time_window is a RollingWindow"),
        (lambda: RollingWindow(window_duration=None), WrongKind, "Every window has an end"),
        (lambda: RollingWindow(window_duration=3600), WrongKind, "window_duration is a timedelta, not int"),
        (lambda: RollingWindow(window_duration=0 * HOUR), Misuse, "must be longer than nothing, and is 0:00:00"),
        (lambda: RollingWindow(window_duration=HOUR, delay=-HOUR), Misuse, "would see the future"),
        (lambda: TumblingWindow(window_duration=HOUR, offset=1), WrongKind, "offset is a timedelta, not int"),
        (lambda: SlidingWindow(window_duration=HOUR, slide_duration=DAY), Misuse, "some events would be in no window"),
        (lambda: ApproxPercentile(50, "amount"), Misuse, "percentile lies between 0 and 1, and is 50"),
        (lambda: ApproxPercentile(0.5, "amount", accuracy=0), Misuse, "accuracy is a whole number from 1 on"),
        (lambda: ApproxCountDistinct("tag", relativeSD=2), Misuse, "relativeSD lies between 0 and 0.39, and is 2"),
        (
            lambda: feature(
                Sum("amount"),
                source=Source(name="facts", description="Facts", table="orders", columns=COLUMNS),
            ),
            Misuse, "source facts has no moments",
        ),
        (
            lambda: DerivedSource(name="empty", description="", sources=[], columns=["a"], derive=lambda: None),
            Misuse, "is derived from no sources",
        ),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_right_says_why(declare, error, text):
    with pytest.raises(error) as raised:
        declare()
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (feature(Sum("tag")), SchemaMismatch, "Sum cannot take 'tag', which is string"),
        (feature(VarPop("paid")), SchemaMismatch, "VarPop cannot take 'paid', which is boolean"),
        (feature(Count("tag"), filter_condition="amount"), Misuse, "filter_condition 'amount' is no boolean expression over"),
        (feature(Count("tag"), filter_condition="amuont > 1"), Misuse, "`amuont` cannot be resolved"),
        (feature(Count("tag"), filter_condition="amount > > 1"), Misuse, "'orders' (who, amount, "),
        (feature(Count("tag"), filter_condition="sum(amount) > 1"), Misuse, "'sum(amount) > 1' is no boolean expression"),
        (feature(Count("tag"), timeseries_column="moment"), Misuse, "the data frame has no column 'moment'"),
        (feature(Count("tag"), name="ROW"), Misuse, "already has ROW, which is also a feature"),
        (feature(Count("tag"), entity=["ref"]), SchemaMismatch, "'ref' is int in the data frame, and must be bigint. Cast it"),
        (feature(Count("tag"), timeseries_column="day"), SchemaMismatch, "'day' is date in the data frame, and must be timestamp"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_data_is_refused_before_anything_is_computed(frame, wrong, error, text):
    spine = frame([], "who string, known_at timestamp, row int, ref int, day date")
    with pytest.raises(error) as raised:
        on_spine(frame([], EVENTS), spine, [wrong])
    assert text in str(raised.value)


def test_a_derived_source_that_does_not_give_its_columns_is_refused(frame):
    derived = DerivedSource(
        name="paid_orders",
        description="Orders that were paid",
        sources=[SOURCE],
        columns=["who", "euros"],
        derive=lambda orders: orders.where("paid").withColumn("euro", F.col("amount")),
    )
    with pytest.raises(SchemaMismatch, match="'paid_orders': euros is not among what derive= gives: who, amount"):
        derived.events(frame([], EVENTS))
