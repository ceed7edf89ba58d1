"""Which windows a scoring run is made of: where it begins, how it is cut, and which run that was killed it goes on with.

Commits of a run that is cut into several windows record what the run was asked for (``backfill``), so that the next run
knows a backfill that stopped before its end: by the commits alone, whether the run died or the machine did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feature_store.moments import is_within
from feature_store.tables.commit import Commit, TableVersion
from inference.scoring.already import VERB

if TYPE_CHECKING:
    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

CHUNK = timedelta(days=31)
BACKFILL = "backfill"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Stopped:
    """A backfill that did not reach its end: when it began to score, and as of what moment it ran."""

    start: datetime
    as_of: datetime


def scoring_history(store: FeatureStore, spec: ScoringSpec) -> list[TableVersion]:
    """The versions of the score table that wrote scores of a window, the newest first."""
    if not store.tables.exists(spec.output):
        return []
    history = store.tables.history(spec.output)
    return [entry for entry in history if entry.commit and entry.commit.verb == VERB and entry.commit.window]


def scored_until(commits: Sequence[Commit]) -> datetime | None:
    """The end of the latest window that was scored."""
    return max((commit.window[1] for commit in commits if commit.window), default=None)


def stopped(commits: Sequence[Commit], start: datetime | None) -> Stopped | None:
    """The backfill from ``start`` (None: the one that scored the latest window), if its last commit is not its end."""
    of_some_backfill = [(commit, asked) for commit in commits if (asked := _asked(commit)) is not None]
    if start is None:
        until = scored_until(commits)
        of_some_backfill = [(commit, asked) for commit, asked in of_some_backfill if _end(commit) == until]
    else:
        of_some_backfill = [(commit, asked) for commit, asked in of_some_backfill if asked[0] == start]
    if not of_some_backfill:
        return None
    commit, asked = of_some_backfill[0]
    return Stopped(asked[0], commit.as_of) if _end(commit) < asked[1] else None


def first_and_last(
    store: FeatureStore, spec: ScoringSpec, window: Window, *, as_of: datetime, version: int
) -> Window | None:
    """When the first and the last entity of the window are decided; None if there is nobody."""
    from pyspark.sql import functions as F

    entities = spec.entities.read(store.tables, as_of=as_of, version=version)
    decided_at = F.col(f"`{spec.training.decided_at}`")
    inside = entities.where(is_within(decided_at, *window))
    micros = F.unix_micros(decided_at)
    ((first, last),) = inside.agg(F.min(micros), F.max(micros)).collect()
    return None if first is None else (_EPOCH + timedelta(microseconds=first), _EPOCH + timedelta(microseconds=last))


def cut(window: Window, *, chunk: timedelta, somebody: Window | None) -> list[Window]:
    """The window in chunks, the last one shorter; the time in which there is nobody yet, or no more, joins the outer ones.

    Chunks begin at multiples of ``chunk`` from the window's start, whoever is in it: run again, they are the same.
    """
    since, until = window
    if somebody is None or until - since <= chunk:
        return [window]
    first, last = ((moment - since) // chunk for moment in somebody)
    ends = [since + (number + 1) * chunk for number in range(first, last)]
    return list(zip([since, *ends], [*ends, until], strict=True))


def _asked(commit: Commit) -> Window | None:
    asked = commit.details.get(BACKFILL)
    if not isinstance(asked, list):
        return None
    return datetime.fromisoformat(asked[0]), datetime.fromisoformat(asked[1])


def _end(commit: Commit) -> datetime:
    assert commit.window is not None
    return commit.window[1]
