"""The baseline is computed once for a model version, and kept with its run."""

import mlflow
import pytest
from mlflow import MlflowClient

from monitoring.drift import baseline, kept
from monitoring.drift.baseline import Baseline
from monitoring.drift.statistics import psi

COLUMNS = ["load", "depot", "prediction"]


@pytest.fixture
def run_id(parcels, mlflow_database, tmp_path):
    """The run of version 1 of the registered model of parcels."""
    mlflow.set_tracking_uri(mlflow_database)
    client = MlflowClient()
    name = parcels.store.tables.full_name("parcel_delay")
    run = client.create_run(client.create_experiment(str(tmp_path), artifact_location=tmp_path.as_uri()))
    client.create_registered_model(name)
    client.create_model_version(name, source="runs:/none", run_id=run.info.run_id)
    yield run.info.run_id
    client.delete_registered_model(name)
    mlflow.set_tracking_uri(None)


def load(parcels, version="1"):
    monitor = parcels.monitor()
    return kept.load(parcels.store, monitor, version, kept.asked_of(monitor, COLUMNS, "binary"))


def test_it_is_kept_with_the_run_and_not_computed_again(parcels, run_id):
    parcels.learn([1.0, 2.0, 3.0, None])
    first = load(parcels)
    parcels.store.tables.drop("parcel_delay_training_set")
    assert load(parcels).to_json() == first.to_json()
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/{kept.ARTIFACT}") == first.to_json()


@pytest.mark.parametrize(
    "damage", ["", "{", '{"format": 99}', '{"format": 1, "model_version": "1", "rows": 1, "columns": {}}']
)
def test_one_that_is_damaged_or_lacks_columns_is_computed_again(parcels, run_id, damage):
    parcels.learn([1.0, 2.0])
    MlflowClient().log_text(run_id, damage, kept.ARTIFACT)
    assert set(load(parcels).whole.columns) == set(COLUMNS)
    assert Baseline.from_json(mlflow.artifacts.load_text(f"runs:/{run_id}/{kept.ARTIFACT}")).whole.rows == 2


def test_without_a_run_it_is_computed_each_time(parcels):
    parcels.learn([1.0, 2.0, 3.0, None])
    parcels.learn([9.0], version="2")
    found = load(parcels)
    assert (found.whole.rows, found.whole.columns["load"].mean, found.whole.columns["load"].nulls) == (4, 2.0, 1)
    assert dict(found.whole.columns["depot"].counts) == {"north": 4}
    assert load(parcels, "3") is None


def test_the_prediction_is_that_of_the_holdout_where_there_is_one(parcels):
    parcels.learn([1.0] * 10)
    parcels.learn([5.0] * 3, split="holdout")
    found = load(parcels)
    assert (found.whole.columns["prediction"].rows, found.whole.columns["load"].rows) == (3, 13)


def test_columns_are_read_some_at_a_time_when_there_are_many_rows():
    assert list(baseline.in_chunks(["a", "b", "c"], baseline.MOST_VALUES // 2)) == [["a", "b"], ["c"]]
    assert list(baseline.in_chunks(["a", "b"], baseline.MOST_VALUES * 5)) == [["a"], ["b"]]
    assert list(baseline.in_chunks(["a", "b"], 0)) == [["a", "b"]]


def test_a_baseline_read_back_gives_the_same_statistics(parcels):
    parcels.learn([float(i) for i in range(50)])
    found = load(parcels)
    again = Baseline.from_json(found.to_json())
    one, other = found.whole.columns["load"], again.whole.columns["load"]
    assert psi(one.binned(one.histogram), other.binned(other.histogram)) == 0.0
    assert again.to_json() == found.to_json()
