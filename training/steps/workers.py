"""Who tries hyper-parameters at the same time: processes of this machine, or the workers of a Spark cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
from joblib.externals.loky import get_reusable_executor

from feature_store.tables.workers import are_here

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

Parameters = Mapping[str, Any]
Outcome = tuple[float | None, float, str]
"""The value, the seconds that it took, and what went wrong."""
Task = tuple[Parameters, int]
"""What is tried, and on which fold."""
Try = Callable[[pd.DataFrame, Task], Outcome]
TryAll = Callable[[Sequence[Task]], Sequence[Outcome]]


def cluster_of(spark: SparkSession) -> SparkContext | None:
    """The cluster's context; None if Spark runs in this process, or does not give its workers away (Spark Connect)."""
    try:
        context: SparkContext = spark.sparkContext
    except Exception:  # what Connect says differs from version to version
        return None
    return None if are_here(spark) else context


@contextmanager
def workers(try_one: Try, rows: Path, *, number: int, cluster: SparkContext | None) -> Iterator[TryAll]:
    """Tries all tasks that it is given on the frame in the Parquet file ``rows``: at most ``number`` at once, a cluster as many as it can.

    Outcomes are in the order of the tasks. The processes end with the search, whatever ends it.
    """
    if cluster is not None:
        frame = cluster.broadcast(pd.read_parquet(rows))

        def on_the_cluster(tasks: Sequence[Task]) -> Sequence[Outcome]:
            return cluster.parallelize(tasks, len(tasks)).map(lambda task: try_one(frame.value, task)).collect()

        try:
            yield on_the_cluster
        finally:
            frame.destroy()
        return
    here = joblib.delayed(partial(_try_here, try_one, str(rows)))
    try:
        with joblib.Parallel(n_jobs=number, batch_size=1) as processes:
            yield lambda tasks: processes(here(task) for task in tasks)
    finally:
        if number > 1:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _try_here(try_one: Try, rows: str, task: Task) -> Outcome:
    return try_one(_read(rows), task)


@lru_cache(maxsize=1)
def _read(rows: str) -> pd.DataFrame:
    return pd.read_parquet(rows)
