"""The catalog as people read it in the terminal; whatever a table says of itself is shown, and cannot act there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from feature_store.catalog.described import Described
from feature_store.catalog.duplicates import Duplicates
from feature_store.catalog.facts import ColumnFacts
from feature_store.catalog.model import MODEL, MONITOR, SCORES, TABLE, Catalog, Column, Reader
from feature_store.catalog.search import Found
from feature_store.catalog.unused import Unused
from feature_store.errors import listed

MOST_COLUMNS = 500
"""Of a table so many columns are shown: to lay out ten thousand lines takes seconds."""
_LONGEST = 40
_MINUTE = "%Y-%m-%d %H:%M"
_READERS = {MODEL: "models", SCORES: "scores", MONITOR: "monitors", TABLE: "other tables"}


def visible(text: object) -> str:
    """``text`` on one line, with what a terminal would act upon made visible."""
    line = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def safe(text: object) -> str:
    """The same for Rich, which acts upon brackets."""
    return escape(visible(text))


def all_tables(catalog: Catalog) -> Grid:
    """A line for each feature table."""
    grid = _grid("table", "what it holds", ">features", "owner", "as of", "read by")
    for table in catalog.feature_tables:
        if not table.problem:
            readers = [one for one in catalog.readers_of(table.name) if one.in_office]
            as_of = f"{table.commit.as_of:{_MINUTE}}" if table.commit else ""
            number = str(len(table.features))
            grid.add_row(
                safe(table.short), safe(table.description), number, safe(table.owner), as_of, safe(named(readers))
            )
    return grid


def found(catalog: Catalog, results: Iterable[Found]) -> Grid:
    """A line for each table or feature that was found."""
    grid = _grid("name", "what it is", "type", "read by")
    for one in results:
        what = one.column.description if one.column else one.table.description
        kind = one.column.type if one.column else one.table.kind
        readers = catalog.readers_of(one.table.name, one.column.name if one.column else None)
        grid.add_row(safe(one.name), safe(what), safe(kind), safe(named(one for one in readers if one.in_office)))
    return grid


def print_described(console: Console, told: Described, *, as_of: datetime) -> None:
    """A table, or one feature of it, with all there is to say."""
    table, column = told.table, next((one for one in told.table.columns if one.name == told.feature), None)
    kind = column.type if column else table.kind
    name = f"{table.name}.{told.feature}" if told.feature else table.name
    written = f" written {table.at:{_MINUTE}}" if table.at else ""
    version = f", version {table.version}{written}" if table.version is not None and not told.feature else ""
    console.print(f"[bold]{safe(name)}[/]  {safe(kind)}{version}")
    description = column.description if column else table.description
    if description:
        console.print(safe(description))
    for what, text in _lines(told, column, as_of):
        console.print(f"[note]{what:<10}[/] {text}")
    if not told.feature:
        console.print(columns(told))
        if len(table.columns) > MOST_COLUMNS:
            console.print(
                f"and {len(table.columns) - MOST_COLUMNS:,} more columns: words find them, and --json has them all."
            )
    for missing, readers in told.dropped.items():
        console.print(f"[bad]{safe(missing)} is no column of it[/]; made with it: {safe(named(readers))}.")
    if told.is_sampled:
        console.print(
            f"(~) of the {told.facts.read:,} newest rows; all else of all rows, by the table's own statistics."
        )


def _lines(told: Described, column: Column | None, as_of: datetime) -> Iterator[tuple[str, str]]:
    table, facts, made = told.table, told.facts, told.publishing
    yield "owner", safe(table.owner or "nobody")
    if table.tags:
        yield "tags", safe(", ".join(f"{key}={value}" for key, value in sorted(table.tags.items())))
    if table.keys:
        yield "keys", safe(", ".join(f"{key} (time)" if key == table.time else key for key in table.keys))
    if column is not None and (known := facts.columns.get(column.name)):
        yield "nulls", _share(known.nulls) + _mark(not known.of_all)
        yield "values", _marked_values(told, known)
    if table.sources:
        yield "made of", safe(listed(table.sources))
    if table.commit:
        by = [made.module or table.commit.verb, *([f"job {made.job}"] if made.job else [])]
        until = f", published until {made.until[:16].replace('T', ' ')}" if made.until else ""
        yield "made by", safe(f"{', '.join(by)}, as of {table.commit.as_of:{_MINUTE}}{until}")
    if told.freshness.newest or told.freshness.within:
        yield "fresh", _freshness(told, as_of)
    if facts.rows is not None:
        took = f", {made.seconds:,.1f} s for the last publishing" if made.seconds is not None else ""
        yield "costs", f"{facts.rows:,} row{'s' * (facts.rows != 1)}, {size(facts.bytes)}{took}"
    for one in told.checks:
        state = "[good]passed[/]" if one.passed else f"[bad]failed[/] ({safe(one.on_failure)})"
        yield "check", f"{state}  {safe(one.check)}: {safe(one.found)}"
    for kind, plural in _READERS.items():
        readers = [reader for reader in told.readers if reader.kind == kind]
        if readers:
            yield "read by", f"{plural} {safe(listed(_named(reader) for reader in readers))}"
    if not told.readers:
        yield "read by", "nobody that is recorded"
    for miss in told.misses:
        share = f"{miss.misses:,} of {miss.rows:,} ({_share(miss.misses / miss.rows)}) found nothing"
        yield "lookups", f"{share} when {safe(miss.population)} was scored as of {miss.as_of:{_MINUTE}}"
    if facts.problem:
        yield "problem", f"[bad]{safe(facts.problem)}[/]"


def _freshness(told: Described, as_of: datetime) -> str:
    fresh = told.freshness
    newest = f"newest row of {fresh.newest:{_MINUTE}}" if fresh.newest else "no row"
    age = f", {span(fresh.age)} before {as_of:{_MINUTE}}" if fresh.age is not None else ""
    if fresh.within is None:
        return f"{newest}{age}; no limit is recorded"
    style, word = ("bad", "too old: ") if fresh.is_kept is False else ("good", "")
    return f"{newest}{age}; [{style}]{word}at most {span(fresh.within)} is declared[/]"


def columns(told: Described) -> Grid:
    """The table's columns, the keys first."""
    grid = _grid("column", "type", ">nulls", "range or commonest values", "what it is")
    order = [*(one for one in told.table.columns if one.name in told.table.keys), *told.table.features]
    for one in order[:MOST_COLUMNS]:
        known = told.facts.columns.get(one.name, ColumnFacts())
        name = f"[bold]{safe(one.name)}[/]" if one.name in told.table.keys else safe(one.name)
        nulls = _share(known.nulls) + _mark(not known.of_all)
        grid.add_row(name, safe(one.type), nulls, _marked_values(told, known), safe(one.description))
    return grid


