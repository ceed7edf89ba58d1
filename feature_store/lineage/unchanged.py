"""Whether what a job has read is still the same, told from the tables' own commits: no row is read to know it.

A table that is still at the version read has not changed. One that has moved on has not changed for a job that looked no
later than some moment, if every commit since says that it replaced a window that begins after that moment: no lookup
as of an earlier moment can find a row of it. Anything else may have changed, and whoever asks has to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from feature_store.moments import utc
from feature_store.tables.commit import TableVersion

if TYPE_CHECKING:
    from feature_store.tables.protocol import Tables

PUBLISH = "publish-features"


def is_unchanged(tables: Tables, versions: Mapping[str, int], *, until: datetime, read_at: datetime) -> bool:
    """Whether all tables have, of the moments before ``until``, the rows that they had at ``versions``.

    ``read_at`` is when they were read, by the clock: a version of that number that was written later is one of a table
    that was dropped and made again.
    """
    return all(
        tables.exists(name) and reads_the_same(tables.history(name), version, until, read_at)
        for name, version in versions.items()
    )


def reads_the_same(history: Sequence[TableVersion], version: int, until: datetime, read_at: datetime) -> bool:
    """:func:`is_unchanged` for one table, of which this is the history."""
    read = next((entry for entry in history if entry.version == version), None)
    if read is None or read.at > utc(read_at):
        return False
    return all(_is_later(entry, until) for entry in history if entry.version > version)


def _is_later(entry: TableVersion, until: datetime) -> bool:
    """Whether the commit has replaced nothing but rows of ``until`` and later."""
    commit = entry.commit
    return (
        commit is not None and commit.verb == PUBLISH and commit.window is not None and commit.window[0] >= utc(until)
    )
