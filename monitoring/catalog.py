"""``write-catalog``: all feature tables, features, models and scores as one page, for people without access to the server."""

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from feature_store.cli import Verb, console, place_options, progress
from feature_store.opening import open_store


@click.command(cls=Verb)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Where index.html is written.  [default: reports/catalog in the workspace]",
)
@place_options
def main(folder: Path | None, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Write the catalog as a page: searched as one types, with lineage, history and code that looks features up.

    \b
    write-catalog
    write-catalog --to public --as-of 2014-01-01

    It is one file of HTML that needs no server, asks no other host for anything, and can be sent or published as it is.
    Whoever has it reads names, owners, descriptions and the range or commonest values of all columns.
    """
    from feature_store.catalog.page.writing import write_page
    from feature_store.catalog.reading import read_catalog
    from monitoring.telling.histories import histories

    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    known = read_catalog(store, as_of=as_of)
    measured = histories(store, known, as_of=as_of)
    with progress(len(known.tables), "tables") as on_table:
        path = write_page(
            store, known, folder or store.reports / "catalog", as_of=as_of, histories=measured, on_table=on_table
        )
    features = sum(len(table.features) for table in known.feature_tables)
    console.print(f"{features:,} features of {len(known.feature_tables):,} tables: {escape(str(path))}")


if __name__ == "__main__":
    main()
