"""Joins on a cluster of two workers, one of which is killed: ``python -m tests.soak.losing_a_worker WAY WHEN FOLDER``.

When the data frame is ``computed`` and nothing else, or when the join is ``half done``. The rows must be those of the join on the driver.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import deltalake
import numpy as np
import polars as pl
from pyspark.sql import DataFrame, SparkSession

from feature_store.join.point_in_time import WAYS
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import Rows, as_rows
from feature_store.local import session
from feature_store.tables.delta_tables import DeltaTables
from tests.left_over import MARK, Process, processes

ROWS, KEYS, FILES = 400_000, 5_000, 8
PATIENCE_SECONDS = 60


def written(folder: Path) -> tuple[DeltaTables, pl.DataFrame, list[ResolvedLookup]]:
    """A table of a few files, rows that ask for it, and how."""
    tables = DeltaTables(folder / "warehouse", catalog="test", schema="flights", engine=session)
    random = np.random.default_rng(5)

    def moments(low: int, high: int) -> pl.Series:
        return pl.Series(random.integers(low, high, ROWS)).cast(pl.Datetime("us", "UTC"))

    for number in range(FILES):
        slice_of_time = pl.DataFrame({
            "key": random.integers(0, KEYS, ROWS),
            "known_at": moments(number * ROWS, (number + 1) * ROWS),
            "value": random.random(ROWS),
        }).unique(["key", "known_at"])  # fmt: skip
        deltalake.write_deltalake(str(tables.path("wind")), slice_of_time.to_arrow(), mode="append")
    spine = pl.DataFrame({
        "row": np.arange(ROWS), "key": random.integers(0, KEYS, ROWS), "decided_at": moments(0, FILES * ROWS),
    })  # fmt: skip
    lookup = ResolvedLookup(
        table=tables.full_name("wind"), version=tables.version("wind"), keys=(("key", "key"),),
        outputs=(("value", "value"),), times=("decided_at", "known_at"), lookback=None,
    )  # fmt: skip
    return tables, spine, [lookup]


def workers() -> list[Process]:
    return [one for one in processes(os.environ[MARK]) if "CoarseGrainedExecutorBackend" in one.command]


def lose_one() -> None:
    """Kill one of the two workers; Spark starts another."""
    both = workers()
    assert len(both) == 2, both
    os.kill(both[0].pid, signal.SIGKILL)
    print(f"killed {both[0].pid}", flush=True)


def eventually(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "This does not come to pass"
        time.sleep(0.05)


def half_done(spark: SparkSession, after: int) -> bool:
    """Whether a job later than the one that computes the data frame has ended some of its tasks, and not all."""
    tracker = spark.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    late = max(tracker.getActiveJobsIds(), default=-1) > after
    return late and any(0 < stage.numCompletedTasks < stage.numTasks for stage in stages if stage)


def main(way: str, when: str, folder: Path) -> None:
    tables, rows, lookups = written(folder)
    spark = tables.spark
    rows.write_parquet(folder / "spine.parquet")

    def joined(way: str) -> DataFrame | Rows:
        return WAYS[way](spark.read.parquet(str(folder / "spine.parquet")).repartition(4), lookups, tables)

    expected = sorted_by_row(joined("driver"))
    eventually(lambda: len(workers()) == 2)
    ended = max(spark.sparkContext.statusTracker().getJobIdsForGroup(None), default=-1)
    if when == "computed":
        planned = joined(way)
        lose_one()
        found = [sorted_by_row(planned)]
    else:
        found = []
        asking = threading.Thread(target=lambda: found.append(sorted_by_row(joined(way))))
        asking.start()
        eventually(lambda: half_done(spark, ended + 1))
        lose_one()
        asking.join()
    assert found[0].equals(expected)
    print("the same rows")
    spark.stop()


def sorted_by_row(joined: DataFrame | Rows) -> pl.DataFrame:
    rows = pl.from_arrow(as_rows(joined))
    assert isinstance(rows, pl.DataFrame)
    return rows.sort("row")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
