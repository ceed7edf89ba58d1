"""Time scoring a million rows against MLflow's own way to do it in Spark, and against the bare model, side by side in one run.

    python benchmarks/scoring.py --data DIR [--rows 1000000] [--repetitions 3]

30 features, a model of scikit-learn and one of LightGBM. The competitors take turns:

- ``predict``: the model's own method on a data frame in memory, in as many threads as it takes by itself;
- ``spark_udf``: the same model, logged with MLflow alone, over the same table of features;
- ``score_batch``: this project's verb over that table (the features are brought, so that nothing is looked up);
- ``score_batch, by keys``: the same given the keys alone; the features are looked up in a table of a million rows.

Spark's results are written to nowhere. The first round warms up, and its predictions must be equal to the last bit.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.ensemble import HistGradientBoostingRegressor

from feature_store import FeatureLookup, open_store
from feature_store.local.store import LocalStore

FEATURES = [f"feature_{number:02}" for number in range(30)]
OF_UDF, OF_PREDICT = 0.7, 2.5
MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "scikit-learn": (lambda: HistGradientBoostingRegressor(max_iter=100, random_state=7), mlflow.sklearn),
    "LightGBM": (lambda: lightgbm.LGBMRegressor(n_estimators=100, random_state=7, verbose=-1), mlflow.lightgbm),
}


def generate(folder: Path, rows: int) -> pd.DataFrame:
    """The features, in a file and in memory."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame({name: random.normal(size=rows) for name in FEATURES})
    frame.insert(0, "customer", np.arange(rows))
    file = folder / f"features-{rows}.parquet"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file, row_group_size=65_536)
    return frame


def publish(store: LocalStore, features: DataFrame) -> None:
    """The same features as a feature table."""
    if not store.tables.exists("customers"):
        store.create_table(name="customers", primary_keys="customer", df=features)


def register(store: LocalStore, name: str, frame: pd.DataFrame) -> tuple[Any, str, str]:
    """The fitted model, its address with features, and without."""
    make, flavor = MODELS[name]
    part = frame.head(50_000)
    label = part[FEATURES[0]] * part[FEATURES[1]] + part[FEATURES[2]]
    fitted = make().fit(part[FEATURES], label)
    training = store.spark.createDataFrame(part[["customer"]].head(100).assign(label=1.0))
    training_set = store.create_training_set(
        df=training,
        feature_lookups=[FeatureLookup("customers", "customer")],
        label="label",
        exclude_columns=["customer"],
    )
    options = {"serialization_format": "cloudpickle"} if flavor is mlflow.sklearn else {}
    simple = name.lower().replace("-", "_")
    with mlflow.start_run(experiment_id=store.experiment("scoring")):
        info = store.log_model(
            model=fitted, artifact_path="model", flavor=flavor, training_set=training_set,
            registered_model_name=f"dev.benchmarks.{simple}", **options,
        )  # fmt: skip
        bare = flavor.log_model(fitted, name="bare", **options)
    return fitted, f"models:/dev.benchmarks.{simple}/{info.registered_model_version}", bare.model_uri


def collected(df: DataFrame) -> np.ndarray[Any, Any]:
    """The predictions by customer."""
    return df.select("customer", "prediction").toArrow().sort_by("customer")["prediction"].to_numpy()


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="A folder for the data and the workspace.")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--repetitions", default=3, show_default=True)
def main(data: Path, rows: int, repetitions: int) -> None:
    """Print a Markdown table of seconds and ratios."""
    frame = generate(data, rows)
    store = open_store(catalog="dev", schema="benchmarks", workspace=data / f"workspace-{rows}")
    assert isinstance(store, LocalStore)
    publish(store, store.spark.read.parquet(str(data / f"features-{rows}.parquet")))
    features = store.tables.read("customers")
    print(f"{rows:,} rows, {len(FEATURES)} features, {os.cpu_count()} cores, median of {repetitions}\n")
    print("| model | way | s | of spark_udf | of predict | aim |\n|---|---|--:|--:|--:|---|")
    for name in MODELS:
        fitted, uri, bare = register(store, name, frame)
        udf = mlflow.pyfunc.spark_udf(store.spark, bare, result_type="double")
        ways: dict[str, Callable[[], Any]] = {
            "predict": lambda fitted=fitted: fitted.predict(frame[FEATURES]),
            "spark_udf": lambda udf=udf: features.withColumn("prediction", udf(F.struct(*FEATURES))),
            "score_batch": lambda uri=uri: store.score_batch(model_uri=uri, df=features, override_features=True),
            "score_batch, by keys": lambda uri=uri: store.score_batch(model_uri=uri, df=features.select("customer")),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        expected = ways["predict"]()
        for way in list(ways)[1:]:
            found = collected(ways[way]())
            assert np.array_equal(found, expected), f"{way} predicts otherwise"
        for _ in range(repetitions):
            for way, score in ways.items():
                began = time.monotonic()
                scored = score()
                if isinstance(scored, DataFrame):
                    scored.write.format("noop").mode("overwrite").save()
                seconds[way].append(time.monotonic() - began)
                del scored
                gc.collect()  # what Java keeps for a frame goes with it
        middle = {way: median(found) for way, found in seconds.items()}
        for way, found in middle.items():
            ratios = found / middle["spark_udf"], found / middle["predict"]
            missed = ratios[0] > OF_UDF or ratios[1] > OF_PREDICT
            aim = f"{OF_UDF}, {OF_PREDICT}{': missed' if missed else ''}" if way.startswith("score_batch") else ""
            print(f"| {name} | {way} | {found:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {aim} |", flush=True)


if __name__ == "__main__":
    main()
