"""The registry of a new workspace is a copy of an empty one, and the same as if MLflow had made it there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from feature_store.package import new_registry
from feature_store.package.new_registry import copy_prepared, prepare


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database made by this MLflow, now."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "share" / "mlflow.db"
    monkeypatch.setattr(new_registry, "prepared", lambda: place)
    prepare()
    return place


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as opened:
        return opened.execute(query).fetchall()


def test_a_copy_has_the_tables_and_the_experiment_that_mlflow_makes_where_it_is(prepared: Path, tmp_path: Path) -> None:
    copied, made = tmp_path / "copied.db", tmp_path / "made.db"

    copy_prepared(copied)
    MlflowClient(f"sqlite:///{made}").search_experiments()

    for query in (
        "SELECT t.name, c.name, c.type, c.pk FROM sqlite_master t, pragma_table_info(t.name) c ORDER BY t.name, c.cid",
        "SELECT * FROM alembic_version",
        "SELECT experiment_id, name, artifact_location, lifecycle_stage, workspace FROM experiments",
    ):
        assert rows(copied, query) == rows(made, query) != []
    [(ours,)] = rows(copied, "SELECT creation_time FROM experiments")
    [(theirs,)] = rows(made, "SELECT creation_time FROM experiments")
    assert abs(ours - theirs) < 60_000  # type: ignore[operator]


def test_a_database_that_is_there_is_left_as_it_is(prepared: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"")

    copy_prepared(there)

    assert there.read_bytes() == b""


@pytest.mark.parametrize("content", [None, b"no database, but long enough to be told apart from an empty file" * 20])
def test_without_one_or_with_a_broken_one_nothing_is_left_and_mlflow_makes_its_own(
    prepared: Path, tmp_path: Path, content: bytes | None
) -> None:
    prepared.unlink()
    if content is not None:
        prepared.write_bytes(content)
    new = tmp_path / "new.db"

    copy_prepared(new)

    assert [one for one in tmp_path.iterdir() if one.name.startswith("new.db")] == []
    MlflowClient(f"sqlite:///{new}").create_registered_model("late_order")
    assert rows(new, "SELECT name FROM registered_models") == [("late_order",)]
