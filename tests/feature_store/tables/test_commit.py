"""What a commit says of where it came from."""

from datetime import UTC, datetime, timedelta, timezone

from feature_store.job import task_context
from feature_store.moments import utc
from feature_store.tables.commit import FORMAT, Commit, code_revision

JULY = datetime(2013, 7, 1, tzinfo=UTC)


def test_a_commit_comes_back_as_it_was_written():
    commit = Commit(
        verb="publish-features",
        as_of=JULY,
        sources={"dev.flights.flights": 3},
        window=(JULY - timedelta(days=30), JULY + timedelta(microseconds=1)),
        details={"definition": "ab12", "views": ["departures"]},
        revision="0123456789ab",
        run="42",
    )

    assert Commit.from_json(commit.to_json()) == commit


def test_revision_and_run_are_filled_in_where_they_were_left_open():
    with task_context({}, "run-7"):
        written = Commit.from_json(Commit(verb="ingest-sources", as_of=JULY).to_json())

    assert written is not None
    assert (written.revision, written.run, written.window) == (code_revision(), "run-7", None)


def test_what_another_program_wrote_is_no_commit_of_ours():
    for text in (None, "", "nightly load", "{}", "[1]", '{"verb": "x"}', '{"verb": "x", "window": [1]}'):
        assert Commit.from_json(text) is None


def test_the_format_is_written_down():
    assert f'"format": {FORMAT}' in Commit(verb="x", as_of=JULY).to_json()


def test_a_moment_without_a_zone_is_utc_and_others_are_converted():
    assert utc(datetime(2013, 7, 1)) == JULY
    assert utc(datetime(2013, 6, 30, 20, tzinfo=timezone(timedelta(hours=-4)))) == JULY
    assert utc(datetime(2013, 6, 30, 20, tzinfo=timezone(timedelta(hours=-4)))).tzinfo is UTC
