"""What a notebook needs to run on Databricks and anywhere else: its parameters, and tables shown."""

import os
from collections.abc import Callable
from typing import Any

PREFIX = "NOTEBOOK_"


def parameters(**defaults: str) -> dict[str, str]:
    """The notebook's parameters by name: its widgets on Databricks, else environment variables such as ``NOTEBOOK_AS_OF``.

    A widget that is not there yet is made, as a text field above the notebook; a job's parameters fill it.
    """
    dbutils = _given("dbutils")
    if dbutils is None:
        return {name: os.environ.get(f"{PREFIX}{name.upper()}", default) for name, default in defaults.items()}
    for name, default in defaults.items():
        dbutils.widgets.text(name, default)
    return {name: str(dbutils.widgets.get(name)) for name in defaults}


def show(table: Any) -> None:
    """Show a data frame: as Databricks does, or else its first rows as text."""
    display: Callable[[Any], None] | None = _given("display")
    if display is not None:
        display(table)
    else:
        table.show(20, truncate=False)


def _given(name: str) -> Any:
    """What Databricks puts into the notebooks' own names; None elsewhere."""
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return shell.user_ns.get(name) if shell else None
