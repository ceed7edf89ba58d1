"""What there is to find in a schema: tables, their columns, and who reads them. How it is read and shown is elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feature_store.tables.commit import Commit

MODEL, SCORES, MONITOR, TABLE = "model", "scores", "monitor", "table"
FEATURE_TABLE = "feature table"


@dataclass(frozen=True)
class Column:
    """A column as its table describes it."""

    name: str
    type: str
    description: str = ""


@dataclass(frozen=True)
class Table:
    """A table as it says of itself; ``commit`` is the newest one of this pipeline, made ``at`` this moment.

    ``name`` is the full one, ``keys`` include ``time``, and only feature tables have them. ``problem`` says why
    nothing else is known. ``version`` is the commit's if later ones are left out, and else the table's newest.
    """

    name: str
    kind: str = TABLE
    description: str = ""
    owner: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[str] = ()
    time: str = ""
    columns: Sequence[Column] = ()
    version: int | None = None
    is_newest: bool = True
    commit: Commit | None = None
    at: datetime | None = None
    problem: str = ""

    @property
    def short(self) -> str:
        """The name within the schema."""
        return self.name.rpartition(".")[2]

    @property
    def features(self) -> Sequence[Column]:
        """The columns that are no keys."""
        return [column for column in self.columns if column.name not in self.keys]

    @property
    def sources(self) -> Sequence[str]:
        """The tables that the newest commit was made of, in their own schema's names, and the views of them."""
        if self.commit is None:
            return []
        views = self.commit.details.get("views")
        tables = [name.rpartition(".")[2] for name in self.commit.sources]
        return list(dict.fromkeys([*tables, *(map(str, views) if isinstance(views, list) else [])]))


@dataclass(frozen=True)
class Reader:
    """Whoever reads tables: ``reads`` has the columns by full table name, None for all that there are.

    Of models the versions with an alias are in office; every table and monitor is. ``problem`` says why it is not
    known what a model reads.
    """

    name: str
    kind: str
    owner: str = ""
    reads: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    aliases: Sequence[str] = ()
    as_of: datetime | None = None
    problem: str = ""

    @property
    def short(self) -> str:
        """The name within the schema."""
        return self.name.rpartition(".")[2]

    @property
    def in_office(self) -> bool:
        """Whether anybody relies on what it reads."""
        return self.kind != MODEL or bool(self.aliases)

    def uses(self, table: str, column: str | None = None) -> bool:
        """Whether it reads the table, or this column of it."""
        if table not in self.reads:
            return False
        columns = self.reads[table]
        return column is None or columns is None or column in columns


@dataclass(frozen=True)
class Catalog:
    """All tables of a schema by full name, and all who read them."""

    place: str
    tables: Mapping[str, Table]
    readers: Sequence[Reader] = ()

    @property
    def feature_tables(self) -> Sequence[Table]:
        """Those with keys, and those that cannot be read."""
        return [table for table in self.tables.values() if table.kind == FEATURE_TABLE or table.problem]

    def full_name(self, name: str) -> str:
        """The full name of a table of the schema."""
        return name if name.count(".") > 1 else f"{self.place}.{name}"

    def readers_of(self, table: str, column: str | None = None) -> Sequence[Reader]:
        """Who reads the table, or this column of it: models first, then scores, monitors and tables."""
        order = (MODEL, SCORES, MONITOR, TABLE)
        found = [reader for reader in self.readers if reader.uses(table, column)]
        return sorted(found, key=lambda reader: (order.index(reader.kind), not reader.in_office, reader.name))

    def dropped(self, table: str) -> Mapping[str, Sequence[Reader]]:
        """Columns that the table does not have, or no longer, and who was made with them."""
        found: dict[str, list[Reader]] = {}
        if table not in self.tables or self.tables[table].problem:
            return found
        there = {column.name for column in self.tables[table].columns}
        for reader in self.readers_of(table):
            for column in reader.reads[table] or ():
                if column not in there:
                    found.setdefault(column, []).append(reader)
        return dict(sorted(found.items()))

    @property
    def gone(self) -> Sequence[str]:
        """Tables of the schema that a model in office reads, and that are not there."""
        named = {
            table for reader in self.readers if reader.kind == MODEL and reader.in_office for table in reader.reads
        }
        return sorted(name for name in named - set(self.tables) if name.startswith(f"{self.place}."))


def first_line(error: Exception) -> str:
    """What went wrong, as the problem of a table or a reader."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
