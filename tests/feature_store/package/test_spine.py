"""Whom to learn from: of a table with labels and a range of time."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_store import FeatureLookup, Misuse, Source, training_frame
from feature_store.tables.commit import Commit
from tests.frames import assert_df_equality

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
LANDED = "customer string, asked_at timestamp, buys boolean, told_at timestamp"
OUTCOMES = Source(
    name="outcomes",
    description="Who bought.",
    table="outcomes",
    columns=["customer", "asked_at", "buys"],
    known_at="told_at",
)
FRAME = "customer string, asked_at timestamp, buys boolean"


def at(day: int) -> datetime:
    return datetime(2024, 3, day, tzinfo=UTC)


@pytest.fixture
def land(frame, store):
    def make(rows):
        df = frame(rows, LANDED)
        store.tables.create("outcomes", df.schema)
        store.tables.append("outcomes", df, commit=Commit(verb="test", as_of=at(31)))

    return make


@pytest.fixture
def asked(store):
    """The frame of March's second week, as of its end, unless the test says otherwise."""

    def ask(between=None, **options):
        between = between or (at(8), at(15))
        given = {"keys": ["customer"], "decided_at": "asked_at", "label": "buys", "as_of": at(31)}
        return training_frame(store, OUTCOMES, between, **(given | options))

    return ask


def assert_rows(actual, expected):
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


def test_it_has_who_was_decided_on_from_the_start_on_and_before_the_end(land, asked, frame):
    land(
        [
            ("before", at(8) - MICROSECOND, True, at(20)),
            ("first", at(8), True, at(20)),
            ("last", at(15) - MICROSECOND, False, at(20)),
            ("at the end", at(15), True, at(20)),
            ("never", None, True, at(20)),
        ]
    )

    assert_rows(asked(), frame([("first", at(8), True), ("last", at(15) - MICROSECOND, False)], FRAME))


def test_what_was_not_known_by_then_and_what_has_no_label_is_not_there(land, asked, frame):
    land(
        [
            ("known", at(9), True, at(20)),
            ("known later", at(9), True, at(20) + MICROSECOND),
            ("known never", at(9), True, None),
            ("without a label", at(9), None, at(10)),
        ]
    )

    assert_rows(asked(as_of=at(20)), frame([("known", at(9), True)], FRAME))
    assert_rows(
        asked(as_of=at(20), label=None),
        frame([("known", at(9)), ("without a label", at(9))], "customer string, asked_at timestamp"),
    )


def test_every_takes_the_first_row_of_an_entity_in_each_stretch_from_the_start_on(land, asked, frame):
    land(
        [
            ("ann", at(8), True, at(20)),
            ("ann", at(10) - MICROSECOND, False, at(20)),
            ("ann", at(10), False, at(20)),
            ("bob", at(9), False, at(20)),
            # The first has no label: the second is the first that can be learned from.
            ("cem", at(12), None, at(20)),
            ("cem", at(13), True, at(20)),
            # At the same moment: the same one, however the rows are read.
            ("dan", at(14), True, at(20)),
            ("dan", at(14), False, at(20)),
        ]
    )

    expected = [
        ("ann", at(8), True), ("ann", at(10), False), ("bob", at(9), False), ("cem", at(13), True), ("dan", at(14), False),
    ]  # fmt: skip
    assert_rows(asked(every=2 * DAY), frame(expected, FRAME))


def test_it_is_what_a_training_set_is_made_of(land, asked, frame, store):
    land([("ann", at(9), True, at(20)), ("bob", at(9), False, at(20))])
    visits = frame([("ann", at(8), 3), ("ann", at(10), 9)], "customer string, seen_at timestamp, visits int")
    store.create_table(name="visits", primary_keys=["customer", "seen_at"], timeseries_column="seen_at", df=visits)

    lookup = FeatureLookup("visits", "customer", timestamp_lookup_key="asked_at")
    joined = store.create_training_set(df=asked(), feature_lookups=[lookup], label="buys").load_df()

    expected = [("ann", at(9), 3, True), ("bob", at(9), None, False)]
    assert_rows(joined, frame(expected, "customer string, asked_at timestamp, visits int, buys boolean"))


def test_what_cannot_be_meant_is_refused_with_what_can(asked):
    with pytest.raises(Misuse, match=r"between=2024-03-15 00:00 to 2024-03-08 00:00 holds no moment"):
        asked((at(15), at(8)))
    with pytest.raises(Misuse, match=r"Source 'outcomes' has no column 'buy'. Did you mean buys"):
        asked(label="buy")


@pytest.mark.parametrize("every", [timedelta(0), -DAY])
def test_a_stretch_is_longer_than_nothing(land, asked, every):
    land([("ann", at(9), True, at(20))])
    with pytest.raises(Misuse, match="is not longer than nothing"):
        asked(every=every)
