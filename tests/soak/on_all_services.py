"""The replay on a standalone Spark of two workers, MLflow on PostgreSQL and tables on S3, against the one on this machine.

A part of ``make soak``, and what ``make demo-cluster`` runs whole.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.cluster.__main__ import cluster
from examples.cluster.processes import surroundings
from examples.cluster.services import BUCKET, object_store

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(1500)


def replay(folder: Path, where: dict[str, str]) -> dict:
    """What is left of the replay that is run in a process of its own, in the environment ``where``."""
    folder.mkdir()
    found = folder / "result.json"
    kept = surroundings({})
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "soak" / "replay_slice.py", found], cwd=ROOT, check=False,
        env=kept | {"PYTHONPATH": str(ROOT), "PIPELINE_WORKSPACE": str(folder / "workspace"), "SPARK_DRIVER_MEMORY": "1500m"} | where,
        capture_output=True, text=True,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    secrets = [value for name, value in where.items() if "SECRET" in name or "KEY" in name]
    assert not any(secret in done.stdout + done.stderr for secret in secrets)
    return json.loads(found.read_text())


def test_a_cluster_with_its_tables_on_s3_and_its_models_in_postgresql_comes_to_what_one_process_does(
    tmp_path: Path,
) -> None:
    here = replay(tmp_path / "here", {})
    with cluster() as services:
        there = replay(tmp_path / "there", services)

    assert there["table"] == "s3://pipeline/warehouse/dev/flights/flight_delay_scores"
    assert there["artifacts"].startswith("mlflow-artifacts:")
    assert not (tmp_path / "there" / "workspace" / "mlflow.db").exists()
    assert not (tmp_path / "there" / "workspace" / "warehouse").exists()
    assert there["tables"] == here["tables"]
    assert there["scores"].keys() == here["scores"].keys()
    assert there["scores"] == pytest.approx(here["scores"], abs=5e-4)
    for name in ("roc_auc", "log_loss"):
        assert there["metrics"][name] == pytest.approx(here["metrics"][name], abs=5e-4)
    assert there["drift"] == here["drift"]


def test_spark_and_delta_rs_in_three_processes_write_the_same_table_on_s3_and_no_commit_is_lost(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with object_store(tmp_path) as objects:
        where = surroundings(
            objects
            | {
                "PYTHONPATH": str(ROOT), "PIPELINE_WORKSPACE": str(tmp_path / "workspace"), "SPARK_MASTER": "local[1]",
                "PIPELINE_WAREHOUSE": f"s3://{BUCKET}/warehouse", "SPARK_DRIVER_MEMORY": "700m",
            }
        )  # fmt: skip
        script = [sys.executable, ROOT / "tests" / "soak" / "write_to_s3.py"]
        subprocess.run([sys.executable, "-c", MAKE], cwd=ROOT, env=where, check=True)
        writers = [("spark", 0), ("spark", 100), ("delta-rs", 200)]
        running = [
            subprocess.Popen([*script, writer, str(first), "12"], cwd=ROOT, env=where) for writer, first in writers
        ]
        assert [one.wait() for one in running] == [0, 0, 0]
        told = subprocess.run([sys.executable, "-c", READ], cwd=ROOT, env=where, check=True, capture_output=True)

    found = json.loads(told.stdout)
    expected = [(writer, value) for writer, first in writers for value in range(first, first + 12)]
    assert found["rows"] == sorted(value for _, value in expected)
    assert sorted(found["commits"]) == sorted(f"{writer} {value}" for writer, value in expected)


MAKE = """
from pyspark.sql.types import StructType
from feature_store import open_store
open_store().tables.create("numbers", StructType().add("id", "long"))
"""
READ = """
import json
from feature_store import open_store
tables = open_store().tables
rows = sorted(tables.collect("numbers", ["id"])["id"].to_pylist())
print(json.dumps({"rows": rows, "commits": [one.commit.verb for one in tables.history("numbers") if one.commit]}))
"""
