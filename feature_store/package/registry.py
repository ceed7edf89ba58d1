"""The registered model versions, for commands that only look: as MLflow tells them, without loading MLflow where possible.

Loading MLflow takes seconds, and a registry that is a SQLite file on this machine can be read without. Whatever is not as
expected there (another kind of registry, tables of another version of MLflow) is asked of MLflow's own client.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGED = Path("data") / "feature_store"
"""Where a model has what the feature store packaged with it."""
_SQLITE = "sqlite:///"
_VERSIONS = "SELECT name, version, storage_location FROM model_versions WHERE current_stage != 'Deleted_Internal'"
_TAGS = "SELECT name, version, key, value FROM model_version_tags"
_ALIASES = "SELECT name, version, alias FROM registered_model_aliases"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model; ``folder`` is where its files are, None if they are not on this machine."""

    name: str
    version: int
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def uri(self) -> str:
        """``models:/<name>/<version>``."""
        return f"models:/{self.name}/{self.version}"


def registered_versions(*, prefix: str) -> list[RegisteredVersion]:
    """All versions of the models whose name begins with ``prefix``, by name and number."""
    database = _database()
    if database is not None:
        try:
            return from_database(database, prefix=prefix)
        except sqlite3.Error:
            pass  # of another version of MLflow, or locked: it knows better
    return from_client(prefix=prefix)


def from_database(path: Path, *, prefix: str) -> list[RegisteredVersion]:
    """The versions in a SQLite file that MLflow has made; none if it has not made it yet.

    Raises
    ------
    sqlite3.Error
        If it cannot be read, or its tables are others.
    """
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.execute("BEGIN")  # one moment for all three
        rows = database.execute(_VERSIONS).fetchall()
        tags: dict[tuple[str, int], dict[str, str]] = {}
        for name, version, key, value in database.execute(_TAGS):
            tags.setdefault((name, version), {})[key] = value
        aliases: dict[tuple[str, int], list[str]] = {}
        for name, version, alias in database.execute(_ALIASES):
            aliases.setdefault((name, version), []).append(alias)
    return [
        RegisteredVersion(
            name,
            version,
            tags.get((name, version), {}),
            tuple(sorted(aliases.get((name, version), []))),
            _folder(place),
        )
        for name, version, place in sorted(rows, key=lambda row: (row[0], row[1]))
        if name.startswith(prefix)
    ]


def from_client(*, prefix: str) -> list[RegisteredVersion]:
    """The versions that MLflow's client finds in the configured registry; their files are left where they are."""
    import mlflow

    client = mlflow.MlflowClient()
    aliases: dict[str, Mapping[str, str]] = {}
    found = []
    for one in sorted(mlflow.search_model_versions(), key=lambda one: (one.name, int(one.version))):
        if one.name.startswith(prefix):
            if one.name not in aliases:
                aliases[one.name] = client.get_registered_model(one.name).aliases
            given = [alias for alias, version in aliases[one.name].items() if str(version) == str(one.version)]
            found.append(RegisteredVersion(one.name, int(one.version), dict(one.tags), tuple(sorted(given))))
    return found


def make_ready() -> None:
    """Before the first use in a process: let MLflow make its database while no other process does.

    Two processes that find no database both make one, and MLflow's steps of the one collide with the other's.
    """
    database = _database()
    if database is not None:
        _made_ready(database)


@functools.cache
def _made_ready(database: Path) -> None:
    import mlflow

    from feature_store.package.new_registry import copy_prepared
    from feature_store.tables.turns import in_turn

    def make() -> None:
        copy_prepared(database)
        mlflow.MlflowClient().search_experiments(max_results=1)

    database.parent.mkdir(parents=True, exist_ok=True)
    in_turn(f"The registry {database}", database.parent, make)


def _database() -> Path | None:
    """The registry's SQLite file, if it is one."""
    mlflow = sys.modules.get("mlflow")
    configured = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI") or ""
    # What a program has said to MLflow itself counts more.
    uri = str(mlflow.get_registry_uri()) if mlflow is not None else configured
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def _folder(place: str | None) -> Path | None:
    address = urlsplit(place or "")
    if address.scheme not in ("", "file"):
        return None
    folder = Path(unquote(address.path))
    return folder if place and folder.is_dir() else None
