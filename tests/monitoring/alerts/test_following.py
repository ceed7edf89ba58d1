"""Which alert others may follow from: the first open one that their diagnosis leads to."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.alerts import actions
from monitoring.alerts.events import Event
from monitoring.alerts.state import current, pick
from tests.monitoring.conftest import MONDAY

DAY = timedelta(days=1)


def opened(alert_id, day, *, follows=None, monitor="flight_delay", kind="opened"):
    """The opening, on this day, of an alert whose diagnosis named these; of one of before it did, if None."""
    start = MONDAY + day * DAY
    return Event(
        alert_id=alert_id, monitor=monitor, table_name="flights", column_name=alert_id, metric="psi", kind=kind, as_of=start + DAY,
        window_start=start, window_end=start + DAY, value=1.0, limit=0.25,
        evidence=json.dumps({} if follows is None else {"follows": follows}),
    )  # fmt: skip


def told(*events):
    """What each alert may follow from, and how many may follow from it."""
    return {alert.alert_id: (alert.follows, alert.followed_by) for alert in current(events)}


def resolved(events, alert_id, day):
    alert = pick(current(events), alert_id)
    return actions.resolved(alert, actor="ann", comment="known", as_of=MONDAY + day * DAY)


def test_of_several_causes_the_one_that_began_first_is_told_and_counts_what_follows():
    events = [
        opened("key", 1), opened("late", 2), opened("load", 3, follows=["late", "key"]), opened("stops", 3, follows=["key"]),
        opened("other", 3, follows=[]),
    ]  # fmt: skip
    assert told(*events) == {
        "key": ("", 2), "late": ("", 0), "load": ("key", 0), "stops": ("key", 0), "other": ("", 0),
    }  # fmt: skip


def test_a_cause_of_a_cause_is_gone_back_to():
    events = [opened("key", 1), opened("table", 2, follows=["key"]), opened("scores", 3, follows=["table"])]
    assert told(*events) == {"key": ("", 2), "table": ("key", 0), "scores": ("key", 0)}


def test_a_cause_may_begin_after_what_follows_from_it_since_weeks_begin_before_days():
    assert told(opened("week", 0, follows=["day"]), opened("day", 2)) == {"week": ("day", 0), "day": ("", 1)}


def test_alerts_that_name_each_other_or_themselves_make_no_circle():
    two = [opened("a", 1, follows=["b", "a"]), opened("b", 2, follows=["a"])]
    assert told(*two) == {"a": ("", 1), "b": ("a", 0)}
    three = [opened("a", 1, follows=["c"]), opened("b", 2, follows=["a"]), opened("c", 3, follows=["b"])]
    assert told(*three) == {"a": ("", 2), "b": ("a", 0), "c": ("a", 0)}
    assert told(*three, opened("root", 4), opened("d", 1, follows=["a", "root"]))["d"] == ("a", 0)


def test_what_is_over_is_no_cause_and_what_is_over_is_not_counted():
    events = [opened("key", 1), opened("table", 2, follows=["key"]), opened("scores", 3, follows=["table"])]
    over = [*events, resolved(events, "key", 5)]
    assert told(*over) == {"key": ("", 0), "table": ("", 1), "scores": ("table", 0)}
    again = actions.reopened(pick(current(over), "key"), actor="bob", comment="no", as_of=MONDAY + 6 * DAY)
    assert told(*over, again)["key"] == ("", 2)
    done = [*events, resolved(events, "scores", 5)]
    assert told(*done) == {"key": ("", 1), "table": ("key", 0), "scores": ("key", 0)}


def test_a_later_diagnosis_replaces_the_first_and_what_people_say_is_none():
    events = [opened("key", 1), opened("load", 3, follows=["key"])]
    recovered = replace(opened("load", 4, kind="recovered"), event_id="r")
    by_check = replace(opened("load", 5, kind="reopened", follows=[]), event_id="again")
    assert told(*events, recovered, by_check)["load"] == ("", 0)
    over = [*events, recovered]
    by_person = actions.reopened(pick(current(over), "load"), actor="ann", comment="no", as_of=MONDAY + 6 * DAY)
    assert told(*over, by_person)["load"] == ("key", 0)


@pytest.mark.parametrize("follows", [None, ["unknown"], "key", [None], {"key": 1}])
def test_alerts_of_before_and_diagnoses_that_make_no_sense_follow_from_none(follows):
    assert told(opened("key", 1), opened("load", 3, follows=follows))["load"] == ("", 0)


def test_an_alert_is_named_for_the_readers_of_others():
    [alert] = current(
        [replace(opened("0aec70a8", 1, monitor="schedule"), column_name=":table", metric="unknown_origins")]
    )
    assert alert.named == "schedule unknown_origins (0aec70a8)"
