"""What a model carries beside itself, and a stored feature spec consists of: one folder, written and read here.

``feature_spec.yaml`` says where each column comes from, ``lineage.json`` which versions of which tables it was trained
on and what their keys were, ``functions/<full name>.pkl`` is the code of each Python function.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feature_store.errors import Misuse
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.spec_file import load_spec

LINEAGE_FILE = "lineage.json"
_FUNCTIONS = "functions"


@dataclass(frozen=True)
class FeatureSpecInfo:
    """A stored feature spec: its three-level name, who made it, and when, in milliseconds since 1970."""

    name: str
    creator: str
    creation_timestamp_ms: int


@dataclass(frozen=True)
class Package:
    """``keys`` has the primary keys of each table, in order, and their types; ``lineage`` is JSON data besides."""

    spec: FeatureSpec
    code: Mapping[str, bytes] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lineage: Mapping[str, object] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write all of it into ``folder``, which is made if it is not there."""
        folder.mkdir(exist_ok=True)
        self.spec.save(folder)
        document = {**self.lineage, "keys": self.keys}
        (folder / LINEAGE_FILE).write_text(json.dumps(document, indent=2, default=str), encoding="utf-8")
        for name, code in self.code.items():
            (folder / _FUNCTIONS).mkdir(exist_ok=True)
            (folder / _FUNCTIONS / f"{name}.pkl").write_bytes(code)

    @classmethod
    def load(cls, folder: Path) -> "Package":
        """What :meth:`save` wrote, or what the vendor's client did: a spec alone.

        Raises
        ------
        Misuse
            If it cannot be read.
        """
        spec = load_spec(folder)
        path = folder / LINEAGE_FILE
        try:
            document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            keys = {str(table): dict(kinds) for table, kinds in document.get("keys", {}).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise Misuse(f"The model's {LINEAGE_FILE} cannot be read: {error}.") from error
        code = {path.stem: path.read_bytes() for path in sorted((folder / _FUNCTIONS).glob("*.pkl"))}
        return cls(spec, code, keys, document)
