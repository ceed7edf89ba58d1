"""Feature tables and features: found by words, told of, and those that nobody uses: ``show-features``.

Everything is read from the tables, their commits and the models' own files; nothing else is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console

from feature_store.cli import THEME, Verb, console, place_options
from feature_store.errors import Misuse, NotFound, listed, suggestion
from feature_store.opening import open_store

if TYPE_CHECKING:
    from feature_store.catalog.model import Catalog, Table
    from feature_store.store import FeatureStore

_NEVER_FOLDED = 10_000


def find(catalog: Catalog, word: str) -> tuple[Table, str] | None:
    """The table of that name, or the table and its feature; None for a word to search for.

    A feature that the table no longer has is one as long as a model was made with it.

    Raises
    ------
    NotFound
        If the table has no such feature, or is no longer there; the closest names are suggested.
    """
    from feature_store.catalog.printing import named, visible

    whole = catalog.full_name(word)
    if whole in catalog.tables:
        return catalog.tables[whole], ""
    if whole in catalog.gone:
        raise NotFound(f"Table {whole} is no longer there; made with it: {named(catalog.readers_of(whole))}.")
    name, _, feature = word.rpartition(".")
    table = catalog.tables.get(catalog.full_name(name)) if name else None
    if table is None:
        return None
    names = [column.name for column in table.columns]
    if feature not in names and feature not in catalog.dropped(table.name):
        raise NotFound(f"Table {table.name} has no column {feature!r}. {visible(suggestion(feature, names))}")
    return table, feature


@click.command(cls=Verb)
@click.argument("words", nargs=-1, metavar="[WORDS|TABLE|TABLE.FEATURE]")
@click.option(
    "--unused", is_flag=True, help="What no model in office, score table or monitor reads, and what there is twice."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Find at most so many."
)
@click.option("--json", "form", flag_value="json", help="As JSON, for programs.")
@place_options
def main(
    words: tuple[str, ...],
    unused: bool,
    limit: int,
    form: str | None,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Find features by WORDS, or show all that is known of a table or a feature. Without words: all feature tables.

    \b
    show-features                                   all feature tables
    show-features wind gusts                        what is called, described or used so, the best first
    show-features airport_weather                   keys, columns, freshness, checks, readers and cost
    show-features airport_weather.wind_gust_mph
    show-features --unused                          columns and tables that nobody reads

    Words are looked for in names, descriptions, owners, tags, sources, and in the names of the models, score tables
    and monitors that read a feature; a typo does no harm. What columns hold is told of all rows by the table's own
    statistics, or of the newest rows, marked (~). Of models the versions with an alias and the newest are looked at.
    """
    from feature_store.catalog import reading

    if unused and words:
        raise Misuse("--unused is about all tables: leave the words out.")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    known = reading.read_catalog(store, as_of=as_of)
    shown = _Shown(store, known, as_of, is_json=form == "json")
    if unused:
        shown.unused()
        return
    named = find(known, words[0]) if len(words) == 1 else None
    if named is not None:
        shown.described(*named)
    elif words:
        shown.found(words, limit)
    else:
        shown.all_tables()


class _Shown:
    """What was asked for, in words or as JSON."""

    def __init__(self, store: FeatureStore, catalog: Catalog, as_of: datetime, *, is_json: bool) -> None:
        self.store, self.catalog, self.as_of, self.is_json = store, catalog, as_of, is_json
        # A terminal folds long lines; a log, or what a program reads, must have them whole.
        self.console = console if console.is_terminal else Console(theme=THEME, highlight=False, width=_NEVER_FOLDED)

    def all_tables(self) -> None:
        from feature_store.catalog import documents, printing

        if self.is_json:
            tables = [documents.table_document(self.catalog, table) for table in self.catalog.feature_tables]
            click.echo(documents.as_json(tables))
            return
        self._check_there_is_something()
        self.console.print(printing.all_tables(self.catalog))
        self._problems()

    def found(self, words: tuple[str, ...], limit: int) -> None:
        from feature_store.catalog import documents, printing
        from feature_store.catalog.printing import visible
        from feature_store.catalog.search import Index

        index = Index(self.catalog)
        results = index.search(words)
        if self.is_json:
            click.echo(documents.as_json(documents.found_documents(self.catalog, results[:limit])))
            return
        self._check_there_is_something()
        if not results:
            close = index.closest(words)
            hint = (
                f"The closest names are {visible(listed(close))}."
                if close
                else "show-features lists all feature tables."
            )
            raise NotFound(f"Nothing in {self.catalog.place} is called or described as {' '.join(words)!r}. {hint}")
        self.console.print(printing.found(self.catalog, results[:limit]))
        if len(results) > limit:
            self.console.print(f"{len(results) - limit:,} more: --limit {len(results)}")
        self._problems()

    def described(self, table: Table, feature: str) -> None:
        from feature_store.catalog import documents, printing
        from feature_store.catalog.described import describe

        told = describe(self.store, self.catalog, table, feature=feature, as_of=self.as_of)
        if self.is_json:
            click.echo(documents.as_json(documents.described_document(self.catalog, told)))
        else:
            printing.print_described(self.console, told, as_of=self.as_of)

    def unused(self) -> None:
        from feature_store.catalog import documents, printing
        from feature_store.catalog.duplicates import duplicates
        from feature_store.catalog.facts import table_facts
        from feature_store.catalog.unused import unused_columns, with_cost

        tables = self.catalog.feature_tables
        facts = {table.name: table_facts(self.store.tables, table, most=0) for table in tables}
        found = [with_cost(one, facts[one.table.name]) for one in unused_columns(self.catalog)]
        same = duplicates(self.catalog, facts)
        if self.is_json:
            click.echo(documents.as_json(documents.unused_document(found, same)))
            return
        self._check_there_is_something()
        printing.print_unused(self.console, found, same)
        self._problems()

    def _check_there_is_something(self) -> None:
        if self.catalog.feature_tables:
            return
        others = [table.short for table in self.catalog.tables.values()]
        there = (
            f"There are other tables: {listed(others)}. Run publish-features" if others else "Run ingest-sources first"
        )
        raise NotFound(
            f"There are no feature tables in {self.catalog.place}. {there}, or name another --workspace, --catalog or --schema."
        )

    def _problems(self) -> None:
        """What could not be read, after what could."""
        from feature_store.catalog.printing import named, safe

        for table in self.catalog.tables.values():
            if table.problem:
                self.console.print(f"[bad]{safe(table.short)} cannot be read:[/] {safe(table.problem)}")
        for name in self.catalog.gone:
            readers = named(self.catalog.readers_of(name))
            self.console.print(f"[bad]{safe(name)} is no longer there[/]; made with it: {safe(readers)}.")
        for reader in self.catalog.readers:
            if reader.problem and reader.in_office:
                self.console.print(f"[note]what {safe(named([reader]))} reads is not known:[/] {safe(reader.problem)}")


if __name__ == "__main__":
    main()
