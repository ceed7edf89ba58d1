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
    # The workers read the tables' files, wherever these are.
    assert "Spark alone does the join" not in done.stdout + done.stderr
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
