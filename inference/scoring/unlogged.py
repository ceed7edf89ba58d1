"""Rows of the log for runs that ended between their scores and their row: made of what the scores' commits say.

Scores and log are two tables, and no commit is of both. So the commit of the scores carries what the log's row says of them, and a
later run of the population writes the rows that are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from feature_store.moments import utc
from feature_store.tables.commit import TableVersion
from inference.scoring import runs
from inference.scoring.already import ROWS

if TYPE_CHECKING:
    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

LOG = "log"
"""In the commits of scores: what the row of the log says, besides what commits say anyway."""
LATE = "The run ended before it could record this; a later run of the population did."


def complete(store: FeatureStore, spec: ScoringSpec, history: Sequence[TableVersion]) -> None:
    """Record the runs of ``history``, the newest first, that the log does not have.

    The history is to be older than whatever is done in between: a run that goes on at the same time records itself meanwhile.
    """
    written = [entry for entry in history if entry.commit and LOG in entry.commit.details]
    if not written:
        return
    output = store.tables.full_name(spec.output)
    there = _recorded(store, output)
    for entry in reversed(written):
        row = _row(entry, output)
        if (row.run_id, row.score_table_version) not in there:
            runs.record(store, row)


def _recorded(store: FeatureStore, output: str) -> set[tuple[str, int | None]]:
    """The runs that the log has, with the version of the score table that they wrote."""
    if not store.tables.exists(runs.RUNS_TABLE):
        return set()
    columns = ["run_id", "score_table_version"]
    rows = store.tables.collect(runs.RUNS_TABLE, columns, only={"score_table": output})
    return set(zip(*(rows[name].to_pylist() for name in columns), strict=True))


def _row(entry: TableVersion, output: str) -> runs.Run:
    commit = entry.commit
    assert commit is not None
    assert commit.window is not None
    details: dict[str, Any] = dict(commit.details)
    facts = details[LOG]
    return runs.Run(
        run_id=commit.run,
        score_table=output,
        as_of=utc(commit.as_of),
        window_start=commit.window[0],
        window_end=commit.window[1],
        outcome=runs.SCORED,
        warnings=[*runs.lacking_moments(facts["entities_without_moment"]), LATE],
        rows=details[ROWS],
        entities=details[ROWS],
        model=details["model"],
        model_version=details["model_version"],
        table_versions=commit.sources,
        score_table_version=entry.version,
        **facts,
    )
