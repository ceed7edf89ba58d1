"""MLflow's store locked by somebody, or not there: one sentence, whatever it was that noticed."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from click.testing import CliRunner
from mlflow import MlflowClient

from feature_store.cli import Verb
from feature_store.errors import PipelineError, RegistryUnavailable


@pytest.fixture
def locked(tmp_path: Path):
    """A database that somebody else writes to."""
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("CREATE TABLE runs (id INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        yield file
        other.execute("ROLLBACK")


def verb(work) -> Verb:
    return Verb("verb", callback=work)


def test_a_locked_store_is_told_of_in_one_sentence(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    engine = sqlalchemy.create_engine(f"sqlite:///{locked}", connect_args={"timeout": 0})

    def write() -> None:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("INSERT INTO runs VALUES (1)"))

    told = CliRunner().invoke(verb(write))

    assert (told.exit_code, told.output) == (
        1,
        "Error: The workspace's MLflow store is locked by another process. What was done before is kept: run the same again when it is free.\n",
    )
    engine.dispose()


def test_a_server_that_does_not_answer_is_told_of_soon_with_its_address_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")

    told = CliRunner().invoke(verb(lambda: MlflowClient().search_registered_models()))

    assert told.exit_code == 1
    assert told.output.startswith("Error: MLflow's store http://127.0.0.1:9 does not answer.")
    assert "secret" not in told.output


def test_within_a_job_the_runner_gets_the_sentence(locked: Path) -> None:
    def write() -> None:
        with sqlite3.connect(locked, timeout=0) as connection:
            connection.execute("INSERT INTO runs VALUES (1)")

    with pytest.raises(RegistryUnavailable, match="is locked by another process") as told:
        verb(write).main([], standalone_mode=False)
    assert isinstance(told.value, PipelineError)


@pytest.mark.parametrize("error", [ValueError("database is locked"), sqlite3.OperationalError("no such table: runs")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        verb(fail).main([], standalone_mode=False)