def print_unused(console: Console, unused: Sequence[Unused], same: Sequence[Duplicates]) -> None:
    """What nobody reads, and what there is twice."""
    if unused:
        grid = _grid("table", "what nobody reads", ">rows", ">bytes, about", ">seconds", "owner")
        for one in unused:
            names = [column.name for column in one.columns]
            what = "the whole table" if one.whole else listed(names, most=50)
            rows = "" if one.rows is None else f"{one.rows:,}"
            seconds = "" if one.seconds is None else f"{one.seconds:,.1f}"
            grid.add_row(safe(one.table.short), safe(what), rows, size(one.bytes), seconds, safe(one.table.owner))
        console.print(grid)
        console.print("Seconds are those of the table's last publishing, with all its columns.")
    else:
        console.print("[good]Every feature is read by a model in office, a score table, a monitor or another table.[/]")
    for twice in same:
        which = f"all {twice.rows:,} rows" if twice.of_all else f"the {twice.rows:,} newest rows"
        console.print(f"[note]the same values[/] in {which}: {safe(' = '.join(twice.features))}")
    if not same:
        console.print("No two features have the same values.")


def named(readers: Iterable[Reader]) -> str:
    """Readers in a sentence: models with their aliases; empty if there are none."""
    names = [f"{MONITOR} {one.short}" if one.kind == MONITOR else _named(one) for one in readers]
    return listed(names) if names else ""


def _named(reader: Reader) -> str:
    return reader.short + (f" ({', '.join(sorted(reader.aliases))})" if reader.aliases else "")


def size(number: int | None) -> str:
    """Bytes as people read them."""
    if number is None:
        return "–"
    amount, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.0f} {units[0]}" if units[0] == "B" else f"{amount:,.1f} {units[0]}"


def span(age: timedelta) -> str:
    """A length of time in hours or, from three days on, in days."""
    hours = age.total_seconds() / 3600
    return f"{hours:,.1f} h" if abs(hours) < 72 else f"{hours / 24:,.1f} d"


def value(one: Any) -> str:
    """A value of a column, cut where it is long."""
    text = (
        f"{one:{_MINUTE}}" if isinstance(one, datetime) else f"{one + 0.0:.6g}" if isinstance(one, float) else str(one)
    )
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _marked_values(told: Described, known: ColumnFacts) -> str:
    """The commonest values with their shares, or the range."""
    if known.commonest:
        values = ", ".join(f"{value(one)} {share:.0%}" for one, share in known.commonest)
        return safe(values) + _mark(told.is_sampled)
    if known.least is None:
        return ""
    return safe(f"{value(known.least)} to {value(known.greatest)}") + _mark(not known.of_all)


def _share(share: float | None) -> str:
    if share is None:
        return "–"
    return "<0.1%" if 0 < share < 0.001 else ">99.9%" if 0.999 < share < 1 else f"{100 * share:.3g}%"


def _mark(is_sampled: bool) -> str:
    return " (~)" * is_sampled


def _grid(*headings: str) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        grid.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    return grid
