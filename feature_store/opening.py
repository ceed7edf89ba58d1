"""Which store there is: on Databricks the vendor's client, anywhere else the one over Spark, Delta and MLflow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from feature_store.errors import Misuse, suggestion
from feature_store.names import DEFAULT_SCHEMA

if TYPE_CHECKING:
    from feature_store.store import FeatureStore

BACKENDS = ("databricks", "local")


def open_store(
    *,
    catalog: str = "dev",
    schema: str = DEFAULT_SCHEMA,
    workspace: str | Path | None = None,
    backend: str | None = None,
) -> FeatureStore:
    """The feature store for ``catalog.schema``, in the workspace folder (or ``PIPELINE_WORKSPACE``, or ``workspace``).

    ``backend`` is ``local`` or ``databricks``; None: what ``PIPELINE_BACKEND`` names, or else ``databricks`` on a
    Databricks runtime and ``local`` anywhere else.

    Raises
    ------
    Misuse
        If there is no such backend, a package for it is missing, or a name cannot be one.
    StorageError
        If the workspace cannot be written, or was written by a newer version of this pipeline.
    """
    chosen = backend or chosen_backend()
    place = Path(workspace or os.environ.get("PIPELINE_WORKSPACE") or "workspace")
    if chosen == "databricks":
        from feature_store.databricks.store import DatabricksStore

        return DatabricksStore.open(catalog=catalog, schema=schema, workspace=place)
    if chosen != "local":
        raise Misuse(f"There is no store backend {chosen!r}. {suggestion(chosen, BACKENDS)}")
    from feature_store.local.store import LocalStore

    return LocalStore.open(catalog=catalog, schema=schema, workspace=place)


def chosen_backend() -> str:
    """What ``PIPELINE_BACKEND`` names, or else ``databricks`` on a Databricks runtime and ``local`` anywhere else."""
    there = "databricks" if os.environ.get("DATABRICKS_RUNTIME_VERSION") else "local"
    return os.environ.get("PIPELINE_BACKEND") or there
