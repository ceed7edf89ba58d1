"""A declaration that changed: features are added, texts renewed; what models rely on is not changed under them."""

import pytest
from pyspark.sql import functions as F

from feature_store import SchemaMismatch
from features.publish import publish
from tests.features.events import SCHEMA, as_they_are, at, declare, land, rows


@pytest.fixture
def published(store, frame):
    """The events of the 2nd and the 3rd, published until the 3rd at noon."""
    land(store, frame([("JFK", 5.0, at(2)), ("JFK", 7.0, at(3))], SCHEMA))
    publish(store, declare(), as_of=at(3))
    return store


def in_hours(events):
    return as_they_are(events).withColumn("delay_hours", F.col("delay") / 60)


def test_a_new_feature_is_added_with_its_comment_and_is_null_in_old_rows_until_they_are_published_again(published):
    table = declare(in_hours, features={"delay_hours": "Hours", "delay": "Minutes"})

    done = publish(published, table, as_of=at(4))

    assert done.sentence == (
        "1 row from 2013-06-03 12:00 to 2013-06-04 12:00; "
        "added delay_hours (null before 2013-06-03 12:00; --full fills it)"
    )
    assert rows(published) == [("JFK", "02T12", 5.0, None), ("JFK", "03T12", 7.0, 7 / 60)]
    assert published.get_table(name="delays").schema["delay_hours"].metadata["comment"] == "Hours"

    publish(published, table, as_of=at(4), start=at(2), end=at(3))
    assert rows(published) == [("JFK", "02T12", 5.0, 5 / 60), ("JFK", "03T12", 7.0, 7 / 60)]


def test_a_new_feature_fills_all_rows_of_a_table_without_time_at_once(store, frame):
    def latest(events):
        return events.groupBy("origin").agg(F.max("delay").alias("delay"))

    def both(events):
        return latest(events).withColumn("delay_hours", F.col("delay") / 60)

    facts = {"primary_keys": ["origin"], "timeseries_column": None}
    land(store, frame([("JFK", 5.0, at(2)), ("LGA", 7.0, at(3))], SCHEMA))
    publish(store, declare(latest, **facts), as_of=at(4))
    wider = declare(both, **facts, features={"delay": "Minutes", "delay_hours": "Hours"})

    assert publish(store, wider, as_of=at(5), dry_run=True).sentence == "would change 2 rows; adds delay_hours"
    assert publish(store, wider, as_of=at(5)).sentence == "2 rows changed; added delay_hours"
    assert rows(store) == [("JFK", 5.0, 5 / 60), ("LGA", 7.0, 7 / 60)]


def test_changed_texts_are_renewed_in_place(published):
    table = declare(description="How late", owner="them@example.com", features={"delay": "Minutes of delay"})

    done = publish(published, table, as_of=at(4))

    assert done.sentence.endswith("; renewed the comment of delay, description, owner")
    stored = published.get_table(name="delays")
    assert (stored.description, stored.owner) == ("How late", "them@example.com")
    assert stored.schema["delay"].metadata["comment"] == "Minutes of delay"
    assert stored.primary_keys == ["origin", "known_at"]
    assert publish(published, table, as_of=at(5)).sentence == "0 rows from 2013-06-04 12:00 to 2013-06-05 12:00"


def in_whole_minutes(events):
    return as_they_are(events).withColumn("delay", F.col("delay").cast("int"))


@pytest.mark.parametrize(
    ("compute", "changes", "difference"),
    [
        (in_whole_minutes, {}, "'delay' is double, and compute() now gives int"),
        (lambda events: as_they_are(events).withColumnRenamed("delay", "minutes"), {"features": {"minutes": "Minutes"}}, "'delay' is no longer declared (is it 'minutes' now?)"),
        (lambda events: as_they_are(events).withColumn("late", F.lit(True)).drop("delay"), {"features": {"late": "Late"}}, "'delay' is no longer declared."),
        (lambda events: as_they_are(events).withColumn("dest", F.lit("BOS")), {"primary_keys": ["origin", "dest", "known_at"]}, "its keys are origin, known_at (the time), declared are origin, dest, known_at (the time)."),
        (lambda events: as_they_are(events), {"timeseries_column": None}, "its keys are origin, known_at (the time), declared are origin, known_at."),
        (lambda events: as_they_are(events).withColumnRenamed("delay", "DELAY"), {"features": {"DELAY": "Minutes"}}, "'DELAY' differs from 'delay' by case only; 'delay' is no longer declared"),
    ],
    ids=["type", "renamed", "removed", "key", "time", "case"],
)  # fmt: skip
def test_a_change_that_would_break_readers_is_refused_with_the_difference_and_the_ways_out(
    published, compute, changes, difference
):
    before = published.get_table(name="delays")

    with pytest.raises(SchemaMismatch) as raised:
        publish(published, declare(compute, **changes), as_of=at(4), full=True)

    assert str(raised.value).startswith(f"Feature table test.flights.delays is stored as another one: {difference}")
    assert "Nothing was written." in str(raised.value)
    assert "publish under another name; or, if nobody reads it, drop the table" in str(raised.value)
    assert published.get_table(name="delays") == before
