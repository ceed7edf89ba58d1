"""Build a training set of millions of rows and score them, in 4 GiB of Java's heap: seconds and the most memory, by number of rows.

    python benchmarks/large_frame.py --data DIR [--rows 5000000 --rows 10000000 --rows 20000000] [--driver-memory 4g]

The rows ask by a key and a moment for eight features of a table of five million rows, within a lookback window. Each step is a process of
its own, which writes what it gets as a Parquet file, and says how many rows it read back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click
import deltalake
import mlflow
import numpy as np
import polars as pl
from measure import Measured, measured
from sklearn.ensemble import HistGradientBoostingRegressor

from feature_store import FeatureLookup, open_store
from feature_store.local.store import LocalStore

KEYS, TABLE_ROWS, FEATURES, DAYS = 50_000, 5_000_000, 8, 365
_MICROSECONDS, _AT_ONCE = DAYS * 86_400_000_000, 5_000_000
MODEL = "dev.benchmarks.large_frame"
PREPARE, STEPS = "prepare", ("training set", "scoring")


def opened(data: Path) -> LocalStore:
    """The store that all steps share."""
    store = open_store(catalog="dev", schema="benchmarks", workspace=data / "large-frame")
    assert isinstance(store, LocalStore)
    return store


def looked_up() -> list[FeatureLookup]:
    """What each row asks for."""
    return [
        FeatureLookup(
            "readings", "customer", timestamp_lookup_key="decided_at", lookback_window=timedelta(days=30)
        )
    ]  # fmt: skip


def asked(store: LocalStore, rows: int) -> str:
    """The table of so many rows that ask; written if it is not there."""
    name = f"asked_{rows}"
    if not store.tables.exists(name):
        random = np.random.default_rng(rows)
        for first in range(0, rows, _AT_ONCE):
            number = min(_AT_ONCE, rows - first)
            frame = pl.DataFrame({
                "row": np.arange(first, first + number),
                "customer": random.integers(0, KEYS, number),
                "decided_at": _moments(random, number),
                "label": random.normal(size=number),
            })  # fmt: skip
            deltalake.write_deltalake(str(store.tables.path(name)), frame.to_arrow(), mode="append")
    return name


def _moments(random: np.random.Generator, number: int) -> pl.Series:
    begin = 1_704_067_200_000_000  # 2024-01-01
    return pl.Series(begin + random.integers(0, _MICROSECONDS, number)).cast(pl.Datetime("us", "UTC"))


def prepare(store: LocalStore) -> None:
    """The feature table, and a model of a few rows of it."""
    if store.tables.exists("readings"):
        return
    random = np.random.default_rng(1)
    features = {f"feature_{number}": random.normal(size=TABLE_ROWS) for number in range(FEATURES)}
    keys = {"customer": random.integers(0, KEYS, TABLE_ROWS), "known_at": _moments(random, TABLE_ROWS)}
    frame = pl.DataFrame(keys | features).unique(["customer", "known_at"], keep="first").sort("known_at")
    few = store.spark.createDataFrame(frame.head(1).to_arrow())
    store.create_table(
        name="readings", primary_keys=["customer", "known_at"], timeseries_column="known_at", schema=few.schema
    )
    deltalake.write_deltalake(str(store.tables.path("readings")), frame.to_arrow(), mode="append")
    training_set = store.create_training_set(
        df=store.tables.read(asked(store, 100_000)), feature_lookups=looked_up(), label="label",
        exclude_columns=["row", "customer", "decided_at"],
    )  # fmt: skip
    table = training_set.load_df().toPandas()
    fitted = HistGradientBoostingRegressor(max_iter=100, random_state=7).fit(
        table.drop(columns="label"), table["label"]
    )
    with mlflow.start_run(experiment_id=store.experiment("large_frame")):
        store.log_model(
            model=fitted, artifact_path="model", flavor=mlflow.sklearn, training_set=training_set,
            registered_model_name=MODEL, serialization_format="cloudpickle",
        )  # fmt: skip


def run(store: LocalStore, step: str, rows: int, out: Path) -> None:
    """One step, from the table of rows to a folder of Parquet files."""
    frame = store.tables.read(asked(store, rows))
    if step == "training set":
        lookups = looked_up()
        result = store.create_training_set(df=frame, feature_lookups=lookups, label="label").load_df()
    else:
        result = store.score_batch(model_uri=f"models:/{MODEL}/1", df=frame.drop("label"))
    result.write.mode("overwrite").parquet(str(out))
    read = (
        pl.scan_parquet(out / "*.parquet")
        .select(pl.len(), pl.col("row").n_unique().alias("different"))
        .collect()
        .row(0)
    )
    if read != (rows, rows):
        raise click.ClickException(f"Of {rows:,} rows {read[0]:,} came out, {read[1]:,} of them different.")


def _step(data: Path, sizes: Sequence[int], step: str) -> Measured:
    """The step in a process of its own: Java's memory is given back with it."""
    rows = [word for size in sizes for word in ("--rows", str(size))]
    done = measured([sys.executable, __file__, "--data", str(data), *rows, "--step", step], quiet=True)
    if done.code:
        print(done.output, file=sys.stderr)
        raise click.ClickException(f"The step {step!r} ended with code {done.code}; its messages stand above.")
    return done


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="A folder for the data and the workspace.")
@click.option(
    "--rows", "sizes", type=int, multiple=True, default=(5_000_000, 10_000_000, 20_000_000), show_default=True
)
@click.option("--driver-memory", default="4g", show_default=True, help="Spark's heap.")
@click.option("--step", type=click.Choice([PREPARE, *STEPS]), default=None, hidden=True)
def main(data: Path, sizes: tuple[int, ...], driver_memory: str, step: str | None) -> None:
    """Print a Markdown table of seconds and memory."""
    if step == PREPARE:
        store = opened(data)
        prepare(store)
        for rows in sizes:
            asked(store, rows)
        return
    if step:
        run(opened(data), step, sizes[0], data / "large-frame-result")
        return
    os.environ["SPARK_DRIVER_MEMORY"] = driver_memory
    _step(data, sizes, PREPARE)
    print("| rows | step | s | CPU, s | peak memory, GiB |\n|--:|---|--:|--:|--:|")
    for rows in sizes:
        for one in STEPS:
            done = _step(data, [rows], one)
            print(f"| {rows:,} | {one} | {done.wall:.1f} | {done.cpu:.1f} | {done.peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
