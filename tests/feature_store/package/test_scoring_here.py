"""A few rows are predicted in this process, many by Spark's workers: the same predictions, to the last bit."""

import os
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from feature_store.join.rows import Rows
from feature_store.package import scoring
from feature_store.tables import gathering


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


def test_what_is_read_from_a_large_table_is_predicted_by_workers_without_a_look_at_how_many_rows_there_are(
    rows: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(Process(), tmp_path)
    rows.write.parquet(str(tmp_path / "rows"))
    stored = rows.sparkSession.read.parquet(str(tmp_path / "rows"))

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
