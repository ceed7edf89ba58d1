"""The demo itself, the job ``replay``, on a slice of the real data: Newark's departures until the middle of March."""

import json
import re
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner, Result
from polars.testing import assert_frame_equal
from pyspark.sql import SparkSession

from features.flights import landing
from resources.run import main

ROOT = Path(__file__).parents[1]


def test_x(spark: SparkSession, tmp_path: Path, monkeypatch) -> None:
    read_csv = landing.read_csv
    kept = {}

    def sliced(name):
        if name not in kept:
            frame = read_csv(name)
            if name in ("flights.csv.zip", "weather.csv"):
                frame = frame[(frame["origin"] == "EWR") & (frame["time_hour"] < "2013-03-15")].reset_index(drop=True)
            kept[name] = frame
        return kept[name].copy()

    monkeypatch.setattr(landing, "read_csv", sliced)
    monkeypatch.chdir(ROOT)
    rounds = [{"from": "2013-02-15", "as_of": "2013-03-01"}, {"from": "2013-03-01", "as_of": "2013-03-15"}]
    import time
    for i in range(2):
        t = time.time()
        r = CliRunner().invoke(main, ["replay", "--workspace", str(tmp_path / "w"), "--params", "first_as_of=2013-02-15", "--params", f"rounds={json.dumps(rounds)}"])
        print(r.output, r.exit_code, time.time() - t)
