"""What a notebook takes for granted: a session, and a word about what only Databricks gives."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from feature_store.porting import notebook
from feature_store.porting.notebook import OnlyThere, only_there

SOURCE = """# Databricks notebook source
# MAGIC %md display(df) and dbutils are spoken of here
# MAGIC %pip install something
dbutils.library.restartPython()
# COMMAND ----------
# MAGIC %sql
# MAGIC CREATE SCHEMA ml.wine
# COMMAND ----------
dbutils.widgets.text("as_of", "")
display(df)  # shows it
# display(other)
display(df.limit(3))
raw = spark.read.csv("/databricks-datasets/wine-quality/winequality-red.csv")
raw.write.saveAsTable("ml.wine.raw")
dbutils.fs.ls("/")
"""
TOLD = [
    'line 6: %sql: this cell is not run. Write spark.sql("""...""").',
    "line 3: %pip: nothing is installed. Install packages before the notebook begins.",
    "line 9: dbutils.widgets: write feature_store.notebooks.parameters(name=default): widgets there, NOTEBOOK_NAME in the environment here.",
    "line 4: dbutils.library: leave it out: nothing was installed meanwhile.",
    "line 15: dbutils: for files use Python's pathlib, for secrets the environment.",
    "lines 10, 12: display: nothing is shown. Write feature_store.notebooks.show(df), which shows a table there and here.",
    "line 14: saveAsTable: write create_table(name=..., primary_keys=..., df=...), or df.write.save(path).",
    "line 13: /databricks-datasets, /dbfs, /Volumes: no such place is mounted here: give the path of a copy of these files.",
]
PROGRAM = """# Databricks notebook source
import sys
from feature_store import FeatureEngineeringClient, FeatureLookup
from feature_store import FeatureEngineeringClient
started = sys.modules["pyspark.sql"].SparkSession._instantiatedSession
try:
    dbutils.widgets.get("as_of")
except NameError as error:
    print(error)
display("a data frame")
display("another")
print(spark, started)
"""


def test_what_only_databricks_gives_is_named_with_its_lines_and_what_to_write_instead() -> None:
    assert only_there(SOURCE) == TOLD


def test_a_script_is_given_a_session_and_is_told_once_of_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "notebook.py"
    path.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(
        "dbutils is Databricks' own, and dbutils.widgets is not here. For widgets write feature_store.notebooks"
    )
    assert second == "<spark: a session of this machine, started when it is first used> None"
    assert done.stderr.count("notebook.py has what only Databricks gives:") == 1
    assert "  line 7: dbutils.widgets: write feature_store.notebooks.parameters(name=default)" in done.stderr
    assert done.stderr.count("display is Databricks' own: nothing is shown.") == 1


def test_a_name_that_is_there_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.spark", "mine", raising=False)
    notebook.prepare("")
    assert spark == "mine"  # type: ignore[name-defined]  # noqa: F821


def test_a_file_that_has_nothing_of_the_kind_is_not_spoken_of(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text("# MAGIC %md display(df)\nprint(1)\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        notebook.prepare(str(path))


def test_dbutils_is_a_name_error_to_those_who_ask_where_they_are() -> None:
    assert issubclass(OnlyThere, NameError)
