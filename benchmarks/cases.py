"""What is generated and joined: the spine, the feature tables, and the lookups that belong to them, each written once."""

from dataclasses import dataclass
from datetime import UTC, datetime

CATALOG = SCHEMA = "benchmark"
MOMENT, KNOWN_AT = "decided_at", "known_at"
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """A feature table: ``features`` columns of doubles by ``key`` and ``known_at``."""

    name: str
    key: str
    rows: int
    features: int = 8

    @property
    def columns(self) -> list[str]:
        """The features' names; no two tables share one."""
        return [f"{self.name}_{number}" for number in range(self.features)]


@dataclass(frozen=True)
class Case:
    """One join: a spine of ``rows`` rows, and the tables that are looked up from it."""

    description: str
    tables: tuple[Table, ...]
    rows: int = 1_000_000
    keys: int = 50_000
    zipf: float | None = None
    distinct_values: int | None = None
    small_rows: int = 1_000

    @property
    def lookup_keys(self) -> list[str]:
        """The spine's key columns."""
        return list(dict.fromkeys(table.key for table in self.tables))

    @property
    def outputs(self) -> list[str]:
        """Every column of the join's result, in order."""
        return ["row", *self.lookup_keys, MOMENT, *(name for table in self.tables for name in table.columns)]

    def scaled(self, scale: float) -> "Case":
        """The same case with ``scale`` times the rows and keys."""
        tables = tuple(Table(t.name, t.key, max(1, round(t.rows * scale)), t.features) for t in self.tables)
        return Case(
            self.description, tables, max(1, round(self.rows * scale)), max(1, round(self.keys * scale)), self.zipf,
            self.distinct_values, self.small_rows,
        )  # fmt: skip


_SAME_KEY = tuple(Table(f"t{number}", "customer", 5_000_000) for number in range(4))

CASES = {
    "same-key": Case("4 tables of 5 million rows × 8 features, one lookup key", _SAME_KEY),
    "different-keys": Case(
        "the same, a lookup key of its own for each table",
        tuple(Table(f"t{number}", f"key{number}", 5_000_000) for number in range(4)),
    ),
    "skewed": Case("the same as same-key, keys by Zipf 1.2", _SAME_KEY, zipf=1.2),
    "one-table": Case("1 table of 5 million rows × 8 features", _SAME_KEY[:1]),
    "large-table": Case("1 table of 20 million rows × 8 features", (Table("t0", "customer", 20_000_000),)),
    "wide": Case(
        "17,000 rows × 10 tables of 17,000 rows × 100 features, 37 MB of Parquet",
        tuple(Table(f"t{number}", "customer", 17_000, 100) for number in range(10)),
        rows=17_000,
        keys=1_000,
        distinct_values=1_800,
    ),
}
