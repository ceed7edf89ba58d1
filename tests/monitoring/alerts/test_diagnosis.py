"""What an alert's evidence says of its cause: upstream changes, stale tables, other alerts, and whom it concerns."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from feature_store import FeatureLookup, FeatureTable, InvalidRows, OneOf
from feature_store.tables.commit import Commit
from feature_store.tables.properties import KEYS, TIME
from features.publishing.refused import published_or_recorded
from monitoring.alerts.diagnosis import diagnosed
from monitoring.alerts.events import Event
from monitoring.alerts.state import current
from tests.monitoring.conftest import OUTCOMES, SCORING, TRAINING

DAY = timedelta(days=1)
LOAD = FeatureTable(
    name="depot_load", description="How much waits there", owner="depots@example.com", primary_keys=["depot", "at"],
    timeseries_column="at", sources=[OUTCOMES], features={"load": "Parcels"}, compute=lambda outcomes: outcomes,
    checks=[OneOf("depot", ["north"])],
)  # fmt: skip


@pytest.fixture
def opened(parcels):
    """An alert on ``load``, which comes from depot_load, of week 1."""
    return Event(
        alert_id="a1", monitor="parcels", table_name="parcel_scores", column_name="load", metric="psi", kind="opened",
        as_of=parcels.week(2), window_start=parcels.week(1), window_end=parcels.week(2), value=1.0, limit=0.25,
        source="depot_load",
    )  # fmt: skip


def publish(parcels, moment, *, definition="one", start=None, rows=1):
    tables = parcels.store.tables
    df = parcels.store.spark.createDataFrame(
        [("north", moment, float(i)) for i in range(rows)], "depot string, at timestamp, load double"
    )
    if not tables.exists("depot_load"):
        tables.create("depot_load", df.schema, properties={KEYS: json.dumps(["depot", "at"]), TIME: "at"})
    begin = start or moment - DAY
    commit = Commit(
        verb="publish-features",
        as_of=moment,
        window=(begin, moment),
        details={"definition": definition},
        revision="abc",
    )
    tables.append("depot_load", df, commit=commit)


def evidence(parcels, event, **others):
    [found] = diagnosed(parcels.store, parcels.monitor(), [event], **others)
    return json.loads(found.evidence)


def test_a_definition_that_changed_and_a_past_that_was_published_again_are_told(parcels, opened):
    publish(parcels, parcels.week(0) + DAY)
    publish(parcels, parcels.week(1) + DAY, definition="two")
    publish(parcels, parcels.week(1) + 2 * DAY, definition="two", start=parcels.week(0))
    assert evidence(parcels, opened)["upstream"] == [
        "depot_load version 2: its definition changed (revision abc)",
        "depot_load version 3: published again from 2024-01-01 on",
    ]


def test_nights_like_all_others_are_not_told(parcels, opened):
    for number in range(3):
        publish(parcels, parcels.week(1) + number * DAY)
    found = evidence(parcels, opened)
    assert found["upstream"] == []
    assert found["stale"] == []


def of_declared(parcels):
    """A monitor of a model whose feature table is declared, with what it is made from."""
    training = replace(TRAINING, lookups=[FeatureLookup(LOAD, "depot", timestamp_lookup_key="decided_at")])
    return replace(parcels.monitor(), scoring=replace(SCORING, training=training))


def test_an_alert_on_what_the_table_is_made_from_is_told_once(parcels, opened):
    publish(parcels, parcels.week(1) + DAY)
    of_parcels = replace(
        opened,
        alert_id="c3",
        event_id="e",
        monitor="landed",
        table_name="parcels",
        column_name=":table",
        metric="volume",
    )
    for event in (opened, replace(opened, column_name="prediction", source="")):
        [found] = diagnosed(parcels.store, of_declared(parcels), [event], others=current([of_parcels]))
        assert json.loads(found.evidence)["upstream"] == ["parcels has an alert of its own: :table volume (c3)"]
        assert json.loads(found.evidence)["follows"] == ["c3"]


def test_a_table_without_new_rows_and_one_that_is_not_there_are_told(parcels, opened):
    monitor = of_declared(parcels)

    def stale():
        [found] = diagnosed(parcels.store, monitor, [opened])
        return json.loads(found.evidence)["stale"]

    assert stale() == ["depot_load is not there"]
    publish(parcels, parcels.week(0) + DAY)
    assert stale() == ["the newest row of depot_load was of 2024-01-02 00:00"]
    parcels.arrive(0, [True], arrived_at=parcels.week(0) + 2 * DAY)
    assert stale()[1:] == ["the newest row of parcels was of 2024-01-03 00:00"]
    publish(parcels, parcels.week(1) + DAY)
    parcels.arrive(1, [True], arrived_at=parcels.week(2) - DAY)
    assert stale() == []


def refuse(parcels, moment, rows=3):
    """The publication of depot_load as of a moment is refused by a check, as the log has it."""
    unknown = parcels.store.spark.createDataFrame(
        [(f"depot_{number}", moment - DAY / 2, 1.0) for number in range(rows)],
        "depot string, at timestamp, load double",
    )
    commit = Commit(verb="publish-features", as_of=moment, window=(moment - DAY, moment))
    with pytest.raises(InvalidRows):
        published_or_recorded(parcels.store, LOAD, unknown, commit, dry_run=False)


def test_a_publication_that_was_refused_is_told_until_another_one_was_published_before_the_window(parcels, opened):
    monitor = of_declared(parcels)

    def upstream(event=opened):
        [found] = diagnosed(parcels.store, monitor, [event])
        return json.loads(found.evidence)["upstream"]

    publish(parcels, parcels.week(0) + DAY)
    refuse(parcels, parcels.week(0) + 2 * DAY)
    first = "fail the check 'depot in (north)', for example depot=depot_0, at="
    [said] = upstream()
    assert said.startswith(
        f"depot_load was refused by its own checks as of 2024-01-03, and not published since: 3 rows {first}"
    )
    assert not said.endswith(".")

    refuse(parcels, parcels.week(1) + DAY, rows=1)
    [said] = upstream(replace(opened, column_name="prediction", source=""))
    assert said.startswith(
        "depot_load was refused by its own checks 2 times, the last as of 2024-01-09, and not published since: "
        "1 row fail"
    )
    publish(parcels, parcels.week(1) + 2 * DAY)
    [said] = upstream()
    assert "2 times, the last as of 2024-01-09, and published again as of 2024-01-10: " in said
    later = replace(opened, window_start=parcels.week(2), window_end=parcels.week(3))
    assert upstream(later) == []
    assert upstream(replace(opened, window_start=parcels.week(-2), window_end=parcels.week(-1))) == []


def test_an_alert_on_the_table_that_the_feature_comes_from_is_told(parcels, opened):
    publish(parcels, parcels.week(1) + DAY)
    of_table = replace(
        opened,
        alert_id="b2",
        event_id="e",
        monitor="loads",
        table_name="depot_load",
        column_name=":table",
        metric="volume",
    )
    found = evidence(parcels, opened, others=current([of_table]))
    assert found["upstream"] == ["depot_load has an alert of its own: :table volume (b2)"]
    assert found["follows"] == ["b2"]
    assert [alert.follows for alert in current([of_table, replace(opened, evidence=json.dumps(found))])] == ["", "b2"]


def test_the_model_and_its_owner_are_concerned(parcels, opened):
    publish(parcels, parcels.week(1) + DAY)
    found = evidence(parcels, opened)
    assert found["owner"] == "parcels@example.com"
    model = parcels.store.tables.full_name("parcel_delay")
    assert found["concerned"] == [{"model": model, "owner": "parcels@example.com", "score_table": "parcel_scores"}]


def test_a_cause_that_is_no_feature_is_looked_for_in_all_tables_of_the_model(parcels, opened):
    found = evidence(parcels, replace(opened, column_name="prediction", source=""))
    assert found["stale"] == ["depot_load is not there"]


def test_only_what_opens_an_alert_is_diagnosed(parcels, opened):
    going_on = replace(opened, kind="still_violating", event_id="e2")
    assert diagnosed(parcels.store, parcels.monitor(), [going_on]) == [going_on]
