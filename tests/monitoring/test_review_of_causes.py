"""One broken key and the alerts that may follow from it, as the reviewer types; no Spark is asked for."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from feature_store import open_store
from feature_store.tables.commit import Commit
from monitoring import review
from monitoring.alerts.events import append_events, read_events
from monitoring.alerts.state import current
from tests.monitoring.alerts.test_following import MONDAY, opened

KEY = replace(opened("0aec70a8", 1, monitor="schedule"), column_name=":table", metric="unknown_origins")
FOLLOWING = [opened(f"f{number:07}", 2, follows=["0aec70a8"]) for number in range(1, 8)]
CRITICAL = replace(FOLLOWING[-1], column_name="prediction", severity="critical")
OTHER = replace(opened("other", 0), column_name="delay")


@pytest.fixture
def typed(tmp_path):
    """Type a command in a workspace with these alerts: the exit code, output and error output."""
    workspace = tmp_path / "workspace"
    store = open_store(workspace=workspace)
    append_events(store, [OTHER, *FOLLOWING[:-1], CRITICAL, KEY], Commit(verb="check-drift", as_of=MONDAY))

    def run(*words):
        user = ["--user", "ann"] if words[0] not in ("list", "show") else []
        result = CliRunner().invoke(
            review.main, [*words, *user, "--workspace", str(workspace), "--as-of", "2024-02-01"], env={"COLUMNS": "100"}
        )
        return result.exit_code, result.stdout, result.stderr

    run.store = store
    return run


def rows(listed):
    """The lines of the table below its heading: id, mark and column; and the sentences after it."""
    return [" ".join(line.split()[:3]) for line in listed.splitlines()[2:]]


def said(typed):
    """Who said what of which alert, in order."""
    events = sorted((event for event in read_events(typed.store) if event.actor == "ann"), key=lambda one: one.alert_id)
    return [(event.alert_id, event.kind, event.comment) for event in events]


def test_what_may_follow_from_an_alert_is_listed_beneath_it_and_the_critical_first(typed):
    code, listed, _ = typed("list")
    assert code == 0
    assert rows(listed)[:6] == [
        "0aec70a8 :table unknown_origins",
        "f0000007 └ prediction",
        "f0000001 └ f0000001",
        "f0000002 └ f0000002",
        "└ and 4",
        "other delay psi",
    ]
    assert listed.splitlines()[-2:] == [
        "schedule unknown_origins (0aec70a8): 7 alerts (1 critical) may follow from it; all: review-alerts list --follows 0aec70a8",
        "Evidence: review-alerts show 0aec70a8",
    ]


def test_all_that_may_follow_is_listed_where_it_is_asked_for_or_few(typed):
    listed = typed("list", "--follows", "0aec")[1]
    assert [row.split()[0] for row in rows(listed)[:7]] == [f"f{number:07}" for number in range(1, 8)]
    assert (
        "7 alerts (1 critical) may follow from schedule unknown_origins (0aec70a8), which is not listed here" in listed
    )
    for number in (1, 2):
        typed("resolve", f"f000000{number}", "--comment", "seen")
    few = typed("list")[1]
    assert [row for row in rows(few) if "and" in row] == []
    assert few.count("└") == 5
    assert "schedule unknown_origins (0aec70a8): 5 alerts (1 critical) may follow from it\n" in few
    assert typed("list", "--follows", "zzzz")[0] == 1


def test_programs_are_told_the_same(typed):
    found = {one["alert_id"]: one for one in json.loads(typed("list", "--json")[1])}
    assert (found["0aec70a8"]["followed_by"], found["0aec70a8"]["follows"]) == (7, "")
    assert {one["follows"] for one in found.values() if one["alert_id"].startswith("f")} == {"0aec70a8"}
    assert json.loads(typed("show", "f0000001", "--json")[1])["follows"] == "0aec70a8"


def test_an_alert_says_what_it_may_follow_from_and_what_may_follow_from_it(typed):
    cause = " ".join(typed("show", "0aec70a8")[1].split())
    assert (
        "- 7 alerts (1 critical) may follow from it: flight_delay f0000001 psi (f0000001), flight_delay f0000002 psi (f0000002), "
        "flight_delay f0000003 psi (f0000003), and 4 more: review-alerts list --follows 0aec70a8" in cause
    )
    assert (
        "review-alerts resolve 0aec70a8 --comment '…', and with --with-following what may follow from it, too" in cause
    )
    follower = typed("show", "f0000001")[1]
    assert "- May follow from schedule unknown_origins (0aec70a8)." in follower
    assert "--with-following" not in follower


def test_only_the_alert_is_resolved_unless_more_is_said(typed):
    assert typed("resolve", "0aec70a8", "--comment", "done")[0] == 0
    assert said(typed) == [("0aec70a8", "resolved", "done")]
    assert {alert.follows for alert in current(read_events(typed.store))} == {""}


def test_what_may_follow_is_resolved_with_its_cause_by_an_event_each_that_names_the_cause(typed):
    typed("resolve", "f0000001", "--comment", "an odd one")
    code, told, _ = typed("resolve", "0aec70a8", "--with-following", "--comment", "lower case")
    assert code == 0
    assert told.splitlines()[0] == "Alert 0aec70a8 (:table unknown_origins) is resolved by ann."
    named = "lower case (may follow from schedule unknown_origins (0aec70a8))"
    assert said(typed) == [
        ("0aec70a8", "resolved", "lower case"),
        ("f0000001", "resolved", "an odd one"),
        *((f"f{number:07}", "resolved", named) for number in range(2, 8)),
    ]
    assert [alert.alert_id for alert in current(read_events(typed.store)) if alert.is_open] == ["other"]


@pytest.mark.parametrize(
    ("words", "kind", "comment"),
    [
        (["ack", "0aec70a8"], "acknowledged", "may follow from schedule unknown_origins (0aec70a8)"),
        (["assign", "0aec70a8", "bob"], "assigned", "may follow from schedule unknown_origins (0aec70a8)"),
        (
            ["snooze", "0aec70a8", "--until", "2024-03-01", "--comment", "known"],
            "snoozed",
            "known (may follow from schedule unknown_origins (0aec70a8))",
        ),
    ],
)
def test_the_other_actions_take_what_may_follow_along(typed, words, kind, comment):
    assert typed(*words, "--with-following")[0] == 0
    found = said(typed)
    assert [(one, how) for one, how, _ in found] == [("0aec70a8", kind), *((f"f{n:07}", kind) for n in range(1, 8))]
    assert {text for _, _, text in found[1:]} == {comment}


def test_of_an_alert_without_any_that_follow_it_is_the_only_one(typed):
    assert typed("resolve", "other", "--with-following", "--comment", "done")[0] == 0
    assert said(typed) == [("other", "resolved", "done")]
    assert typed("reopen", "other", "--with-following", "--comment", "no")[0] == 2
