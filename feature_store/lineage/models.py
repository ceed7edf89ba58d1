"""What a model version says of itself: which features of which tables it uses, and ``lineage.json``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from feature_store.errors import Misuse
from feature_store.moments import utc
from feature_store.package.registry import PACKAGED, RegisteredVersion


@dataclass(frozen=True)
class UsedFeature:
    """A feature that a model looks up: ``output`` is the model's name for ``feature`` of ``table``."""

    table: str
    feature: str
    output: str


@dataclass(frozen=True)
class ModelLineage:
    """``document`` is ``lineage.json``; empty for a model that was packaged without, as the vendor's client does it.

    The versions are those of the feature tables, and of the tables that the labels came from, by full name.
    """

    features: Sequence[UsedFeature] = ()
    table_ids: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None
    table_versions: Mapping[str, int] = field(default_factory=dict)
    label_versions: Mapping[str, int] = field(default_factory=dict)


def packaged_lineage(model_uri: str) -> ModelLineage:
    """What the model at ``model_uri`` carries.

    Raises
    ------
    NotFound
        If there is no such model.
    Misuse
        If it was packaged without features, or what it carries cannot be read.
    """
    from feature_store.package.packaging import packaged_folder

    return carried(packaged_folder(model_uri), model_uri)


def lineage_of(version: RegisteredVersion) -> ModelLineage:
    """What a registered version carries, read where it lies if that is on this machine.

    Raises
    ------
    NotFound, Misuse
        As :func:`packaged_lineage` does.
    """
    folder = version.folder / PACKAGED if version.folder else None
    return carried(folder, version.uri) if folder and folder.is_dir() else packaged_lineage(version.uri)


def carried(folder: Path, model_uri: str) -> ModelLineage:
    """What the folder of a packaged model says.

    Raises
    ------
    Misuse
        If it cannot be read.
    """
    from feature_store.package.contents import LINEAGE_FILE
    from feature_store.package.spec_file import load_spec

    spec = load_spec(folder)
    path = folder / LINEAGE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return ModelLineage(
            features=[UsedFeature(column.table, column.feature, column.name) for column in spec.features],
            table_ids=dict(spec.table_ids),
            document=document,
            as_of=utc(datetime.fromisoformat(document["as_of"])) if "as_of" in document else None,
            table_versions=_versions(document.get("tables")),
            label_versions=_versions(document.get("labels")),
        )
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise Misuse(f"The {LINEAGE_FILE} of {model_uri!r} cannot be read: {error}.") from error


def _versions(value: Any) -> Mapping[str, int]:
    return {str(name): int(version) for name, version in (value or {}).items()}
