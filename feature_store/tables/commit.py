"""What every commit, training set and score says of where it came from.

A commit's metadata (Delta's ``userMetadata``, JSON) is the only record: there is no side database. From the commits of
the tables and the ``lineage.json`` of the models alone, :mod:`feature_store.lineage.show` draws the graph.
"""

import functools
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from feature_store.job import run_id

FORMAT = 1
"""Version of the tables' properties and commit metadata; a newer one is refused, not guessed at."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Why a version of a table exists.

    ``sources`` maps full table names to the Delta versions that were read. ``details`` is JSON data of the verb's own.
    """

    verb: str
    as_of: datetime
    sources: Mapping[str, int] = field(default_factory=dict)
    window: tuple[datetime, datetime] | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    revision: str = ""
    run: str = ""

    def to_json(self) -> str:
        """The commit as Delta's ``userMetadata``; revision and run are filled in where they were left open."""
        return json.dumps(
            {
                "format": FORMAT,
                "verb": self.verb,
                "as_of": self.as_of.isoformat(),
                "sources": dict(self.sources),
                "window": [moment.isoformat() for moment in self.window] if self.window else None,
                "details": dict(self.details),
                "revision": self.revision or code_revision(),
                "run": self.run or run_id(),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str | None) -> "Commit | None":
        """The commit that :meth:`to_json` wrote; None for any other text, such as another program's."""
        try:
            data = json.loads(text or "")
            window = data["window"]
            return cls(
                verb=data["verb"],
                as_of=datetime.fromisoformat(data["as_of"]),
                sources=data["sources"],
                window=(datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1])) if window else None,
                details=data["details"],
                revision=data["revision"],
                run=data["run"],
            )
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class TableVersion:
    """One version in a table's history, with the commit metadata where this pipeline wrote it."""

    version: int
    at: datetime
    operation: str
    commit: Commit | None


@functools.cache
def code_revision() -> str:
    """The git revision of the code that runs, with ``-dirty`` if it was changed; ``unknown`` outside a checkout."""

    def git(*arguments: str) -> str:
        folder = Path(__file__).resolve().parent
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
