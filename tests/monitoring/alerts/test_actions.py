"""What people do with alerts, one after the other and at once; and events that make no sense."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pyspark.sql.types import StructType

from feature_store import Misuse, NotFound
from feature_store.tables.commit import Commit
from monitoring.alerts import actions
from monitoring.alerts.events import Event, append_events, read_events
from monitoring.alerts.judge import judge
from monitoring.alerts.reviewing import Filter, act
from monitoring.alerts.state import current, pick_all, replay
from monitoring.drift.metrics import WindowParts
from monitoring.drift.schemas import EVENTS, arrow_table
from monitoring.limits import Patience, Psi, Severity
from monitoring.spec import Retraining
from monitoring.windows.metrics import TABLE, WindowMetrics

DAY = timedelta(days=1)


def weekly(example, *values, columns=("load",)):
    return {
        example.window(number): WindowParts(
            {TABLE: WindowMetrics(rows=100)}
            | {name: WindowMetrics(rows=100, model_version="1", psi=value) for name in columns}
        )
        for number, value in enumerate(values)
    }


@pytest.fixture
def opened(example):
    """The events of one alert that was opened in week 0."""
    return judge(example.monitor(), weekly(example, 0.4), [], as_of=example.week(1)).events


def test_an_alert_is_assigned_and_given_to_somebody_else(example, opened):
    [alert] = current(opened)
    one = actions.assigned(alert, assignee="ann", actor="bob", comment="", as_of=example.week(1))
    [alert] = current([*opened, one])
    assert (alert.assignee, alert.status) == ("ann", "open")
    with pytest.raises(Misuse, match="assigned to ann already"):
        actions.assigned(alert, assignee=" ann ", actor="bob", comment="", as_of=example.week(1))
    with pytest.raises(Misuse, match="Say to whom"):
        actions.assigned(alert, assignee=" ", actor="bob", comment="", as_of=example.week(1))
    other = actions.assigned(alert, assignee="cem", actor="ann", comment="", as_of=example.week(2))
    assert current([*opened, one, other])[0].assignee == "cem"


def test_a_snoozed_alert_is_hidden_and_asks_for_nothing_until_it_wakes(example):
    critical = {"load": Psi(0.25, severity=Severity.CRITICAL)}
    monitor = example.monitor(critical, retraining=Retraining(at_most_every=timedelta(0)))
    recorded = judge(monitor, weekly(example, 0.4), [], as_of=example.week(1)).events
    [alert] = current(recorded)
    until = example.week(2) + DAY
    recorded.append(actions.snoozed(alert, until=until, actor="ann", comment="a feast", as_of=example.week(1)))
    asleep = judge(monitor, weekly(example, 0.4, 0.5), recorded, as_of=example.week(2))
    assert (asleep.retrain, asleep.alerts[0].is_snoozed(example.week(2))) == (False, True)
    assert not Filter().wants(asleep.alerts[0], example.week(2))
    assert Filter(snoozed=True).wants(asleep.alerts[0], example.week(2))
    awake = judge(monitor, weekly(example, 0.4, 0.5, 0.6), recorded + asleep.events, as_of=example.week(3))
    assert (awake.retrain, Filter().wants(awake.alerts[0], example.week(3))) == (True, True)


def test_a_snooze_ends_within_a_year_and_later_than_now(example, opened):
    [alert] = current(opened)
    for until in (example.week(1), example.week(60)):
        with pytest.raises(Misuse, match="name a moment after 2024-01-08 00:00, at most a year later"):
            actions.snoozed(alert, until=until, actor="ann", comment="", as_of=example.week(1))


def test_an_alert_that_a_person_opens_again_is_closed_by_a_person_only(example, opened):
    recorded = opened + judge(example.monitor(), weekly(example, 0.4, 0.1), opened, as_of=example.week(2)).events
    [alert] = current(recorded)
    assert alert.status == "recovered"
    recorded.append(actions.reopened(alert, actor="ann", comment="not over", as_of=example.week(2)))
    later = judge(example.monitor(), weekly(example, 0.4, 0.1, 0.1), recorded, as_of=example.week(3))
    assert [alert.status for alert in later.alerts] == ["open"]
    [alert] = later.alerts
    done = actions.resolved(alert, actor="ann", comment="it is", as_of=example.week(3))
    assert [alert.status for alert in current([*recorded, done])] == ["resolved"]


def test_only_what_is_over_is_opened_again_and_with_a_reason(example, opened):
    [alert] = current(opened)
    with pytest.raises(Misuse, match="cannot be reopened: it is open"):
        actions.reopened(alert, actor="ann", comment="again", as_of=example.week(1))
    with pytest.raises(Misuse, match="Say with --comment why"):
        actions.reopened(replace(alert, status="resolved"), actor="ann", comment=" ", as_of=example.week(1))


def test_resolving_and_opening_again_as_of_one_moment_keeps_their_order(example, opened):
    [alert] = current(opened)
    moment = example.week(1)
    done = replace(actions.resolved(alert, actor="ann", comment="done", as_of=moment), recorded_at=moment)
    again = actions.reopened(current([*opened, done])[0], actor="bob", comment="no", as_of=moment)
    again = replace(again, recorded_at=moment + timedelta(seconds=1))
    assert [one.status for one in current([again, done, *opened])] == ["open"]


def test_where_recovery_does_not_close_an_alert_waits_for_a_person(example):
    monitor = replace(example.monitor(patience=Patience()), closed_by_recovery=False)
    verdict = judge(monitor, weekly(example, 0.4, 0.1, 0.1), [], as_of=example.week(3))
    assert [event.kind for event in verdict.events] == ["opened", "subsided"]
    [alert] = verdict.alerts
    assert (alert.status, alert.is_open) == ("subsided", True)
    worse = judge(monitor, weekly(example, 0.4, 0.1, 0.1, 0.5), verdict.events, as_of=example.week(4))
    assert [(one.status, one.windows) for one in worse.alerts] == [("open", 2)]
    assert judge(monitor, weekly(example, 0.4, 0.1, 0.1), verdict.events, as_of=example.week(3)).events == []


def test_features_of_one_table_that_move_at_once_are_a_group(example):
    columns = ("a", "b", "c", "d")
    monitor = example.monitor({name: Psi(0.25) for name in columns})
    events = judge(monitor, weekly(example, 0.4, columns=columns), [], as_of=example.week(1)).events
    from_one_table = [replace(event, source="depot_load" if event.column_name != "d" else "") for event in events]
    alerts = current(from_one_table)
    groups = {alert.group for alert in alerts if alert.column_name != "d"}
    [group] = groups
    assert [alert.column_name for alert in pick_all(alerts, group)] == ["a", "b", "c"]
    assert {alert.group for alert in alerts if alert.column_name == "d"} == {""}
    two = [event for event in from_one_table if event.column_name in ("a", "b")]
    assert {alert.group for alert in current(two)} == {""}


def record(parcels, events):
    append_events(parcels.store, events, Commit(verb="check-drift", as_of=parcels.week(1)))


def test_an_action_on_a_group_is_one_on_each_member_that_it_makes_sense_for(parcels):
    monitor = parcels.monitor({name: Psi(0.25) for name in "abc"})
    events = judge(monitor, weekly(parcels, 0.4, columns="abc"), [], as_of=parcels.week(1)).events
    record(parcels, [replace(event, source="depot_load") for event in events])
    alerts = current(read_events(parcels.store))

    def acknowledge(alert):
        return actions.acknowledged(alert, actor="ann", comment="", as_of=parcels.week(1))

    act(parcels.store, alerts[0].alert_id, acknowledge, as_of=parcels.week(1))
    done = act(parcels.store, alerts[0].group, acknowledge, as_of=parcels.week(1))
    assert [event.column_name for event in done] == ["b", "c"]
    with pytest.raises(Misuse, match="acknowledged by ann already"):
        act(parcels.store, alerts[0].group, acknowledge, as_of=parcels.week(1))


def test_of_two_people_who_resolve_at_once_the_second_is_told_and_nothing_is_lost(parcels, opened):
    record(parcels, opened)

    def resolve_second(alert):
        """Somebody else resolves the alert between the reading and the writing."""
        first = actions.resolved(alert, actor="ann", comment="a sensor", as_of=parcels.week(1))
        record(parcels, [first])
        return actions.resolved(alert, actor="bob", comment="a new depot", as_of=parcels.week(1))

    with pytest.raises(Misuse, match=r"was resolved by ann in the same moment: 'a sensor'. What you said is kept"):
        act(parcels.store, opened[0].alert_id, resolve_second, as_of=parcels.week(1))
    events = read_events(parcels.store)
    assert sorted(event.comment for event in events if event.kind == "resolved") == ["a new depot", "a sensor"]
    found = replay(events)
    assert [(alert.handled_by, alert.comment) for alert in found.alerts] == [("ann", "a sensor")]
    assert len(found.without_effect) == 1


def test_an_unknown_alert_is_named_with_the_closest(parcels, opened):
    record(parcels, opened)
    with pytest.raises(NotFound, match=f"There is no alert 'zzz'. There is: {opened[0].alert_id}"):
        act(parcels.store, "zzz", lambda alert: opened[0], as_of=parcels.week(1))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ({"kind": "explodes"}, "of the unknown kind 'explodes'"),
        ({"alert_id": ""}, "lacks alert_id"),
        ({"evidence": "{"}, "has evidence that is no JSON object"),
        ({"evidence": "[1]"}, "has evidence that is no JSON object"),
        ({"kind": "opened", "value": None}, "lacks value"),
    ],
)
def test_an_event_that_makes_no_sense_is_told_and_the_others_count(parcels, opened, caplog, damage, told):
    record(parcels, opened)
    row = {name: getattr(opened[0], name) for name in EVENTS.names} | {"event_id": "broken"} | damage
    commit = Commit(verb="check-drift", as_of=parcels.week(1))
    parcels.store.tables.append("drift_alert_events", arrow_table([row], EVENTS), commit=commit)
    assert [event.event_id for event in read_events(parcels.store)] == [opened[0].event_id]
    assert told in caplog.text


def test_an_events_table_of_before_gets_the_columns_it_lacks(parcels, opened, spark):
    added = ("slice_key", "slice_value", "source", "assignee", "until", "recorded_at")
    schema = StructType([column for column in EVENTS if column.name not in added])
    rows = [tuple(getattr(opened[0], name) for name in schema.names)]
    df = spark.createDataFrame(rows, schema)
    parcels.store.tables.create("drift_alert_events", df.schema)
    parcels.store.tables.append("drift_alert_events", df, commit=Commit(verb="check-drift", as_of=parcels.week(1)))
    assert [replace(event, source=opened[0].source) for event in read_events(parcels.store)] == opened
    act(
        parcels.store,
        opened[0].alert_id,
        lambda alert: actions.assigned(alert, assignee="ann", actor="bob", comment="", as_of=parcels.week(1)),
        as_of=parcels.week(1),
    )
    assert [alert.assignee for alert in current(read_events(parcels.store))] == ["ann"]


def test_who_acts_and_what_they_say_is_bounded(example, opened):
    [alert] = current(opened)
    with pytest.raises(Misuse, match="Say who acts"):
        actions.acknowledged(alert, actor=" ", comment="", as_of=example.week(1))
    with pytest.raises(Misuse, match="at most 4000 characters; this one has 4001"):
        actions.acknowledged(alert, actor="ann", comment="x" * 4001, as_of=example.week(1))


def test_a_filter_chooses_by_what_it_names(example, opened):
    [alert] = current([replace(opened[0], source="depot_load")])
    now = example.week(1)
    for chosen, expected in [
        (Filter(monitor="parcels"), True),
        (Filter(monitor="other"), False),
        (Filter(severity="critical"), False),
        (Filter(column="lo*"), True),
        (Filter(source="depot_*"), True),
        (Filter(assignee="ann"), False),
        (Filter(since=example.week(1)), False),
        (Filter(status="resolved"), False),
    ]:
        assert chosen.wants(alert, now) is expected


def test_the_evidence_stays_json(opened):
    assert isinstance(json.loads(opened[0].evidence), dict)
    assert isinstance(opened[0], Event)
