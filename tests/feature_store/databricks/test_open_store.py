"""Which backend is chosen, and what is said when it cannot be."""

import socket
import subprocess
import sys

import pytest

from feature_store import Misuse, StorageError, open_store
from feature_store.databricks.store import DatabricksStore
from feature_store.local.store import LocalStore

WITHOUT_THE_PACKAGE = """
import sys
sys.modules["databricks.feature_engineering"] = None
from feature_store import open_store
open_store(backend="databricks")
"""
LIGHT = """
import sys
import feature_store.databricks
print([name for name in ("databricks", "deltalake", "polars", "tenacity", "mlflow") if name in sys.modules])
"""


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.delenv("PIPELINE_BACKEND", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(tmp_path / "workspace"))
    return monkeypatch


def test_the_store_is_local_unless_something_says_otherwise(spark, settings):
    assert isinstance(open_store(), LocalStore)


def test_the_argument_beats_the_environment(databricks_store, settings):
    settings.setenv("PIPELINE_BACKEND", "databricks")
    assert isinstance(open_store(catalog="test"), DatabricksStore)
    assert isinstance(open_store(backend="local"), LocalStore)


def test_on_a_databricks_runtime_the_store_is_databricks_unless_the_environment_names_another(
    databricks_store, settings
):
    settings.setattr("feature_store.databricks.store.DatabricksStore.open", lambda **where: where)
    settings.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert open_store(catalog="test")["catalog"] == "test"

    settings.setenv("PIPELINE_BACKEND", "local")
    assert isinstance(open_store(), LocalStore)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_unknown_backend_is_refused_and_the_closest_is_offered(settings, by):
    if by == "environment":
        settings.setenv("PIPELINE_BACKEND", "databrick")
    with pytest.raises(
        Misuse, match=r"no store backend 'databrick'. Did you mean databricks\? There are: databricks, local"
    ):
        open_store(backend="databrick" if by == "argument" else None)


def test_without_the_vendors_package_the_error_names_the_extra():
    done = subprocess.run([sys.executable, "-c", WITHOUT_THE_PACKAGE], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Misuse: The databricks backend needs databricks-feature-engineering" in done.stderr
    assert "pip install 'feature-pipelines[databricks]'" in done.stderr


def test_the_databricks_store_needs_nothing_of_what_the_local_one_does():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.fixture
def elsewhere(settings, tmp_path):
    """A machine that knows of no workspace."""
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        settings.delenv(name, raising=False)
    settings.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    settings.setattr("feature_store.databricks.workspace.PATIENCE", 1)
    return settings


def test_without_a_workspace_it_is_said_how_to_name_one(elsewhere):
    with pytest.raises(Misuse) as raised:
        open_store(backend="databricks")
    assert str(raised.value) == (
        "There is no Databricks workspace to work with: default auth: cannot configure default credentials. Log in "
        "(databricks auth login --host https://YOUR-WORKSPACE), or set DATABRICKS_HOST and its credentials. "
        "Or work without one: PIPELINE_BACKEND=local."
    )


def test_a_workspace_that_does_not_answer_is_named(elsewhere):
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    elsewhere.setenv("DATABRICKS_HOST", host)
    elsewhere.setenv("DATABRICKS_TOKEN", "none")
    with pytest.raises(StorageError) as raised:
        open_store(backend="databricks")
    assert str(raised.value) == (
        f"The Databricks workspace {host} does not answer (ConnectionError). Check DATABRICKS_HOST, or the profile in "
        "~/.databrickscfg, and the network. Or work without one: PIPELINE_BACKEND=local."
    )
