"""Publish feature tables: ``publish-features``.

The engine owns the window. To publish ``[start, end)`` it reads the sources from ``start - lookback``, computes, keeps
the rows known within the window, checks them, and replaces exactly that window in one commit. However the time is cut
into windows, the table is the same.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING

import click
from rich.markup import escape

import features
from feature_store import FeatureStore, FeatureTable, Misuse, PipelineError, open_store
from feature_store.cli import Duration, Moment, Verb, check_range, console, place_options, progress
from feature_store.declare.source import KNOWN_AT
from feature_store.discovery import discover, module_of, pick_all
from feature_store.job import job_name
from feature_store.moments import is_within, utc
from feature_store.publish.publication import Publication
from feature_store.side_by_side import side_by_side
from feature_store.tables.commit import Commit
from features.publishing.published import Published, count, span
from features.publishing.refused import published_or_recorded
from features.publishing.windows import (
    BEGINNING,
    CHUNK,
    VERB,
    Range,
    Window,
    backfill,
    catching_up,
    cut,
    is_made_of,
    reached,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

OnChunk = Callable[[int, int, Window, Publication], None]


def publish(
    store: FeatureStore,
    table: FeatureTable,
    *,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    full: bool = False,
    chunk: timedelta = CHUNK,
    dry_run: bool = False,
    on_chunk: OnChunk | None = None,
) -> Published:
    """Publish one table up to ``end`` (default: the as-of moment), catching up from where it was left.

    Each ``chunk`` of time is one commit; ``on_chunk`` is told of each: its number, of how many, its window, and what was
    done. A table without time is merged whole, and passed over while neither its sources nor its code have changed.

    Raises
    ------
    SchemaMismatch, InvalidRows
        If the computed rows are not what was declared; nothing of that chunk is written. Rows that a check refuses are
        recorded as such in ``refused_publications``.
    """
    new, commits = commit_of_run(store, table, as_of), _commits(store, table)
    if table.timeseries_column is None:
        always_known = all(source.known_at is None for source in table.sources)
        if not full and commits and is_made_of(commits[0], new) and (always_known or commits[0].as_of == new.as_of):
            return Published(table, None)
        rows = table.compute(*_read(store, table, new))
        done = published_or_recorded(store, table, rows, new, dry_run=dry_run)
        return Published(table, None, [done], is_dry=dry_run)
    until = min(utc(end or as_of), utc(as_of))
    if start or full:
        since = utc(start) if start else BEGINNING
        asked = backfill(commits, new, start=since, end=until)
        new = replace(new, details={**new.details, "backfill": [since.isoformat(), until.isoformat()]})
    else:
        asked = catching_up(table, commits, end=until)
    covered, chunks = reached(commits), []
    windows = cut(asked, chunk=chunk, first=_first_moment(store, table, new, asked, chunk))
    for number, window in enumerate(windows, 1):
        covered = max(covered, window[1]) if window[0] <= covered else covered
        details = {**new.details, "published_until": covered.isoformat()}
        commit = replace(new, window=window, details=details)
        rows = rows_of_window(store, table, commit, window)
        done = published_or_recorded(store, table, rows, commit, dry_run=dry_run)
        chunks.append(done)
        if on_chunk:
            on_chunk(number, len(windows), window, done)
    return Published(table, (asked.start, until), chunks, resumed=asked.resumed, is_dry=dry_run)


def published_until(store: FeatureStore, table: FeatureTable) -> datetime:
    """How far the windows published reach from the beginning without a gap, read back from the table's own commits."""
    return reached(_commits(store, table))


def rows_of_window(store: FeatureStore, table: FeatureTable, commit: Commit, window: Window) -> DataFrame:
    """The rows of one window: computed from sources read from ``lookback`` before it, and cut to it."""
    from pyspark.sql import functions as F

    start, end = window
    read_from = max(start - table.lookback, BEGINNING) if start > BEGINNING else None
    computed = table.compute(*_read(store, table, commit, start=read_from, end=end))
    table.check_columns(computed.columns)
    moment = F.col(f"`{table.timeseries_column}`")
    # A null moment is kept, so that the check of the keys refuses it by name instead of losing it here.
    return computed.where(moment.isNull() | is_within(moment, start, end))


