"""Each verb of this stage as a night begins it: in a process in which nothing has started Spark yet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.couriers import at
from tests.inference.orders import Orders

ROOT = Path(__file__).parents[2]
BEGIN = """
import sys
from feature_store import open_store
from inference.score import score
from inference.scoring.consistency import check_consistency
from tests.couriers import DAY, at
from tests.inference.orders import SPEC
store = open_store(catalog="test", schema="couriers", workspace=sys.argv[1])
"""


@pytest.mark.parametrize(
    ("verb", "printed"),
    [
        ("print(score(store, SPEC, as_of=at('3'), start=at('2')).rows)", "2"),
        ("print(score(store, SPEC, as_of=at('5'), start=at('1'), chunk=DAY).rows)", "5"),
        ("print(check_consistency(store, SPEC, as_of=at('5')).is_certain)", "True"),
    ],
    ids=["a night", "a backfill", "the check"],
)
def test_a_verb_may_be_the_first_thing_that_a_process_does(orders: Orders, verb: str, printed: str) -> None:
    orders.score(as_of=at("5"), run="before")
    workspace = str(orders.store.reports.parent)
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + verb, workspace],
        capture_output=True, text=True, check=False, env=environment | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1:] == [printed], done.stderr
