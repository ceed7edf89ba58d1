"""The demo itself, the job ``replay``, on a slice of the real data: Newark's departures until the middle of March.

In the workspace that it leaves the command lines of the documents are typed.
"""

import json
import re
import runpy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from polars.testing import assert_frame_equal
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from feature_store import FeatureStore, open_store
from features.flights import landing
from resources.entry_points import installed_entry_points
from resources.run import main
from resources.runs.history import History
from tests.documents import RUN, Line, of, translated
from tests.frames import assert_df_equality
from tests.monitoring.app.conftest import serving
from training.steps.champion import promotions

ROOT = Path(__file__).parents[1]
MODEL = "dev.flights.flight_delay"
ROUNDS = [{"from": "2013-02-15", "as_of": "2013-03-01"}, {"from": "2013-03-01", "as_of": "2013-03-15"}]
SLICED = ("flights.csv.zip", "weather.csv")
LOG = "scoring_runs"
HERE = {
    # The documents speak of the whole year's demo. Its moments, and which ones they are here:
    "2013-03-01": "2013-02-01", "2013-04-01": "2013-02-08", "2013-06-24": "2013-02-08", "2013-07-01": "2013-02-15",
    "2014-01-01": "2013-03-18", "2014-02-01": "2013-04-18",
    # Its alerts: the model's; weather that did not come, and how little there was.
    "858ad5f1": "02ae926a", "0aec70a8": "7ad3e89e", "56d8e9c4": "8aee4ed7",
    # Its models' versions: the first one, and a former champion.
    "1": "1", "2": "1",
}  # fmt: skip
# The run that wrote a row, and the version of the score table that a window was measured at.
OF_THE_RUN = ("run_id", "logging_table_commit_version")


@dataclass(frozen=True)
class Replayed:
    """The store after the job had run twice; the tables, model versions and printed lines after each run."""

    store: FeatureStore
    runs: list[Result] = field(default_factory=list)
    tables: list[dict[str, pl.DataFrame]] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def run(self, workspace: Path) -> None:
        """Type ``run-job replay`` with the slice's own rounds."""
        moments = ["--params", "first_as_of=2013-02-15", "--params", f"rounds={json.dumps(ROUNDS)}"]
        # Other processes would neither know the slice nor use this one's Spark.
        here = ["replay", "--in-process", "--workspace", str(workspace)]
        self.runs.append(CliRunner().invoke(main, [*here, *moments]))
        self.tables.append({name: whole(self.store, name) for name in self.store.tables.names()})
        self.versions.append(len(MlflowClient().search_model_versions(f"name = '{MODEL}'")))

    def type(self, words: Sequence[str]) -> Result:
        """Type a command."""
        command = installed_entry_points("feature_pipelines")[words[0]]()
        place = {"PIPELINE_WORKSPACE": str(self.store.workspace)}
        return CliRunner().invoke(command, words[1:], prog_name=words[0], env=place)


def whole(store: FeatureStore, name: str) -> pl.DataFrame:
    """All rows of a table in one order; what lists and structs hold is compared as text."""
    table = pl.read_delta(str(store.tables.path(name)))  # type: ignore[attr-defined]
    nested = [name for name, kind in table.schema.items() if kind.is_nested()]
    texts = [pl.Series(name, [json.dumps(value, default=str) for value in table[name]]) for name in nested]
    plain = table.with_columns(texts).drop(OF_THE_RUN, strict=False)
    return plain.sort(plain.columns)


@pytest.fixture(scope="module")
def replayed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    """Two runs of the job on what ``landing`` reads, of which Newark until the middle of March is left.

    Of United's flights there are three days more: neither run gets there.
    """
    read_csv, workspace = landing.read_csv, tmp_path_factory.mktemp("demo")
    read: dict[str, pd.DataFrame] = {}

    def read_slice(name: str) -> pd.DataFrame:
        if name not in read:
            rows = read_csv(name)
            if name in SLICED:
                is_later = rows["carrier"] == "UA" if "carrier" in rows else False
                is_kept = (rows["time_hour"] < "2013-03-15") | (is_later & (rows["time_hour"] < "2013-03-18"))
                rows = rows[(rows["origin"] == "EWR") & is_kept]
            read[name] = rows.reset_index(drop=True)
        return read[name].copy()

    with pytest.MonkeyPatch.context() as slice_of_the_data:
        slice_of_the_data.setattr(landing, "read_csv", read_slice)
        slice_of_the_data.chdir(ROOT)
        slice_of_the_data.delenv("MLFLOW_TRACKING_URI", raising=False)
        found = Replayed(open_store(workspace=workspace))
        found.run(workspace)
        found.run(workspace)
        yield found


