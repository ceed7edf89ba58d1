"""Whether a window was already scored so: by the same model, from the same rows, and by nobody else since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from feature_store.lineage.unchanged import is_unchanged
from feature_store.moments import utc
from feature_store.tables.commit import TableVersion

if TYPE_CHECKING:
    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

VERB = "score-batch"
ROWS = "rows"


def definition(spec: ScoringSpec) -> str:
    """A hash of what is scored: the columns read of each entity, and the view that the entities come from."""
    view = spec.entities
    facts = (view.table, list(view.columns), view.known_at, list(spec.entity_columns), spec.output)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def already_scored(
    store: FeatureStore,
    spec: ScoringSpec,
    *,
    window: tuple[datetime, datetime],
    as_of: datetime,
    details: Mapping[str, object],
) -> int | None:
    """How many rows the window has, if it was last written by a run of the same ``details``; None if not, or not known.

    What the run has read must be the same still, as far as it may be looked up: up to the window's end.
    """
    if not store.tables.exists(spec.output):
        return None
    last = next((entry for entry in store.tables.history(spec.output) if _may_touch(entry, window)), None)
    commit = last.commit if last else None
    if last is None or commit is None or commit.verb != VERB:
        return None
    alike = commit.window == window and commit.as_of == utc(as_of) and details.items() <= commit.details.items()
    rows = commit.details.get(ROWS)
    if not alike or not isinstance(rows, int):
        return None
    unchanged = is_unchanged(store.tables, commit.sources, until=window[1], read_at=last.at)
    return rows if unchanged else None


def _may_touch(entry: TableVersion, window: tuple[datetime, datetime]) -> bool:
    """Whether the commit may have changed rows of the window: all but those that replaced another window only."""
    other = entry.commit.window if entry.commit else None
    return other is None or (other[0] < window[1] and window[0] < other[1])
