"""An empty MLflow database, made once at set-up: that of a new workspace is a copy, since to make one takes a second.

MLflow makes its tables as they were years ago, then changes them step by step to what its version needs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path


def prepared() -> Path:
    """Where the empty database of the MLflow that is installed is, beside Delta's jars, if it has been made."""
    return Path(sys.prefix) / "share" / "feature-pipelines" / f"mlflow-{version('mlflow-skinny')}.db"


def prepare() -> None:
    """Make it, unless it is there."""
    if prepared().exists():
        return
    import mlflow

    prepared().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prepared().parent) as folder:
        made = Path(folder) / "mlflow.db"
        mlflow.MlflowClient(f"sqlite:///{made}").search_experiments(max_results=1)
        made.replace(prepared())


def copy_prepared(database: Path) -> None:
    """Let ``database`` begin as a copy, if it is not there; whoever calls sees to it that no other process makes it now."""
    if database.exists() or not prepared().exists():
        return
    beside = database.with_name(f"{database.name}.{os.getpid()}")
    try:
        shutil.copyfile(prepared(), beside)
        with closing(sqlite3.connect(beside)) as copy, copy:
            # What MLflow writes of the experiment that each database begins with.
            place, now = str(Path("mlruns", "0").absolute()), int(time.time() * 1000)
            copy.execute(
                "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ?",
                (place, now, now),
            )
        beside.replace(database)
    except (OSError, sqlite3.Error):
        with contextlib.suppress(OSError):
            beside.unlink()  # MLflow makes its own, or says what is wrong
