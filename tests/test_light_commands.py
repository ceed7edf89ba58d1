"""What a command loads before it is known what it shall do, and which commands do without Java altogether."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feature_store import open_store
from feature_store.package.registry import from_client, from_database
from feature_store.tables.commit import Commit
from inference.score import score
from monitoring.alerts.events import Event, append_events
from tests.couriers import SCORING, TRAINING, at, land, publish_features
from tests.test_commands import SCRIPTS
from training.steps.pipeline import train

HEAVY = {
    "pyspark",
    "py4j",
    "pyarrow",
    "deltalake",
    "polars",
    "numpy",
    "pandas",
    "mlflow",
    "sklearn",
    "scipy",
    "matplotlib",
}
ROOT = Path(__file__).parents[1]
MODULES = """
import sys
from importlib.metadata import distribution
next(iter(distribution("feature_pipelines").entry_points.select(name=sys.argv[1]))).load()
print(*{module.split(".")[0] for module in sys.modules})
"""
COMMAND = """
import atexit, sys
from importlib.metadata import distribution
atexit.register(lambda: print(*{module.split(".")[0] for module in sys.modules}))
next(iter(distribution("feature_pipelines").entry_points.select(name=sys.argv[1]))).load()(sys.argv[2:])
"""
PUBLISH = """
import sys
from feature_store import open_store
from features.publish import publish
from tests.couriers import COURIER_LOAD, at
store = open_store(catalog="test", schema="couriers", workspace=sys.argv[1])
print(publish(store, COURIER_LOAD, as_of=at("12")).sentence)
"""
MODEL = "test.couriers.late_order"


@pytest.fixture(scope="module")
def workspace(spark, tmp_path_factory):
    """A workspace with tables, a champion, scores and one open alert."""
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("read"))
    rows = [(at("1"), True, 5), (at("2"), False, 1), (at("8"), True, 5), (at("9"), False, 1)]
    land(
        store,
        orders=[(f"{n}", "ann", "old town", moment, moment, late) for n, (moment, late, _) in enumerate(rows)],
        counts=[("ann", moment, count) for moment, _, count in rows],
    )
    publish_features(store, as_of=at("12"))
    train(store, TRAINING, as_of=at("12"))
    score(store, SCORING, as_of=at("13"), start=at("1"))
    opened = Event(
        alert_id="f723104c", monitor="late_order", table_name="late_order_scores", column_name="open_orders", metric="psi",
        kind="opened", as_of=at("12"), window_start=at("1"), window_end=at("8"), value=0.5, limit=0.25,
    )  # fmt: skip
    append_events(store, [opened], Commit(verb="check-drift", as_of=at("12")))
    return store.workspace


def without_java(script: str, *arguments: str, workspace: Path, writes: bool = False) -> str:
    """What the command prints in a process of its own, on a machine where no Java can be started; it loads no package in vain."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    place = ["--workspace", str(workspace), "--catalog", "test", "--schema", "couriers"]
    program = [sys.executable, "-c", COMMAND, script, *arguments, *place]
    environment |= {"JAVA_HOME": "/there/is/no/java", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    *told, modules = done.stdout.splitlines()
    in_vain = {"mlflow", "pandas", "sklearn", "scipy", "matplotlib"} - ({"pandas"} if writes else set())  # by pyarrow
    assert sorted({*modules.split()} & in_vain) == []
    return "\n".join(told)


@pytest.mark.parametrize("script", SCRIPTS)
def test_loading_a_commands_module_loads_neither_spark_nor_any_other_large_package(script: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", MODULES, script], capture_output=True, text=True, check=True, env=environment
    )

    assert sorted({*done.stdout.split()} & HEAVY) == []
    assert "click" in done.stdout.split()


def test_alerts_are_listed_shown_acknowledged_and_resolved_without_java(workspace: Path) -> None:
    assert "f723104c" in without_java("review-alerts", "list", workspace=workspace)
    assert "the limit is 0.25" in without_java("review-alerts", "show", "f7", workspace=workspace)
    without_java("review-alerts", "ack", "f7", "--user", "eve", workspace=workspace, writes=True)
    resolved = ("resolve", "f7", "--user", "eve", "--comment", "a sensor")
    without_java("review-alerts", *resolved, workspace=workspace, writes=True)

    shown = json.loads(without_java("review-alerts", "show", "f7", "--json", workspace=workspace))
    assert [(event["kind"], event["actor"], event["comment"]) for event in shown["events"]] == [
        ("opened", "check-drift", ""),
        ("acknowledged", "eve", ""),
        ("resolved", "eve", "a sensor"),
    ]


def test_lineage_is_shown_without_java(workspace: Path) -> None:
    shown = without_java("show-lineage", "late_order", workspace=workspace)

    assert f"{MODEL}/1  model version, of couriers@example.com  challenger  champion" in shown
    assert "test.couriers.courier_load.open_orders  looked up at version" in shown


def test_features_are_found_shown_and_looked_through_for_what_nobody_reads_without_java(workspace: Path) -> None:
    assert "courier_load.open_orders" in without_java("show-features", "open", "ordres", workspace=workspace)

    told = without_java("show-features", "courier_load", workspace=workspace)
    assert "models late_order/1 (challenger, champion)" in told
    assert "scores late_order_scores" in told
    assert "of 4 (0%) found nothing when late_order was scored as of 2024-01-13 00:00" in told
    assert "made by    publish-features" in told  # these tables are declared in no module of features
    assert "s for the last publishing" in told

    assert "Every feature is read" in without_java("show-features", "--unused", workspace=workspace)


def test_a_bundle_is_checked_without_java(workspace: Path) -> None:
    assert "nothing is wrong with them" in without_java("run-job", "--check", workspace=workspace)


def test_the_registry_is_the_same_read_from_its_file_and_asked_of_mlflow(workspace: Path, spark) -> None:
    open_store(catalog="test", schema="couriers", workspace=workspace)
    read, asked = (
        from_database(workspace / "mlflow.db", prefix="test.couriers."), from_client(prefix="test.couriers."),
    )  # fmt: skip

    assert [(one.name, one.version, one.aliases) for one in read] == [(MODEL, 1, ("challenger", "champion"))]
    assert [(one.name, one.version, one.aliases, one.tags) for one in read] == [
        (one.name, one.version, one.aliases, one.tags) for one in asked
    ]
    assert (read[0].folder / "data" / "feature_store" / "lineage.json").exists()
    assert from_database(workspace / "mlflow.db", prefix="test.others.") == []


def test_a_registry_that_is_not_there_yet_has_no_models_and_is_not_made(tmp_path: Path) -> None:
    assert from_database(tmp_path / "mlflow.db", prefix="") == []
    assert list(tmp_path.iterdir()) == []


def test_publishing_a_table_that_is_up_to_date_says_so_without_java(workspace: Path) -> None:
    environment = os.environ | {"JAVA_HOME": "/there/is/no/java", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH, str(workspace)], capture_output=True, text=True, check=False, env=environment
    )

    assert done.stdout.splitlines() == ["up to date (published until 2024-01-12 00:00)"], done.stderr
