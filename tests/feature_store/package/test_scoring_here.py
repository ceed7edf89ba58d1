"""A few rows are predicted in this process, many by Spark's workers: the same predictions, to the last bit."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DoubleType, StructField, StructType
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from feature_store.join.rows import Rows
from feature_store.package import scoring
from feature_store.tables import gathering, handing_over


class Tenth(mlflow.pyfunc.PythonModel):
    """A tenth of ``load`` and one for a courier without a name; a row without load has no prediction but 0."""

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> pd.Series:
        return (model_input["load"] / 10).fillna(0) + model_input["courier"].isna()


class Process(mlflow.pyfunc.PythonModel):
    """The number of the process in which it runs."""

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> list[int]:
        return [os.getpid()] * len(model_input)


ROWS = [("anna", 3, "x"), ("anna", 3, "x"), (None, 7, "y"), ("bert", None, None), (None, None, None)]
PREDICTED = [0.3, 0.3, 1.7, 0.0, 1.0]


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, "courier string, load bigint, note string")


def saved(model: mlflow.pyfunc.PythonModel, folder: Path) -> Path:
    mlflow.pyfunc.save_model(path=str(folder / "raw_model"), python_model=model, pip_requirements=[])
    return folder


def test_few_rows_are_predicted_in_this_process_and_more_by_workers(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(Process(), tmp_path)

    def processes(*, here: bool) -> set[int]:
        df = scoring.predict(rows, folder, ["courier", "load"], "bigint", here=here)
        return {row["prediction"] for row in df.collect()}

    assert processes(here=True) == {os.getpid()}
    assert os.getpid() not in processes(here=False)
    monkeypatch.setattr(scoring, "MOST_ROWS_HERE", len(ROWS) - 1)
    assert os.getpid() not in processes(here=True)


def test_what_is_computed_from_a_large_table_is_predicted_by_workers_without_a_look_at_how_many_rows_there_are(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(Process(), tmp_path)
    rows.write.parquet(str(tmp_path / "rows"))
    stored = rows.sparkSession.read.parquet(str(tmp_path / "rows")).where("load > 1")

    def processes() -> set[int]:
        df = scoring.predict(stored, folder, ["courier", "load"], "bigint", here=True)
        return {row["prediction"] for row in df.collect()}

    assert processes() == {os.getpid()}
    monkeypatch.setattr(gathering, "_MOST_BYTES_READ", 10)
    assert os.getpid() not in processes()


def test_rows_that_were_joined_in_this_process_are_predicted_here_however_many(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MOST_ROWS_HERE", 0)
    joined = Rows(rows.toArrow(), rows.schema, rows.sparkSession)
    df = scoring.predict(joined, saved(Process(), tmp_path), ["courier", "load"], "bigint", here=True)
    assert {row["prediction"] for row in df.collect()} == {os.getpid()}


@pytest.mark.parametrize("result_type", ["double", "float", "string"])
def test_here_and_in_workers_rows_and_predictions_are_the_same(
    rows: DataFrame, tmp_path: Path, result_type: str
) -> None:
    folder = saved(Tenth(), tmp_path)
    here, there = (
        scoring.predict(rows, folder, ["courier", "load"], result_type, here=where) for where in (True, False)
    )
    assert here.schema == there.schema
    assert sorted(map(repr, here.collect())) == sorted(map(repr, there.collect()))
    if result_type == "double":
        assert [row["prediction"] for row in here.collect()] == pytest.approx(PREDICTED)


def test_nobody_to_score_gives_a_frame_of_no_rows_with_the_same_columns(rows: DataFrame, tmp_path: Path) -> None:
    scored = scoring.predict(rows.where("load > 100"), saved(Tenth(), tmp_path), ["courier", "load"], "int", here=True)
    assert scored.columns == ["courier", "load", "note", "prediction"]
    assert scored.collect() == []


def lying_in_a_file(rows: DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch) -> DataFrame:
    """The rows in two files, and too much of them to be asked for at once."""
    rows.repartition(2).write.format("delta").save(str(folder / "rows"))
    monkeypatch.setattr(gathering, "_MOST_BYTES_READ", 10)
    return rows.sparkSession.read.format("delta").load(str(folder / "rows"))


def test_rows_of_files_are_predicted_here_up_to_the_room_that_the_disk_has_for_their_result(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, stored = saved(Process(), tmp_path), lying_in_a_file(rows, tmp_path, monkeypatch)

    def is_here(*, room: int) -> bool:
        monkeypatch.setattr(scoring, "room_on_disk", lambda spark, schema: room)
        df = scoring.predict(stored, folder, ["courier", "load"], "bigint", here=True)
        return {row["prediction"] for row in df.collect()} == {os.getpid()}

    needed = 5 * (64 + 8 + 64 + 8)
    assert is_here(room=needed)
    assert not is_here(room=needed - 1)


@pytest.mark.parametrize("only", ["true", "load > 3", "load > 100"])
def test_rows_of_files_have_the_predictions_of_workers_with_nulls_with_a_filter_and_with_none_left(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    folder, stored = saved(Tenth(), tmp_path), lying_in_a_file(rows, tmp_path, monkeypatch).where(only)
    monkeypatch.setattr(scoring, "_rows_at_once", lambda asked: 2)
    here, there = (
        scoring.predict(stored, folder, ["courier", "load"], "double", here=where) for where in (True, False)
    )
    assert here.schema == there.schema
    assert sorted(map(repr, here.collect())) == sorted(map(repr, there.collect()))
    assert here.count() == {"true": 5, "load > 3": 1, "load > 100": 0}[only]


def test_batches_are_whole_steps_of_rows_however_wide_they_are() -> None:
    def rows_of(features: int) -> int:
        return scoring._rows_at_once(StructType([StructField(str(name), DoubleType()) for name in range(features)]))

    assert [rows_of(features) for features in (0, 30, 33, 1000, 100_000)] == [262_144, 262_144, 253_952, 8_192, 1_024]


@pytest.mark.parametrize("make", [LinearRegression, lambda: HistGradientBoostingRegressor(max_iter=5)])
def test_predictions_over_files_are_those_of_the_model_in_memory_to_the_last_bit(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]
) -> None:
    names = [f"feature_{number}" for number in range(10)]
    random = np.random.default_rng(7)
    frame = pd.DataFrame({name: random.normal(size=5_001) for name in names})
    frame.loc[::7, names[0]] = np.nan if make is not LinearRegression else 0.0
    model = make().fit(frame, frame[names[1]] * frame[names[2]])
    mlflow.sklearn.save_model(
        model, str(tmp_path / "raw_model"), serialization_format="cloudpickle", pip_requirements=[]
    )
    stored = lying_in_a_file(spark.createDataFrame(frame.reset_index(names="id")), tmp_path, monkeypatch)
    monkeypatch.setattr(scoring, "_MOST_ROWS_AT_ONCE", 1_024)
    monkeypatch.setattr(handing_over, "_MOST_BYTES_IN_MEMORY", 2_000)
    scored = scoring.predict(stored, tmp_path, names, "double", here=True).toPandas()
    assert len(scored) == 5_001
    assert np.array_equal(scored["prediction"], model.predict(frame.iloc[scored["id"]]))
