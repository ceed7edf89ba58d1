"""The log of scoring runs: one row for each window that ``score-batch`` was asked for, whatever came of it; never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from feature_store.tables.commit import Commit

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from feature_store import FeatureStore

RUNS_TABLE = "scoring_runs"
RECORD = "record-scoring"
SCORED, REPEATED, REFUSED, NOBODY = "scored", "repeated", "refused", "nobody"
_DESCRIPTION = "All windows that were to be scored, and what came of each: a row per window and run, never changed."


@dataclass(frozen=True, kw_only=True)
class Run:
    """One row of the log; :func:`schema` says what each column means."""

    run_id: str
    population: str
    score_table: str
    as_of: datetime
    window_start: datetime
    window_end: datetime
    outcome: str
    duration_seconds: float
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
        StructField,
        StructType,
        TimestampType,
    )

    text, number, moment, counts = StringType(), LongType(), TimestampType(), MapType(StringType(), LongType())
    columns: list[tuple[str, DataType, str]] = [
        ("run_id", text, "The run, as in the score table's column of this name"),
        ("population", text, "Name of the scored population"),
        ("score_table", text, "Full name of the table that the scores go to"),
        ("as_of", moment, "The moment by which entities had to be known"),
        ("window_start", moment, "First instant of the window of decision times"),
        ("window_end", moment, "End of that window, excluded"),
        ("outcome", text, "scored; repeated: scored just so before; refused; nobody: there was nobody to score"),
        ("duration_seconds", DoubleType(), "How long it took, by a monotonic clock"),
        ("chunk", IntegerType(), "Which of the run's windows this is, from 1"),
        ("chunks", IntegerType(), "Into how many windows the run was cut"),
        ("reason", text, "Why it was refused; null: it was not"),
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
    return StructType([StructField(name, kind, True, {"comment": comment}) for name, kind, comment in columns])


def record(store: FeatureStore, run: Run) -> None:
    """Append the row, in a commit of its own; Spark is not needed for it."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    columns = schema()
    if not store.tables.exists(RUNS_TABLE):
        store.tables.create(RUNS_TABLE, columns, description=_DESCRIPTION)
    store.tables.add_columns(RUNS_TABLE, columns)
    values = {one.name: getattr(run, one.name) for one in fields(run)}
    row = {name: list(value.items()) if isinstance(value, Mapping) else value for name, value in values.items()}
    rows = pa.Table.from_pylist([row], schema=to_arrow_schema(columns, timezone="UTC"))
    commit = Commit(verb=RECORD, as_of=run.as_of, window=(run.window_start, run.window_end), run=run.run_id)
    store.tables.append(RUNS_TABLE, rows, commit=commit)
    store.tables.compact(RUNS_TABLE, commit=commit)
