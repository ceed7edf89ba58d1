"""A source shows what was known by the as-of moment, and nothing after it."""

from datetime import UTC, datetime, timedelta

import pytest

from feature_store import Misuse, Source
from feature_store.tables.commit import Commit
from tests.frames import assert_df_equality

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LANDED = "flight string, departed_at timestamp, delay int"

DEPARTURES = Source(
    name="departures", description="Departures", table="flights", columns=["flight", "delay"], known_at="departed_at"
)
SCHEDULE = Source(name="schedule", description="Always known", table="flights", columns=["flight"])


@pytest.fixture
def flights(store, frame):
    rows = [
        ("before", NOON - MICROSECOND, 1),
        ("at", NOON, 2),
        ("after", NOON + MICROSECOND, 3),
        ("cancelled", None, None),
    ]
    df = frame(rows, LANDED)
    store.tables.create("flights", df.schema)
    store.tables.append("flights", df, commit=Commit(verb="test", as_of=NOON))
    return store.tables


def names(df):
    return sorted(row.flight for row in df.collect())


def test_rows_known_at_the_as_of_moment_are_seen_and_one_microsecond_later_are_not(frame, flights):
    assert_df_equality(
        DEPARTURES.read(flights, as_of=NOON),
        frame([("before", 1, NOON - MICROSECOND), ("at", 2, NOON)], "flight string, delay int, known_at timestamp"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_a_window_has_its_start_and_not_its_end_and_never_passes_the_as_of_moment(flights):
    later = NOON + timedelta(days=1)
    assert names(DEPARTURES.read(flights, as_of=later, start=NOON, end=NOON + MICROSECOND)) == ["at"]
    assert names(DEPARTURES.read(flights, as_of=later, start=NOON)) == ["after", "at"]
    assert names(DEPARTURES.read(flights, as_of=NOON, end=later)) == ["at", "before"]


def test_what_never_became_known_is_in_no_view_and_what_is_always_known_is_seen_whole(flights):
    assert "cancelled" not in names(DEPARTURES.read(flights, as_of=NOON + timedelta(days=999)))
    always = SCHEDULE.read(flights, as_of=NOON - timedelta(days=999))
    assert always.columns == ["flight"]
    assert names(always) == ["after", "at", "before", "cancelled"]


def test_a_naive_as_of_moment_is_utc(flights):
    assert names(DEPARTURES.read(flights, as_of=NOON.replace(tzinfo=None))) == ["at", "before"]


def test_a_source_without_columns_or_with_a_bad_name_is_refused():
    with pytest.raises(Misuse, match="'nothing' declares no columns"):
        Source(name="nothing", description="", table="flights", columns=[])
    with pytest.raises(Misuse, match="cannot be the name of a source"):
        Source(name="a b", description="", table="flights", columns=["flight"])
