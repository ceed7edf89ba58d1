"""What is common to the tests of projects and repositories that are made: their own tests are run, and a round replayed."""

import os
import subprocess
import sys
from pathlib import Path

from tests.left_over import MARK
from tests.one_java import TOLD_BY

ROOT = Path(__file__).parents[2]
ONE_ROUND = '''"""The replay of one round, in the same process as the project's tests."""

from click.testing import CliRunner

from resources.run import main


def test_the_replay_of_a_round_succeeds(spark, tmp_path):
    rounds = 'rounds=[{"from": "2024-03-11", "as_of": "2024-03-25"}]'

    done = CliRunner().invoke(main, ["churn_replay", "-t", "dev", "--in-process", "--workspace", str(tmp_path), "--params", rounds])

    assert done.exit_code == 0, done.output
    assert "dev.churn.churn_scores: 461 rows from 2024-03-11 00:00 to 2024-03-25 00:00, by version 1" in done.output
    assert "No open alerts." in done.output
'''


def check_churn(repository: Path, workspace: Path, *, tests: str, java: str | None) -> None:
    """Of the repository's project ``churn`` these tests are green, and so are house rules, in a process of its own.

    Its Spark is in the Java that listens where the file ``java`` tells, or in one of its own.
    """
    (repository / "tests" / "churn" / "test_replay.py").write_text(ONE_ROUND)
    selected = [
        "tests/churn",
        "tests/test_house_rules.py",
        "-k",
        f"{tests} or imports or map_of or machinery or way_of",
    ]
    environment = {key: value for key, value in os.environ.items() if key not in (MARK, "PYTEST_XDIST_WORKER")}
    if java:
        environment[TOLD_BY] = java
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *selected], cwd=repository, capture_output=True,
        env=environment | {"PYTHONPATH": str(repository), "PIPELINE_WORKSPACE": str(workspace)}, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not workspace.exists()
