"""Which windows a publishing run has to publish: pure arithmetic over what the table's own commits tell.

Every publishing commit records its window, and ``published_until``: up to where the windows reach from the beginning
without a gap. One that is part of a backfill also records that backfill's own range, so that a run that was killed
goes on where it stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from feature_store import FeatureTable
from feature_store.lineage.unchanged import PUBLISH
from feature_store.tables.commit import Commit

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK = timedelta(days=184)
"""Half a year: each chunk reads its lookback again, so short ones cost; a long one is lost when the run is killed."""
VERB = PUBLISH

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Range:
    """What a run is asked to publish; ``resumed`` if an earlier run of the same backfill did its first part."""

    start: datetime
    end: datetime
    resumed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to publish."""
        return self.start >= self.end


def reached(commits: Sequence[Commit]) -> datetime:
    """How far the published windows reach from the beginning without a gap."""
    windows = [commit.window for commit in commits if commit.window]
    recorded = [commit.details.get("published_until") for commit in commits]
    # Delta forgets old commits in time; what they covered is recorded in the later ones.
    windows += [(BEGINNING, datetime.fromisoformat(moment)) for moment in recorded if isinstance(moment, str)]
    until = BEGINNING
    for start, end in sorted(windows):
        if start > until:
            break
        until = max(until, end)
    return until


def catching_up(table: FeatureTable, commits: Sequence[Commit], *, end: datetime) -> Range:
    """From where the table was left to ``end``.

    Rows that arrived late, up to the table's lateness after their moment, are known at ``published_until - lateness``
    or later; so are all values that they change, since a value looks back, never ahead. Hence it begins there.
    """
    return Range(max(reached(commits) - table.lateness, BEGINNING), end)


def backfill(commits: Sequence[Commit], new: Commit, *, start: datetime, end: datetime) -> Range:
    """From ``start`` to ``end``; or from where the newest of ``commits`` stopped, if it was of this same backfill.

    The same is: asked to begin at the same moment, by the same code, from the same versions of the sources.
    """
    latest = commits[0] if commits else None
    asked = latest.details.get("backfill") if latest else None
    if latest is None or latest.window is None or not isinstance(asked, list):
        return Range(start, end)
    stopped, meant = latest.window[1], datetime.fromisoformat(asked[1])
    same = datetime.fromisoformat(asked[0]) == start and is_made_of(latest, new)
    return Range(stopped, end, resumed=True) if same and stopped < meant else Range(start, end)


def is_made_of(old: Commit, new: Commit) -> bool:
    """Whether both are of the same versions of the sources, by the same code."""
    return old.sources == new.sources and old.details.get("definition") == new.details.get("definition")


def cut(asked: Range, *, chunk: timedelta, first: datetime | None) -> list[Window]:
    """The windows of at most ``chunk`` that make up the range.

    The first one also takes the time before ``first``, the earliest moment in the sources: there are no rows in it, and
    yet it is published, so that what is published has no gap.
    """
    windows, start = [], asked.start
    while start < asked.end:
        end = min(max(start, first or asked.end) + chunk, asked.end)
        windows.append((start, end))
        start = end
    return windows
