"""Land the sources: ``ingest-sources``."""

from __future__ import annotations

import hashlib
import inspect
from datetime import datetime
from typing import TYPE_CHECKING

import click

import features
from feature_store import FeatureStore, SchemaMismatch, open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover
from feature_store.errors import NotFound, listed, suggestion
from feature_store.tables.commit import Commit
from features.spec import LandedTable

if TYPE_CHECKING:
    import pyarrow as pa


def ingest(store: FeatureStore, landed: LandedTable, *, as_of: datetime) -> int:
    """Land one table whole, if it is not there already as it is; rows written, 0 if nothing changed.

    Columns that the declaration has gained are added to the table.

    Raises
    ------
    SchemaMismatch
        If what was read does not fit the declared columns; the table stays as it was.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    stamp, tables = _stamp(landed), store.tables
    newest = tables.history(landed.name)[:1] if tables.exists(landed.name) else []
    known = newest[0].commit.details if newest and newest[0].commit else {}
    if stamp and known.get("stamp") == stamp:
        return 0
    frame = landed.read()
    if list(frame.columns) != list(landed.columns):
        raise SchemaMismatch(
            f"Source {landed.name!r} gives the columns {listed(frame.columns)}; declared are {listed(landed.columns)}."
        )
    schema = to_arrow_schema(landed.schema, timezone="UTC")
    try:
        arrow = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    except (ValueError, TypeError) as error:
        raise SchemaMismatch(f"Source {landed.name!r} does not fit its declared types: {error}.") from error
    content = _fingerprint(arrow)
    if not tables.exists(landed.name):
        tables.create(
            landed.name, landed.schema, description=landed.description, properties={"pipeline.owner": landed.owner}
        )
    elif known.get("content") == content:
        return 0
    else:
        tables.add_columns(landed.name, landed.schema)
    details = {"content": content, "stamp": stamp} if stamp else {"content": content}
    commit = Commit(verb="ingest-sources", as_of=as_of, details=details)
    return tables.overwrite(landed.name, arrow, commit=commit)


def _stamp(landed: LandedTable) -> str:
    """What changes whenever the rows may: the source's own stamp, and the code that reads it; empty if not known."""
    if landed.stamp is None:
        return ""
    module = inspect.getmodule(landed.read)
    facts = [landed.stamp(), inspect.getsource(module) if module else "", repr(landed.columns), list(landed.keys)]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _fingerprint(arrow: pa.Table) -> str:
    """A hash of the rows, in order, and of the schema."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


@click.command(cls=Verb)
@click.argument("project", required=False)
@place_options
def main(project: str | None, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Land the source tables of PROJECT as Delta tables (default: the project called as the schema, or all).

    \b
    ingest-sources                 those of the project flights, which is the default schema
    ingest-sources flights         those of features/flights

    Types and column descriptions are declared in features/<project>/landing.py. Landing the same data twice changes
    nothing. The sources are landed whole; what a job sees of them is decided by its --as-of.
    """
    declared = discover(features, LandedTable)
    landings = declared.of_schema(schema) if project is None else declared.of_project(project, "source")
    if landings is None:
        raise NotFound(
            f"No sources are declared in features/{project}/. {suggestion(project or '', declared.projects)}"
        )
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(len(landings), "tables") as begin:
        for landed in landings:
            begin(landed.name)
            rows = ingest(store, landed, as_of=as_of)
            said = f"{rows:,} rows landed" if rows else "unchanged"
            console.print(f"  {store.tables.full_name(landed.name):40} {said}")