def _read(
    store: FeatureStore,
    table: FeatureTable,
    commit: Commit,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[DataFrame]:
    """The sources as the commit records them: every chunk of a run reads the same versions."""
    versions = [commit.sources[store.tables.full_name(source.table)] for source in table.sources]
    return [
        source.read(store.tables, as_of=commit.as_of, start=start, end=end, version=version)
        for source, version in zip(table.sources, versions, strict=True)
    ]


def _first_moment(
    store: FeatureStore, table: FeatureTable, commit: Commit, asked: Range, chunk: timedelta
) -> datetime | None:
    """The earliest moment in the sources; not looked up where one chunk will do anyway."""
    if asked.end - asked.start <= chunk:
        return None
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    frames = zip(_read(store, table, commit), table.sources, strict=True)
    moments = [frame.select(KNOWN_AT) for frame, source in frames if source.known_at]
    if not moments:
        return None
    ((micros,),) = reduce(DataFrame.union, moments).agg(F.unix_micros(F.min(KNOWN_AT))).collect()
    return None if micros is None else BEGINNING + timedelta(microseconds=micros)


def _commits(store: FeatureStore, table: FeatureTable) -> list[Commit]:
    """The table's publishing commits, the newest first."""
    if not store.tables.exists(table.name):
        return []
    entries = store.tables.history(table.name)
    return [entry.commit for entry in entries if entry.commit and entry.commit.verb == VERB]


def commit_of_run(store: FeatureStore, table: FeatureTable, as_of: datetime) -> Commit:
    """What all commits of a run of this moment say: the sources at the versions they have now, and the code."""
    versions = {name: store.tables.version(name) for name in sorted({source.table for source in table.sources})}
    module = inspect.getmodule(table.compute)
    code = inspect.getsource(module) if module else ""
    return Commit(
        verb=VERB,
        as_of=as_of,
        sources={store.tables.full_name(name): version for name, version in versions.items()},
        details={
            "definition": hashlib.sha256(code.encode()).hexdigest()[:16],
            "views": [source.name for source in table.sources],
            "module": module_of(table, features),
            **({"job": job_name()} if job_name() else {}),
        },
    )


@click.command(cls=Verb)
@click.argument("tables", nargs=-1, metavar="[TABLE|PROJECT]...")
@click.option(
    "--from", "start", type=Moment(), default=None, help="Publish again from this moment.  [default: catch up]"
)
@click.option("--until", "end", type=Moment(), default=None, help="Publish up to this moment.  [default: --as-of]")
@click.option("--full", is_flag=True, help="Publish all of history again.")
@click.option(
    "--chunk",
    type=Duration(),
    default=f"{CHUNK.days}d",
    show_default=True,
    help="Publish so much time at once, in one commit: 31d, 12h.",
)
@click.option("--dry-run", is_flag=True, help="Compute and check everything, say what would be done, write nothing.")
@place_options
def main(
    tables: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    full: bool,
    chunk: timedelta,
    dry_run: bool,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Publish feature tables (default: the project's called as the schema, or all), catching up from where each was left.

    \b
    publish-features                                     all tables of the project, up to now
    publish-features flights                             those of features/flights
    publish-features origin_congestion --as-of 2013-07-01
    publish-features airport_weather --from 2013-03-01 --until 2013-04-01
    publish-features airport_weather --full --chunk 31d --dry-run

    A table is one module in features/<project>/. Publishing a window again replaces it by the same rows, however
    history is cut into chunks; a run that was killed goes on where it stopped. Catching up begins as long before the
    last published moment as rows of the sources may be late. What came later still needs --from, up to the table's
    lookback after the late rows, or --full; so do old rows of a new feature, which are null until then.
    """
    check_range(start, end)
    if start and full:
        raise Misuse("--full publishes all of history, so --from contradicts it. Leave one of them out.")
    declared = discover(features, FeatureTable)
    chosen = pick_all(declared, tables, "feature table") if tables else declared.of_schema(schema)
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)

    def publish_one(table: FeatureTable) -> Published:
        return publish(
            store, table, as_of=as_of, start=start, end=end, full=full, chunk=chunk, dry_run=dry_run,
            on_chunk=_chunk_line(_named(store, table), is_dry=dry_run),
        )  # fmt: skip

    refused = 0
    with progress(len(chosen), "tables") as begin, side_by_side(chosen, publish_one) as publishing:
        for table, running in publishing:
            begin(table.name)
            name = _named(store, table)
            try:
                done = running.result()
            except PipelineError as error:
                if not dry_run:
                    raise
                refused += 1
                console.print(f"{name} [bad]would be refused[/]: {escape(str(error))}")
                continue
            console.print(f"{name} {done.sentence}")
            for warning in done.warnings:
                console.print(f"{name} [note]{escape(warning)}[/]")
    if refused:
        sys.exit(1)


def _named(store: FeatureStore, table: FeatureTable) -> str:
    return f"  {store.tables.full_name(table.name):42}"


def _chunk_line(name: str, *, is_dry: bool) -> OnChunk:
    """Print a line for each chunk, where there is more than one."""

    def told(number: int, of: int, window: Window, done: Publication) -> None:
        if of > 1:
            console.print(f"{name} {number} of {of}: {'would write ' * is_dry}{count(done.rows)} {span(window)}")

    return told


if __name__ == "__main__":
    main()
