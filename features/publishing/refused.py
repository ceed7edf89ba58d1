"""The log of refused publications: one row for each window of a feature table that its own checks refused; never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from feature_store.errors import InvalidRows
from feature_store.job import run_id
from feature_store.moments import utc
from feature_store.tables.commit import Commit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType

    from feature_store import FeatureStore, FeatureTable
    from feature_store.publish.publication import Publication

REFUSED_TABLE = "refused_publications"
RECORD = "record-refusal"
_DESCRIPTION = "All publications that a feature table's own checks refused: a row per window and run, never changed."


@dataclass(frozen=True)
class Refused:
    """A publication as of a moment that was refused; ``found`` is what was wrong with its rows, in the publisher's words."""

    as_of: datetime
    found: str


def published_or_recorded(
    store: FeatureStore, table: FeatureTable, rows: DataFrame, commit: Commit, *, dry_run: bool
) -> Publication:
    """Publish the rows of one window; if the checks refuse them, that is recorded, unless it is a dry run.

    Raises
    ------
    InvalidRows
        If they do. A note is added to it if that could not be recorded.
    """
    try:
        return store.publish_table(table=table, df=rows, commit=commit, dry_run=dry_run)
    except InvalidRows as error:
        if not dry_run:
            try:
                _record(store, table, commit, error.found)
            except Exception as another:  # the rows are refused, whatever is wrong with the log
                error.add_note(f"Nor could it be recorded in {REFUSED_TABLE}: {another} ({type(another).__name__})")
        raise


def refused(store: FeatureStore, name: str, *, until: datetime) -> Sequence[Refused]:
    """The refused publications of a feature table as of moments up to ``until``, the oldest first; no Spark is needed."""
    if not store.tables.exists(REFUSED_TABLE):
        return []
    rows = store.tables.collect(
        REFUSED_TABLE, ["as_of", "found"], only={"feature_table": store.tables.full_name(name)}
    ).to_pylist()
    found = [Refused(utc(row["as_of"]), row["found"]) for row in rows]
    return sorted((one for one in found if one.as_of <= until), key=lambda one: (one.as_of, one.found))


def _schema() -> StructType:
    from pyspark.sql.types import StringType, TimestampType

    from feature_store.tables.logs import commented

    text, moment = StringType(), TimestampType()
    columns: list[tuple[str, DataType, str]] = [
        ("feature_table", text, "Full name of the table that was to be published"),
        ("as_of", moment, "The moment as of which it was to be published"),
        ("window_start", moment, "First instant of the refused window; null: of a table without time"),
        ("window_end", moment, "End of that window, excluded"),
        ("found", text, "Which checks failed, on how many rows, with examples"),
        ("run_id", text, "The run"),
    ]
    return commented(columns)


def _record(store: FeatureStore, table: FeatureTable, commit: Commit, found: str) -> None:
    """Append the row, in a commit of its own."""
    from feature_store.tables.logs import append_to_log

    (start, end), run = commit.window or (None, None), commit.run or run_id()
    row = {
        "feature_table": store.tables.full_name(table.name), "as_of": utc(commit.as_of), "window_start": start,
        "window_end": end, "found": found, "run_id": run,
    }  # fmt: skip
    recorded = Commit(verb=RECORD, as_of=commit.as_of, run=run)
    append_to_log(store.tables, REFUSED_TABLE, row, _schema(), description=_DESCRIPTION, commit=recorded)
