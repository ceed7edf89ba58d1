"""Parameters of notebooks: widgets where there are some, else the environment."""

import sys
from types import SimpleNamespace

import pytest

from feature_store.notebooks import parameters, show


class Widgets:
    """As ``dbutils.widgets``: a widget that a job has filled keeps its value."""

    def __init__(self, **filled: str) -> None:
        self.values = filled

    def text(self, name: str, default: str) -> None:
        self.values.setdefault(name, default)

    def get(self, name: str) -> str:
        return self.values[name]


@pytest.fixture
def on_databricks(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The names that a notebook has there."""
    names: dict[str, object] = {}
    shell = SimpleNamespace(user_ns=names)
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.4")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return names


def test_a_parameter_is_what_the_environment_says_or_else_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBOOK_AS_OF", "2013-08-01")
    assert parameters(schema="flights", as_of="2013-07-01") == {"schema": "flights", "as_of": "2013-08-01"}


def test_on_databricks_a_parameter_is_a_widget_which_a_job_may_have_filled(on_databricks: dict[str, object]) -> None:
    on_databricks["dbutils"] = SimpleNamespace(widgets=Widgets(as_of="2013-08-01"))
    assert parameters(schema="flights", as_of="2013-07-01") == {"schema": "flights", "as_of": "2013-08-01"}


def test_on_databricks_a_table_is_shown_by_its_own_display(on_databricks: dict[str, object]) -> None:
    shown: list[object] = []
    on_databricks["display"] = shown.append
    show("a data frame")
    assert shown == ["a data frame"]
