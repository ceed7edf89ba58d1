"""Publish feature tables: ``publish-features``.

The engine owns the window. To publish ``[start, end)`` it reads the sources from ``start - lookback``, computes, keeps
the rows known within the window, checks them, and replaces exactly that window in one commit. However the time is cut
into windows, the table is the same.
"""

import hashlib
import inspect
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from pyspark.sql import functions as F

import features
from feature_store import FeatureStore, FeatureTable, Misuse, open_store
from feature_store.cli import Moment, Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.lineage import Commit, utc

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
VERB = "publish-features"


@dataclass(frozen=True)
class Published:
    """What a publishing run did to one table; ``rows`` is None if there was nothing to do."""

    table: FeatureTable
    window: tuple[datetime, datetime] | None
    rows: int | None

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        if self.rows is None:
            return "up to date" + (f" (published until {self.window[0]:%Y-%m-%d %H:%M})" if self.window else "")
        if self.window is None:
            return f"{self.rows:,} rows changed"
        start = "the beginning" if self.window[0] == BEGINNING else f"{self.window[0]:%Y-%m-%d %H:%M}"
        return f"{self.rows:,} rows from {start} to {self.window[1]:%Y-%m-%d %H:%M}"


def publish(
    store: FeatureStore,
    table: FeatureTable,
    *,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    full: bool = False,
) -> Published:
    """Publish one table up to ``end`` (default: the as-of moment), catching up from where it was left.

    A table without time is merged whole, and passed over while neither its sources nor its code have changed.

    Raises
    ------
    SchemaMismatch, InvalidRows
        If the computed rows are not what was declared; the table stays as it was.
    """
    commit = _commit(store, table, as_of)
    if table.timeseries_column is None:
        if not full and _is_current(store, table, commit):
            return Published(table, None, None)
        frames = [source.read(store.tables, as_of=as_of) for source in table.sources]
        return Published(table, None, store.publish_table(table=table, df=table.compute(*frames), commit=commit))
    until = min(utc(end or as_of), utc(as_of))
    since = utc(start) if start else _since(store, table, full=full)
    if since >= until:
        return Published(table, (since, until), None)
    read_from = max(since - table.lookback, BEGINNING) if since > BEGINNING else None
    frames = [source.read(store.tables, as_of=as_of, start=read_from, end=until) for source in table.sources]
    computed = table.compute(*frames)
    table.check_columns(computed.columns)
    moment = F.col(table.timeseries_column)
    # A null moment is kept, so that the check of the keys refuses it by name instead of losing it here.
    kept = computed.where(moment.isNull() | ((moment >= F.lit(since)) & (moment < F.lit(until))))
    windowed = Commit(**{**vars(commit), "window": (since, until)})
    return Published(table, (since, until), store.publish_table(table=table, df=kept, commit=windowed))


def published_until(store: FeatureStore, table: FeatureTable) -> datetime:
    """How far the windows published reach from the beginning without a gap, read back from the table's own commits."""
    if not store.tables.exists(table.name):
        return BEGINNING
    commits = [entry.commit for entry in store.tables.history(table.name) if entry.commit]
    until = BEGINNING
    for start, end in sorted(commit.window for commit in commits if commit.verb == VERB and commit.window):
        if start > until:
            break
        until = max(until, end)
    return until


def _since(store: FeatureStore, table: FeatureTable, *, full: bool) -> datetime:
    return BEGINNING if full else max(published_until(store, table) - table.lateness, BEGINNING)


def _commit(store: FeatureStore, table: FeatureTable, as_of: datetime) -> Commit:
    versions = {
        store.tables.full_name(source.table): store.tables.info(source.table).version for source in table.sources
    }
    module = inspect.getmodule(table.compute)
    code = inspect.getsource(module) if module else ""
    definition = hashlib.sha256(code.encode()).hexdigest()[:16]
    names = [source.name for source in table.sources]
    return Commit(verb=VERB, as_of=as_of, sources=versions, details={"definition": definition, "views": names})


def _is_current(store: FeatureStore, table: FeatureTable, commit: Commit) -> bool:
    if not store.tables.exists(table.name):
        return False
    published = [e.commit for e in store.tables.history(table.name) if e.commit and e.commit.verb == VERB]
    if not published:
        return False
    latest = published[0]
    return latest.sources == commit.sources and latest.details.get("definition") == commit.details["definition"]


@click.command(cls=Verb)
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option(
    "--from", "start", type=Moment(), default=None, help="Publish from this moment.  [default: where it was left]"
)
@click.option("--until", "end", type=Moment(), default=None, help="Publish up to this moment.  [default: --as-of]")
@click.option("--full", is_flag=True, help="Publish all of history again.")
@click.option("--dry-run", is_flag=True, help="Only say what would be published.")
@place_options
def main(
    tables: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    full: bool,
    dry_run: bool,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Publish feature tables (default: all), catching up from where each was left.

    \b
    publish-features                                     all tables, up to now
    publish-features origin_congestion --as-of 2013-07-01
    publish-features airport_weather --from 2013-03-01 --until 2013-04-01

    A table is one module in features/<domain>/. Publishing the same window again replaces it by the same rows.
    """
    if start and end and start >= end:
        raise Misuse(f"--from {start:%Y-%m-%d %H:%M} is not before --until {end:%Y-%m-%d %H:%M}.")
    declared = discover(features, FeatureTable)
    chosen = [pick(declared, name, "feature table") for name in tables] or list(declared.values())
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(len(chosen), "tables") as begin:
        for table in chosen:
            begin(table.name)
            name = f"  {store.tables.full_name(table.name):42}"
            if dry_run:
                since = start or _since(store, table, full=full)
                window = f"from {since:%Y-%m-%d %H:%M} to {end or as_of:%Y-%m-%d %H:%M}"
                console.print(f"{name} would publish {window if table.timeseries_column else 'what changed'}")
                continue
            done = publish(store, table, as_of=as_of, start=start, end=end, full=full)
            console.print(f"{name} {done.sentence}")


if __name__ == "__main__":
    main()
