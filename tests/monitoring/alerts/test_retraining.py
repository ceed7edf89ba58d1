"""What came of the training that an alert asked for, told by the registry and kept with the alert."""

import json
from datetime import timedelta

import mlflow
import pytest
from mlflow import MlflowClient

from feature_store import Misuse
from feature_store.tables.commit import Commit
from monitoring.alerts import actions
from monitoring.alerts.events import Event, append_events, read_events
from monitoring.alerts.retraining import monitor_of, outcome, record_outcomes
from monitoring.alerts.state import current
from training.steps import champion


@pytest.fixture
def registry(parcels, mlflow_database):
    """The registry, with no version of the model of parcels yet."""
    mlflow.set_tracking_uri(mlflow_database)
    client, name = MlflowClient(), parcels.store.tables.full_name("parcel_delay")
    client.create_registered_model(name)
    yield client, name
    client.delete_registered_model(name)
    mlflow.set_tracking_uri(None)


@pytest.fixture
def asked(parcels):
    """A critical alert that asked for a new model as of week 2."""
    opened = Event(
        alert_id="a1", monitor="parcels", table_name="parcel_scores", column_name="load", metric="psi", kind="opened",
        as_of=parcels.week(2), window_start=parcels.week(1), window_end=parcels.week(2), value=1.0, limit=0.25,
    )  # fmt: skip
    [alert] = current([opened])
    asking = actions.retraining_asked(alert, actor="ann", comment="it hurts", as_of=parcels.week(2))
    append_events(parcels.store, [opened, asking], Commit(verb="check-drift", as_of=parcels.week(2)))
    return alert


def trained(registry, moment, **tags):
    client, name = registry
    known = {champion.TRAINED_AS_OF: moment.isoformat()} | tags
    return client.create_model_version(name, source="runs:/none", tags=known).version


def history(parcels):
    events = sorted(read_events(parcels.store), key=Event.order)
    return [(event.kind, event.comment, json.loads(event.evidence)) for event in events if event.kind != "opened"]


def test_a_refused_challenger_is_told_with_the_gate_that_refused_it(parcels, registry, asked):
    trained(registry, parcels.week(2), **{champion.REFUSED_BECAUSE: "roc_auc 0.61 is below 0.65"})
    record_outcomes(parcels.store, parcels.monitor(), as_of=parcels.week(2))
    assert history(parcels)[1:] == [
        (
            "retraining_finished",
            "version 1 stays challenger: roc_auc 0.61 is below 0.65",
            {"promoted": False, "version": "1"},
        )
    ]
    [alert] = current(read_events(parcels.store))
    assert alert.retraining == "version 1 stays challenger: roc_auc 0.61 is below 0.65"


def test_a_new_champion_is_told_once(parcels, registry, asked):
    moment = parcels.week(2).isoformat()
    trained(registry, parcels.week(1))
    trained(registry, parcels.week(2), **{champion.PROMOTED_AS_OF: moment, champion.PROMOTION_REASON: "passed roc_auc"})
    monitor = parcels.monitor()
    assert len(record_outcomes(parcels.store, monitor, as_of=parcels.week(2))) == 1
    assert record_outcomes(parcels.store, monitor, as_of=parcels.week(3)) == []
    assert history(parcels)[1][1:] == ("version 2 became champion: passed roc_auc", {"promoted": True, "version": "2"})


def test_training_that_leads_to_no_version_is_an_outcome_once_it_is_over(parcels, registry, asked):
    monitor = parcels.monitor()
    assert outcome(registry[1], parcels.week(2)) is None
    assert record_outcomes(parcels.store, monitor, as_of=parcels.week(2)) == []
    assert record_outcomes(parcels.store, monitor, as_of=parcels.week(3), is_over=True) == []
    record_outcomes(parcels.store, monitor, as_of=parcels.week(2), is_over=True)
    assert history(parcels)[1][1] == "no new version: training failed, or nothing had changed since the last one"


def test_an_alert_that_asks_again_waits_for_an_outcome_again(parcels, registry, asked):
    trained(registry, parcels.week(2))
    monitor = parcels.monitor()
    record_outcomes(parcels.store, monitor, as_of=parcels.week(2))
    [alert] = current(read_events(parcels.store))
    again = actions.retraining_asked(alert, actor="ann", comment="", as_of=parcels.week(4))
    append_events(parcels.store, [again], Commit(verb="review-alerts", as_of=parcels.week(4)))
    [alert] = current(read_events(parcels.store))
    assert (alert.retraining_as_of, alert.retraining) == (parcels.week(4), "")
    trained(registry, parcels.week(4))
    [event] = record_outcomes(parcels.store, monitor, as_of=parcels.week(4) + timedelta(hours=1))
    assert event.comment == "version 2 stays challenger"


def test_an_alert_of_a_table_has_no_model_to_train_again(asked):
    from dataclasses import replace

    assert monitor_of(replace(asked, monitor="flight_delay")).scoring.training.name == "flight_delay"
    with pytest.raises(Misuse, match="which has no model of its own to train again"):
        monitor_of(replace(asked, monitor="airport_weather", table_name="airport_weather"))
