"""Several monitors in one ``check-drift``: measured side by side, judged and told one after the other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pyspark.sql import SparkSession

from feature_store import FeatureStore
from feature_store.discovery import Nouns
from feature_store.tables.commit import Commit
from monitoring import check
from monitoring.spec import TableMonitor
from monitoring.table_limits import Volume

FIRST, DAY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)
NAMES = ("doors", "lifts", "stairs")


def monitor(name: str, **others: Any) -> TableMonitor:
    declared = {
        "description": "Do people still pass?", "owner": "house@example.com", "table": name, "time_column": "at",
        "key_columns": ["place"], "window": DAY, "minimum_rows": 1, "limits": {":table": Volume(at_least=0.5)},
    }  # fmt: skip
    return TableMonitor(name=name, **(declared | others))


@pytest.fixture
def counted(store: FeatureStore, spark: SparkSession) -> FeatureStore:
    """Three tables with two rows on each of five days; on the sixth nobody passes."""
    passed = [("hall", FIRST + number * DAY / 2, 1.0) for number in range(10)]
    rows = spark.createDataFrame(passed, "place string, at timestamp, people double")
    for name in NAMES:
        store.tables.create(name, rows.schema)
        window = (FIRST, FIRST + 5 * DAY)
        store.tables.append(name, rows, commit=Commit(verb="publish-features", as_of=window[1], window=window))
    return store


@pytest.fixture
def typed(counted: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*monitors: TableMonitor) -> Result:
        declared = {one.name: one for one in monitors}
        monkeypatch.setattr(check, "discover", lambda *_: Nouns(declared))
        place = ["--catalog", counted.catalog, "--schema", counted.schema, "--workspace", str(counted.workspace)]
        return CliRunner().invoke(check.main, [*declared, *place, "--as-of", "2024-01-07"])

    return run


def judged(store: FeatureStore) -> list[str]:
    """The monitors whose events were recorded, in order."""
    history = store.tables.history("drift_alert_events")
    return [entry.commit.details["monitor"] for entry in reversed(history) if entry.commit]


def told(result: Result) -> list[str]:
    """The monitors whose reports were written, in order."""
    return [line.split("/")[-2].split(".")[-1] for line in result.output.splitlines() if line.startswith("Report: ")]


def test_monitors_are_judged_and_told_in_the_order_in_which_they_are_named(counted: FeatureStore, typed: Any) -> None:
    result = typed(monitor("stairs"), monitor("doors"), monitor("lifts"))

    assert result.exit_code == 0, result.output
    assert judged(counted) == told(result) == ["stairs", "doors", "lifts"]


def test_one_that_cannot_be_measured_keeps_no_other_from_being_told(counted: FeatureStore, typed: Any) -> None:
    result = typed(monitor("doors"), monitor("lifts", measures={"most": "max(peopel)"}), monitor("stairs"))

    assert result.exit_code == 1
    assert (
        "Error: lifts was not checked: The monitored table: one of the measures {'most': 'max(peopel)'}"
        in result.output
    )
    assert judged(counted) == told(result) == ["doors", "stairs"]
    assert not counted.tables.exists("lifts_profile_metrics")


def test_windows_of_several_lengths_of_one_table_are_all_kept(counted: FeatureStore, typed: Any) -> None:
    lengths = {1: "1 day", 2: "2 days", 3: "3 days", 6: "6 days"}
    result = typed(*(monitor(f"doors_{days}", table="doors", window=days * DAY) for days in lengths))

    assert result.exit_code == 0, result.output
    kept = counted.tables.collect("doors_profile_metrics", ["granularity", "column_name"]).to_pylist()
    found = Counter(row["granularity"] for row in kept if row["column_name"] == ":table")
    assert found == {"1 day": 6, "2 days": 3, "3 days": 2, "6 days": 1}
