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

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

Parameters = Mapping[str, Any]
Outcome = tuple[float | None, float, str]
"""The value of a trial, the seconds that it took, and what went wrong."""
Try = Callable[[pd.DataFrame, Parameters], Outcome]
TryAll = Callable[[Sequence[Parameters]], Sequence[Outcome]]


def cluster_of(spark: SparkSession) -> SparkContext | None:
    """The cluster's context; None if Spark runs in this process, or does not give its workers away (Spark Connect)."""
    try:
        context: SparkContext = spark.sparkContext
    except Exception:  # what Connect says differs from version to version
        return None
    return None if str(context.master).split("[")[0] == "local" else context


@contextmanager
def workers(try_one: Try, rows: Path, *, number: int, cluster: SparkContext | None) -> Iterator[TryAll]:
    """Tries all parameters that it is given, at most ``number`` at once, on the frame in the Parquet file ``rows``.

    Outcomes are in the order of the parameters. The processes end with the search, whatever ends it.
    """
    if cluster is not None:
        frame = cluster.broadcast(pd.read_parquet(rows))

        def on_the_cluster(several: Sequence[Parameters]) -> Sequence[Outcome]:
            places = cluster.parallelize(several, min(number, len(several)))
            return places.map(lambda parameters: try_one(frame.value, parameters)).collect()

        try:
            yield on_the_cluster
        finally:
            frame.destroy()
        return
    here = joblib.delayed(partial(_try_here, try_one, str(rows)))
    try:
        with joblib.Parallel(n_jobs=number) as processes:
            yield lambda several: processes(here(parameters) for parameters in several)
    finally:
        if number > 1:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _try_here(try_one: Try, rows: str, parameters: Parameters) -> Outcome:
    return try_one(_read(rows), parameters)


@lru_cache(maxsize=1)
def _read(rows: str) -> pd.DataFrame:
    return pd.read_parquet(rows)
