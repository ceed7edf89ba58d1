"""The README's first screen is the example that runs."""

import runpy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from feature_store import open_store
from features.flights import landing
from features.ingest import ingest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "quickstart.py"


def test_the_code_shown_in_the_readme_is_the_code_of_the_example() -> None:
    shown = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    marked = [block.split("# [/readme]")[0] for block in EXAMPLE.read_text(encoding="utf-8").split("# [readme]\n")[1:]]

    assert len(marked) == 3
    assert shown == marked


def test_the_example_runs_and_prints_what_the_readme_shows(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(tmp_path / "workspace"))
    flights = landing.flights()
    june = flights["decided_at"].between("2013-05-31", "2013-06-30 23:59")
    in_june = replace(landing.FLIGHTS, read=lambda: flights[june].reset_index(drop=True))
    ingest(open_store(), in_june, as_of=datetime(2013, 7, 1, tzinfo=UTC))

    runpy.run_path(str(EXAMPLE), run_name="__main__")

    lines = capsys.readouterr().out.splitlines()
    shown = README.split("```\n366,153 rows")[1].split("```")[0].splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("|flight_id"))
    assert lines[head] == next(line for line in shown if line.startswith("|flight_id"))
    keys = [line.split("|")[1:4] for line in lines[head + 2 : head + 6]]
    assert keys == [line.split("|")[1:4] for line in shown if line.startswith("|B6-")]
    assert lines[0].endswith("rows from the beginning to 2013-07-01 00:00")
