"""``violations`` of the last ``windows`` and the latest, as strings: V violates, a dot does not."""

from datetime import timedelta

import pytest

from monitoring.alerts.rules import Judgement, occurrences
from monitoring.limits import Patience

SHORT = {"opened": "O", "still_violating": "S", "recovered": "R", "reopened": "A"}


def happened(example, pattern, patience, resolved=None):
    """One letter per window: what happened in it, or a dot; and the weeks in which alerts were opened."""
    judged = [Judgement(example.window(i), float(i), letter == "V") for i, letter in enumerate(pattern)]
    found = occurrences(judged, patience, resolved or {})
    letters = ["."] * len(pattern)
    for occurrence in found:
        letters[int(occurrence.judgement.value)] = SHORT[occurrence.kind]
    return "".join(letters), [(occurrence.opened - example.week(0)) // timedelta(days=7) for occurrence in found]


TWO_OF_THREE = Patience(violations=2, windows=3)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("....", "...."),
        ("V...", "...."),
        ("VV..", ".OR."),
        ("V.VV", "..OS"),
        ("V..V", "...."),
        ("VVVV", ".OSS"),
        ("VV.V", ".ORA"),
        ("VV...VV", ".OR...O"),
    ],
)
def test_two_of_three_and_the_latest(example, pattern, expected):
    assert happened(example, pattern, TWO_OF_THREE)[0] == expected


def test_the_first_violation_opens_when_no_patience_is_asked_for(example):
    assert happened(example, ".V.VV", Patience()) == (".OROS", [1, 1, 3, 3])


def test_an_alert_that_fires_again_soon_is_the_same_alert(example):
    assert happened(example, "VV.V.", TWO_OF_THREE) == (".ORAR", [1, 1, 1, 1])


def test_an_alert_that_fires_again_later_is_a_new_one(example):
    assert happened(example, "VV...VV", TWO_OF_THREE) == (".OR...O", [1, 1, 6])


def test_the_last_windows_are_kept_as_evidence(example):
    judged = [Judgement(example.window(i), float(i), True) for i in range(4)]
    last = occurrences(judged, TWO_OF_THREE, {})[-1]
    assert last.last_windows == tuple(judged[1:])


def test_a_resolved_alert_is_reopened_by_the_next_window_that_violates(example):
    # Resolved in the middle of week 3, which is judged when it is over.
    moment = example.week(3) + timedelta(days=3)
    assert happened(example, "VVVVV", TWO_OF_THREE, {example.week(1): [moment]}) == (".OSAS", [1, 1, 1, 1])


def test_a_resolved_alert_stays_closed_while_nothing_violates(example):
    moment = example.week(3) + timedelta(days=3)
    assert happened(example, "VVV..VV", TWO_OF_THREE, {example.week(1): [moment]}) == (".OS...O", [1, 1, 6])


def test_resolving_at_the_end_of_a_window_is_not_undone_by_that_window(example):
    assert happened(example, "VVV", TWO_OF_THREE, {example.week(1): [example.week(3)]}) == (".OS", [1, 1])