def test_the_job_succeeds_and_says_so_of_each_task(replayed: Replayed) -> None:
    first = replayed.runs[0]

    assert first.exit_code == 0, first.output
    for task in (
        "replay > publish > publish_features",
        "replay > train > validate",
        "replay > train > promote",
        "replay > rounds[2013-03-01] > score > score_batch",
        "replay > rounds[2013-03-01] > score > check_consistency",
        "replay > rounds[2013-03-15] > monitor > check_drift",
        "replay > summary",
        "replay",
    ):
        assert re.search(rf"^{re.escape(task)}  SUCCESS", first.output, re.MULTILINE)


def test_it_lands_the_sources_publishes_the_features_and_leaves_scores_metrics_and_a_training_set(
    replayed: Replayed,
) -> None:
    assert set(replayed.tables[0]) >= {
        *("flights", "weather", "planes", "airports", "airlines"),
        *("airport_weather", "origin_congestion", "carrier_punctuality", "route_punctuality", "destination_congestion"),
        *("aircraft_day", "aircraft", "airport", "flight_schedule"),
        *("flight_delay_training_set", "flight_delay_scores"),
        *("flight_delay_scores_profile_metrics", "flight_delay_scores_drift_metrics", "scoring_runs"),
    }
    assert all(rows.height for name, rows in replayed.tables[0].items() if name != "drift_alert_events")


def test_the_first_champion_takes_office_before_the_first_round_and_is_better_than_chance_without_a_leak(
    replayed: Replayed,
) -> None:
    first = promotions(MODEL)[0]

    assert (first.version, f"{first.since:%Y-%m-%d}") == ("1", "2013-02-15")
    run = MlflowClient().get_run(MlflowClient().get_model_version(MODEL, "1").run_id)
    assert 0.65 < run.data.metrics["roc_auc"] < 0.85
    assert run.data.metrics["roc_auc"] > run.data.metrics["logistic_regression.roc_auc"] > 0.5


def test_each_round_scores_every_scheduled_flight_of_its_window_once_the_cancelled_ones_too(replayed: Replayed) -> None:
    tables = replayed.store.tables
    decided = F.col("decided_at").between(
        F.lit("2013-02-15").cast("timestamp"), F.lit("2013-03-14T23:59:59.999999").cast("timestamp")
    )
    month = F.month("decided_at").alias("month")

    scheduled = (
        tables.read("flights")
        .where(decided)
        .select("flight_id", "carrier", "tailnum", "origin", "dest", "decided_at", month)
    )
    scored = tables.read("flight_delay_scores").select(
        "flight_id", "carrier", "tailnum", "origin", "dest", "decided_at", month
    )

    assert_df_equality(scheduled, scored, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)
    assert tables.read("flights").where(decided & F.col("cancelled_at").isNotNull()).count() > 100


def test_no_score_was_made_of_a_value_that_was_known_only_after_the_decision(replayed: Replayed) -> None:
    scores = replayed.store.tables.read("flight_delay_scores")

    later = scores.where("previous_departed_at > decided_at OR previous_arrived_at > decided_at")
    assert later.count() == 0
    assert scores.where("previous_departed_at IS NOT NULL").count() > 1_000


def test_drift_is_measured_week_by_week_and_the_last_window_is_complete_by_the_last_moment(replayed: Replayed) -> None:
    profile = replayed.store.tables.read("flight_delay_scores_profile_metrics").where("column_name = ':table'")

    weeks = sorted(
        {(f"{row.window.start:%m-%d}", f"{row.window.end:%m-%d}") for row in profile.select("window").collect()}
    )
    assert weeks == [("02-11", "02-18"), ("02-18", "02-25"), ("02-25", "03-04"), ("03-04", "03-11")]


def test_it_ends_with_a_table_that_a_person_can_read_and_with_what_to_type_next(replayed: Replayed) -> None:
    summary = replayed.runs[0].output.split("replay > summary  started")[1]

    months = [line.split()[:3] for line in summary.splitlines() if line.startswith("2013-")]
    counted = (
        replayed.tables[0]["flight_delay_scores"]["decided_at"].dt.strftime("%Y-%m").value_counts().sort("decided_at")
    )
    assert [[month, rows] for month, rows, *_ in months] == [
        [month, f"{rows:,}"] for month, rows in counted.iter_rows()
    ]
    assert "Versions of dev.flights.flight_delay" in summary
    assert re.search(r"^ *1  2013-02-15  champion", summary, re.MULTILINE)
    for command in ("review-alerts list", "show-lineage", "mlflow ui"):
        assert command in summary


