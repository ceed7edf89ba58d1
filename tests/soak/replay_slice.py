"""Replay Newark's winter of 2013 wherever the environment says, and leave what came of it: ``replay_slice.py RESULT.json``."""

import json
import sys
from pathlib import Path

import pandas as pd
from click.testing import CliRunner
from mlflow import MlflowClient

from feature_store import open_store
from features.flights import landing
from inference.score import main as score_batch
from resources.run import main as run_job

MODEL = "dev.flights.flight_delay"
ROUNDS = [{"from": "2013-02-15", "as_of": "2013-03-01"}]


def of_newark(name: str) -> pd.DataFrame:
    """The file ``name``; of what has an origin, Newark until the first of March."""
    rows = read_csv(name)
    if name not in ("flights.csv.zip", "weather.csv"):
        return rows
    return rows[(rows["origin"] == "EWR") & (rows["time_hour"] < "2013-03-01")].reset_index(drop=True)


read_csv, landing.read_csv = landing.read_csv, of_newark
moments = ["--params", "first_as_of=2013-02-15", "--params", f"rounds={json.dumps(ROUNDS)}"]
done = CliRunner().invoke(run_job, ["replay", *moments])
print(done.output)
if done.exit_code:
    raise SystemExit(done.exit_code)
again = CliRunner().invoke(
    score_batch, ["flight_delay", "--from", "2013-02-15", "--until", "2013-03-01", "--as-of", "2013-03-01", "--rerun"]
)
print(again.output)
store = open_store()
scores = store.tables.collect("flight_delay_scores", ["flight_id", "prediction"]).sort_by("flight_id")
drift = store.tables.collect(
    "flight_delay_scores_drift_metrics", ["column_name", "drift_type", "population_stability_index"]
)
run = MlflowClient().get_run(MlflowClient().get_model_version_by_alias(MODEL, "champion").run_id)
Path(sys.argv[1]).write_text(
    json.dumps(
        {
            "exit codes": [done.exit_code, again.exit_code],
            "tables": {name: store.tables.rows(name) for name in store.tables.names()},
            "metrics": run.data.metrics,
            "artifacts": run.info.artifact_uri,
            "table": str(store.tables.path("flight_delay_scores")),
            "scores": dict(zip(scores["flight_id"].to_pylist(), scores["prediction"].to_pylist(), strict=True)),
            "drift": sorted(map(str, drift.to_pylist())),
        }
    )
)
