"""The log of scoring runs: one row for each window that ``score-batch`` was asked for, whatever came of it; never changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from feature_store.errors import Misuse, PipelineError
from feature_store.tables.commit import Commit

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from feature_store import FeatureStore

RUNS_TABLE = "scoring_runs"
RECORD = "record-scoring"
SCORED, REPEATED, REFUSED, FAILED, NOBODY = "scored", "repeated", "refused", "failed", "nobody"
_DESCRIPTION = "All windows that were to be scored, and what came of each: a row per window and run, never changed."


@dataclass(frozen=True, kw_only=True)
class Run:
    """One row of the log; :func:`schema` says what each column means."""

    run_id: str
    population: str
    score_table: str
    as_of: datetime
    window_start: datetime | None
    window_end: datetime
    outcome: str = FAILED
    duration_seconds: float | None = None
    chunk: int = 1
    chunks: int = 1
    reason: str | None = None
    warnings: Sequence[str] = ()
    rows: int = 0
    entities: int | None = None
    entities_without_moment: int | None = None
    misses: Mapping[str, int] | None = None
    stale: Mapping[str, int] | None = None
    model: str | None = None
    model_version: str | None = None
    table_versions: Mapping[str, int] | None = None
    score_table_version: int | None = None


def schema() -> StructType:
    """The columns of the log, in order, with what they mean."""
    from pyspark.sql.types import (
        ArrayType,
        DataType,
        DoubleType,
        IntegerType,
        LongType,
        MapType,
        StringType,
        TimestampType,
    )

    from feature_store.tables.logs import commented

    text, number, moment, counts = StringType(), LongType(), TimestampType(), MapType(StringType(), LongType())
    columns: list[tuple[str, DataType, str]] = [
        ("run_id", text, "The run, as in the score table's column of this name"),
        ("population", text, "Name of the scored population"),
        ("score_table", text, "Full name of the table that the scores go to"),
        ("as_of", moment, "The moment by which entities had to be known"),
        ("window_start", moment, "First instant of the window of decision times; null: it was not known yet"),
        ("window_end", moment, "End of that window, excluded"),
        (
            "outcome",
            text,
            "scored; repeated: scored just so before; refused; failed; nobody: there was nobody to score",
        ),
        (
            "duration_seconds",
            DoubleType(),
            "How long it took, by a monotonic clock; null: it ended before that was known",
        ),
        ("chunk", IntegerType(), "Which of the run's windows this is, from 1"),
        ("chunks", IntegerType(), "Into how many windows the run was cut"),
        ("reason", text, "Why it was refused, or failed; null: it was not"),
        ("warnings", ArrayType(text), "What was told besides, a sentence each"),
        (
            "rows",
            number,
            "Rows of the window in the score table by this run, or the one it repeats; 0: none were written",
        ),
        ("entities", number, "Entities decided in the window; null: not counted"),
        ("entities_without_moment", number, "Entities in no window at all, for want of a moment of decision"),
        ("misses", counts, "By feature table, rows for which a lookup found no row; null: not counted"),
        ("stale", counts, "By feature table that declares Fresh, rows for which only an older row was found"),
        ("model", text, "Full name of the registered model; null: not needed"),
        ("model_version", text, "The version that the alias meant when the run began"),
        ("table_versions", counts, "By full name, the versions of entities and feature tables that were read"),
        ("score_table_version", number, "Version of the score table that holds the scores; null: none were written"),
    ]
    return commented(columns)


def record(store: FeatureStore, run: Run) -> None:
    """Append the row, in a commit of its own; Spark is not needed for it."""
    from feature_store.tables.logs import append_to_log

    values = {one.name: getattr(run, one.name) for one in fields(run)}
    row = {name: list(value.items()) if isinstance(value, Mapping) else value for name, value in values.items()}
    window = (run.window_start, run.window_end) if run.window_start else None
    commit = Commit(verb=RECORD, as_of=run.as_of, window=window, run=run.run_id)
    append_to_log(store.tables, RUNS_TABLE, row, schema(), description=_DESCRIPTION, commit=commit)


@contextmanager
def recorded_if_it_fails(store: FeatureStore, run: Run, told: Mapping[str, Any]) -> Iterator[None]:
    """Record ``run``, with what was ``told`` by then, if what is done inside raises: refused for a Misuse, else failed."""
    began = time.monotonic()
    try:
        yield
    except Exception as error:
        outcome = REFUSED if isinstance(error, Misuse) else FAILED
        seconds = time.monotonic() - began
        try:
            record(store, replace(run, **told, outcome=outcome, reason=_reason(error), duration_seconds=seconds))
        except Exception as another:
            error.add_note(f"Nor could it be recorded in {RUNS_TABLE}: {_reason(another)}")
        raise


def _reason(error: Exception) -> str:
    """The text of our own errors; of others, which may bring a page of Java with them, kind and first line."""
    if isinstance(error, PipelineError):
        return str(error)
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def lacking_moments(entities: int) -> list[str]:
    """What is told of so many entities without a moment of decision, a sentence each; nothing of none."""
    if not entities:
        return []
    verb = "entity has" if entities == 1 else "entities have"
    return [f"{entities:,} {verb} no moment of decision, and so no score in any window."]
