"""Checks are declared in the table, and one that cannot be right is refused at import."""

from datetime import date, timedelta

import pytest

from feature_store import FeatureTable, Fresh, InRange, Misuse, NullShare, OneOf, RowCount, Source, WrongKind

FLIGHTS = Source(name="flights", description="Flights", table="flights", columns=["origin"], known_at="departed_at")
HOUR = timedelta(hours=1)


def declare(*checks, **changes):
    facts = {
        "name": "congestion",
        "description": "How late the airport runs",
        "owner": "flights@example.com",
        "primary_keys": ["origin", "known_at"],
        "timeseries_column": "known_at",
        "sources": [FLIGHTS],
        "features": {"share_late": "Share of late departures"},
        "compute": lambda flights: flights,
        "checks": checks,
    }
    return FeatureTable(**{**facts, **changes})


def test_a_check_says_in_words_what_must_hold():
    assert [str(check) for check in (
        InRange("share_late", at_least=0, at_most=1),
        InRange("built_on", at_most=date(2013, 1, 1)),
        OneOf("origin", ["EWR", "JFK"]),
        NullShare("share_late", at_most=0.5),
        Fresh(6 * HOUR),
        RowCount(at_least=1, at_most_change=0.5),
    )] == [
        "share_late >= 0 and share_late <= 1",
        "built_on <= 2013-01-01",
        "origin in (EWR, JFK)",
        "share of nulls in share_late <= 0.5",
        "newest row at most 6:00:00 old",
        "rows >= 1 and rows within 50% of the windows before",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: InRange("x"), "InRange.'x'. names no bound"),
        (lambda: InRange("x", at_least=2, at_most=1), "no value is in that range"),
        (lambda: OneOf("x", []), "OneOf.'x'. lists no values"),
        (lambda: NullShare("x", at_most=2), "a share lies between 0 and 1, and 2 does not"),
        (lambda: Fresh(timedelta(0)), "must be longer than nothing"),
        (RowCount, "RowCount.. says nothing"),
        (lambda: RowCount(at_most_change=-1), "a change cannot be negative"),
        (lambda: InRange("x", at_least=0, on_failure="ignore"), "InRange: on_failure cannot be 'ignore'"),
        (lambda: Fresh(HOUR, on_failure="quarantine"), "It is not about single rows. There are: refuse, warn"),
        (lambda: NullShare("x", at_most=0, on_failure="quarantine"), "It is not about single rows"),
        (lambda: RowCount(at_least=1, on_failure="quarantine"), "It is not about single rows"),
        (lambda: declare(InRange("share_lat", at_least=0)), "'share_lat >= 0' is of no column of it. Did you mean share_late"),
        (lambda: declare(Fresh(HOUR), primary_keys=["origin"], timeseries_column=None), "has no timeseries column"),
        (lambda: declare(OneOf("run_id", ["a"], on_failure="quarantine"), features={"run_id": "Run"}), "run_id is a column of the quarantine"),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_right_is_refused_by_name(make, text):
    with pytest.raises(Misuse, match=text):
        make()


def test_what_is_no_check_is_the_wrong_kind():
    with pytest.raises(WrongKind, match=r"'share_late > 0' is no check. There are: InRange, OneOf"):
        declare("share_late > 0")
    with pytest.raises(WrongKind, match="checks is a list of checks"):
        declare(checks=InRange("share_late", at_least=0))
    with pytest.raises(WrongKind, match=r"Write \['JFK'\]"):
        OneOf("origin", "JFK")
