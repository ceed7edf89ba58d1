"""What runs on a cluster's workers, on a cluster: workers with a Java of their own. A part of ``make soak``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MASTER, TWO_WORKERS = "local-cluster[1,2,512]", "local-cluster[2,1,1024]"
SEARCH = f"""
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from tests.training.steps.test_search import WHAT, parameters, run
from training.steps.workers import cluster_of

settings = {{"spark.ui.enabled": "false", "spark.executor.memory": "512m"}}
spark = SparkSession.builder.master("{MASTER}").config(map=settings).getOrCreate()
cluster = cluster_of(spark)
assert cluster is not None
here, there = run(WHAT, Path(sys.argv[1])), run(WHAT, Path(sys.argv[2]), cluster=cluster)
assert parameters(here) == parameters(there)
assert [trial["value"] for trial in here.trials] == [trial["value"] for trial in there.trials]
print("the same", cluster.master)
spark.stop()
"""


def test_the_workers_of_a_cluster_try_the_same_hyper_parameters_and_find_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(tmp_path / "here"), str(tmp_path / "there")],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == [f"the same {MASTER}"], done.stderr[-3000:]


@pytest.mark.parametrize("when", ["computed", "half done"])
@pytest.mark.parametrize("way", ["files", "union"])
def test_a_join_that_loses_a_worker_gives_the_rows_that_it_would_have_given(
    way: str, when: str, tmp_path: Path
) -> None:
    own = {"PYTHONPATH": str(ROOT), "SPARK_MASTER": TWO_WORKERS, "SPARK_DRIVER_MEMORY": "1g"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.losing_a_worker", way, when, str(tmp_path)],
        cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    killed, *rest = done.stdout.splitlines() or [""]
    assert (killed.split()[:1], rest) == (["killed"], ["the same rows"]), done.stderr[-3000:]
