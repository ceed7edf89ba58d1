"""New MLflow databases: copies of the empty one that set-up has made, since MLflow takes seconds to make its own."""

from pathlib import Path

from feature_store.package.new_registry import copy_prepared


def new_registry(folder: Path) -> str:
    """The address of an empty database in ``folder``."""
    database = folder / "mlflow.db"
    copy_prepared(database)
    return f"sqlite:///{database}"