def test_a_second_run_changes_no_row_of_any_table_and_adds_no_version_of_the_model(replayed: Replayed) -> None:
    assert replayed.runs[1].exit_code == 0, replayed.runs[1].output
    before, after = replayed.tables

    assert before.keys() == after.keys()
    for name in before.keys() - {LOG}:
        assert_frame_equal(before[name], after[name])
    # The log has a row for each window that was asked for: the second run's say that nothing was done again.
    assert sorted(after[LOG]["outcome"]) == ["repeated", "repeated", "scored", "scored"]
    assert replayed.versions[0] == replayed.versions[1]


def test_the_notebooks_of_feature_engineers_and_data_scientists_run_on_these_tables_and_register_nothing(
    replayed: Replayed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(replayed.store.tables.names())
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(replayed.store.workspace))
    monkeypatch.setenv("NOTEBOOK_AS_OF", "2013-03-15")
    monkeypatch.setenv("NOTEBOOK_HOLDOUT_DAYS", "7")

    runpy.run_path(str(ROOT / "examples" / "notebooks" / "feature_engineer.py"))
    runpy.run_path(str(ROOT / "examples" / "notebooks" / "data_scientist.py"))

    printed = capsys.readouterr().out
    assert re.search(r"^would write 1,7\d\d rows from the beginning to 2013-03-15 00:00$", printed, re.MULTILINE)
    assert re.search(r"^roc_auc +0\.[67]\d+, wanted at least 0\.65: passed$", printed, re.MULTILINE)
    assert Path(printed.split("The training card: ")[1].strip()).is_file()
    assert set(replayed.store.tables.names()) == before
    assert MlflowClient().search_model_versions("name = 'dev.flights.flight_delay_tried'") == []


def test_the_dashboard_asks_what_these_tables_have(replayed: Replayed) -> None:
    dashboard = json.loads((ROOT / "resources" / "dashboards" / "flight_delay.lvdash.json").read_text())
    store, names = replayed.store, replayed.store.tables.names()
    try:
        for name in names:
            store.tables.read(name).createOrReplaceTempView(name)
        frames = {one["name"]: store.spark.sql("".join(one["queryLines"])) for one in dashboard["datasets"]}
        rows = {name: frame.collect() for name, frame in frames.items()}
    finally:
        for name in names:
            store.spark.catalog.dropTempView(name)

    assert [f"{row.week:%m-%d}" for row in rows["quality"]] == ["02-11", "02-18", "02-25", "03-04"]
    assert len(rows["drift"]) == 4 * 5
    assert sorted(row.outcome for row in rows["runs"]) == ["repeated", "repeated", "scored", "scored"]
    for widget in [one["widget"] for page in dashboard["pages"] for one in page["layout"]]:
        [query] = widget["queries"]
        assert {field["name"] for field in query["query"]["fields"]} <= set(
            frames[query["query"]["datasetName"]].columns
        )


@pytest.fixture(scope="module")
def later(replayed: Replayed) -> dict[str, str]:
    """Three days later, which opens alerts: only United's flights came, and no weather. What documents say, and what is typed here."""
    for words in (
        ["score-batch", "flight_delay", "--from", "2013-03-15", "--as-of", "2013-03-18"],
        ["check-drift", "flight_delay", "airport_weather", "--as-of", "2013-03-18"],
    ):
        done = replayed.type(words)
        assert done.exit_code == 0, done.output
    return HERE | {"4f2a91c0": next(History(replayed.store.workspace).newest()).run.run_id[:8]}


@pytest.mark.parametrize("line", RUN, ids=str)
def test_a_command_in_a_document_succeeds(line: Line, replayed: Replayed, later: dict[str, str]) -> None:
    """In the documents' order, and after all tests above: what one line does, the next one finds."""
    done = replayed.type(translated(line.words, later))

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("line", of("review-alerts", "serve"), ids=str)
def test_the_page_is_served_as_a_document_says(line: Line, replayed: Replayed, later: dict[str, str]) -> None:
    with serving(replayed.store.workspace, *translated(line.words[2:], later)) as address:
        assert address.startswith("http://127.0.0.1:")
