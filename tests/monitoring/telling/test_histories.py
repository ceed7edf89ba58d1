"""What the catalog's page is given of a feature: its windows in the scores of the model that looks it up, and the alerts on it."""

from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from feature_store import open_store
from feature_store.catalog.model import SCORES, Catalog, Column, Reader, Table
from monitoring.catalog import main
from monitoring.telling.histories import histories
from tests.monitoring.app import conftest as made

DEPOT, SCORED = "dev.flights.depot_load", f"dev.flights.{made.SCORES}"
LATER = made.MONDAY + made.WEEKS * made.WEEK


def known() -> Catalog:
    """A score table whose model looks up the load of depot_load."""
    scores = Table(SCORED, columns=[Column("load", "double"), Column("prediction", "double")])
    reader = Reader(SCORED, SCORES, reads={DEPOT: {"load", "unmeasured"}})
    return Catalog("dev.flights", {SCORED: scores}, [reader])


def test_a_feature_has_the_windows_and_the_alerts_of_its_column_in_the_scores(tmp_path: Path):
    store = made.make(tmp_path)
    found = histories(store, known(), as_of=LATER)
    assert list(found) == [(DEPOT, "load")]
    [load] = found[DEPOT, "load"]
    assert (load.of, len(load.windows), load.windows[0]) == ("flight_delay_scores, 1 week", 12, "2024-01-01")
    assert (load.low[0], load.high[0], load.nulls[0]) == (0.025, 0.475, 0.0)
    assert (load.mean, load.drift[:1], load.drift[-1:], load.limit) == ([], [0.1], [0.9], 0.25)
    assert load.alerts == ["warning: load psi 0.5, limit 0.25, since 2024-03-04, 1 window, open"]


def test_what_was_not_known_by_then_is_not_told(tmp_path: Path):
    store = made.make(tmp_path)
    [load] = histories(store, known(), as_of=made.MONDAY + 3 * made.WEEK + timedelta(days=1))[DEPOT, "load"]
    assert (load.windows, load.alerts, load.limit) == (["2024-01-01", "2024-01-08", "2024-01-15"], [], None)


def test_metric_tables_that_are_not_there_or_torn_hide_nothing(tmp_path: Path):
    store = open_store(workspace=tmp_path)
    assert histories(store, known(), as_of=LATER) == {}
    torn = made.make(tmp_path)
    for log in (torn.tables.path(f"{made.SCORES}_drift_metrics") / "_delta_log").glob("*.json"):
        log.write_text("torn")
    assert histories(torn, known(), as_of=LATER) == {}


def test_the_command_writes_the_page_and_says_where(tmp_path: Path):
    made.make(tmp_path)
    result = CliRunner().invoke(main, ["--workspace", str(tmp_path)])
    page = tmp_path / "reports" / "catalog" / "index.html"
    assert (result.exit_code, result.stdout.split()) == (0, ["0", "features", "of", "0", "tables:", str(page)])
    assert "flight_delay_scores_profile_metrics" in page.read_text()
