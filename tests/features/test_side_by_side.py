"""Tables published at the same time: each has a commit of its own, and one that is refused leaves no other half done."""

import pytest

from feature_store import InvalidRows, Source
from feature_store.job import task_context
from feature_store.side_by_side import side_by_side
from features.publish import publish
from tests.features.events import SCHEMA, as_they_are, at, declare, land, rows


@pytest.fixture
def landed(store, frame):
    land(store, frame([("JFK", 5.0, at(2)), ("LGA", 7.0, at(3))], SCHEMA))
    return store


def newest_of_each_origin(number):
    """A table without time, from a source of its own name."""
    source = Source(name=f"events_{number}", description="Events", table="events", columns=["origin", "delay"])
    return declare(
        lambda events: events.select("origin", "delay"),
        name=f"origins_{number}",
        primary_keys=["origin"],
        timeseries_column=None,
        sources=[source],
    )


@pytest.mark.parametrize("in_process", [True, False], ids=["delta-rs", "Spark"])
def test_each_table_has_its_own_rows_and_its_own_commit_which_names_the_jobs_run(landed, in_process):
    landed.tables.in_process = in_process
    tables = [newest_of_each_origin(number) for number in range(2)]

    with (
        task_context({}, "the-run", job="nightly"),
        side_by_side(tables, lambda table: publish(landed, table, as_of=at(4))) as publishing,
    ):
        done = [(table.name, running.result().chunks[0].rows) for table, running in publishing]

    assert done == [(table.name, 2) for table in tables]
    for number, table in enumerate(tables):
        assert rows(landed, table.name) == [("JFK", 5.0), ("LGA", 7.0)]
        commit = landed.tables.history(table.name)[0].commit
        assert (commit.details["views"], commit.run) == ([f"events_{number}"], "the-run")
        assert commit.details["job"] == "nightly"


def test_after_a_refusal_what_was_begun_is_whole_and_nothing_else_is_begun(landed):
    def twice(events):
        return as_they_are(events.unionByName(events))

    tables = [declare(twice, name="refused"), *(declare(name=f"delays_{number}") for number in range(12))]

    def publish_all():
        with side_by_side(tables, lambda table: publish(landed, table, as_of=at(4))) as publishing:
            for _, running in publishing:
                running.result()

    with pytest.raises(InvalidRows, match="Feature table refused"):
        publish_all()

    there = [name for name in landed.tables.names() if name not in ("events", "refused_publications")]
    assert "refused" not in there
    assert len(there) < 12
    for name in there:
        assert rows(landed, name) == [("JFK", "02T12", 5.0), ("LGA", "03T12", 7.0)]
