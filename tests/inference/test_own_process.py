"""Each verb of this stage as a night begins it: in a process in which nothing has started Spark yet."""

import os
import subprocess
import sys
from pathlib import Path

from tests.couriers import at
from tests.inference.orders import Orders

ROOT = Path(__file__).parents[2]
NIGHT = """
import sys
from pyspark.sql import SparkSession
from feature_store import open_store
from inference.score import score
from inference.scoring.consistency import check_consistency
from tests.couriers import DAY, at
from tests.inference.orders import SPEC

def fresh():
    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()
    return open_store(catalog="test", schema="couriers", workspace=sys.argv[1])

print("a night:", score(fresh(), SPEC, as_of=at("3"), start=at("2")).rows)
print("a backfill:", score(fresh(), SPEC, as_of=at("5"), start=at("1"), chunk=DAY).rows)
print("the check:", check_consistency(fresh(), SPEC, as_of=at("5")).is_certain)
"""


def test_each_verb_may_be_the_first_thing_that_a_process_does(orders: Orders) -> None:
    """The first one of a new process; before each of the others, Spark is stopped."""
    orders.score(as_of=at("5"), run="before")
    workspace = str(orders.store.reports.parent)
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", NIGHT, workspace],
        capture_output=True, text=True, check=False, env=environment | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip

    assert done.stdout.splitlines()[-3:] == ["a night: 2", "a backfill: 5", "the check: True"], done.stderr
