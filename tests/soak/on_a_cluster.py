"""What runs on a cluster's workers, on a cluster: a worker with two cores and a Java of its own. A part of ``make soak``."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MASTER = "local-cluster[1,2,512]"
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
