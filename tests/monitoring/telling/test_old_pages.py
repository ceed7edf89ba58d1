"""Old pages of checks are deleted, but those that an open alert began with."""

from feature_store import open_store
from feature_store.tables.commit import Commit
from monitoring.alerts.events import append_events
from monitoring.telling.page.page import LATEST, MOST_KEPT, write
from tests.monitoring.telling.checks import EXAMPLE, by_hand, drifting


def test_the_newest_pages_are_kept_and_the_one_that_an_open_alert_began_with(tmp_path):
    store = open_store(workspace=tmp_path / "workspace")
    first = by_hand(EXAMPLE.monitor(), drifting(0.5))
    append_events(store, first.verdict.events, Commit(verb="check-drift", as_of=first.as_of))
    begun = write(store, first)
    others = [begun.with_name(f"2024-02-01T{n // 60:02}-{n % 60:02}-00.html") for n in range(MOST_KEPT)]
    for other in others:
        other.write_text("another")
    again = write(store, by_hand(EXAMPLE.monitor(), drifting(0.5, 0.5), recorded=first.verdict.events))
    there = {page.name for page in begun.parent.iterdir()}
    assert there == {LATEST, begun.name, again.name, *(other.name for other in others)}

    newest = others[-1].with_name("2024-03-01.html")
    newest.write_text("another")
    write(store, by_hand(EXAMPLE.monitor(), drifting(0.5, 0.1), recorded=first.verdict.events))
    there = {page.name for page in begun.parent.iterdir()}
    assert there == {LATEST, again.name, newest.name, *(other.name for other in others[1:])}
