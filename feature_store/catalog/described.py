"""All there is to say of one table, or of one feature of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feature_store.catalog.facts import TableFacts, table_facts
from feature_store.catalog.model import Catalog, Reader, Table
from feature_store.catalog.record import (
    CheckOutcome,
    Freshness,
    Misses,
    Publishing,
    checks,
    freshness,
    misses,
    publishing,
)
from feature_store.store import FeatureStore


@dataclass(frozen=True)
class Described:
    """A table with what it holds, what was recorded of it, and who reads it; ``feature`` if only one column is asked for.

    ``dropped`` are columns that are not there, with who was made with them.
    """

    table: Table
    feature: str
    facts: TableFacts
    freshness: Freshness
    publishing: Publishing
    checks: Sequence[CheckOutcome]
    misses: Sequence[Misses]
    readers: Sequence[Reader]
    dropped: Mapping[str, Sequence[Reader]]

    @property
    def is_sampled(self) -> bool:
        """Whether something is told of the newest rows only."""
        return 0 < self.facts.read < (self.facts.rows or 0)


def describe(store: FeatureStore, catalog: Catalog, table: Table, *, feature: str = "", as_of: datetime) -> Described:
    """The table, or a feature of it, as of a moment."""
    facts = table_facts(store.tables, table, only=feature or None)
    return Described(
        table=table,
        feature=feature,
        facts=facts,
        freshness=freshness(table, facts.newest, as_of=as_of),
        publishing=publishing(table),
        checks=[one for one in checks(table) if not feature or feature in one.check.split()],
        misses=misses(store, table, as_of=as_of),
        readers=catalog.readers_of(table.name, feature or None),
        dropped={name: who for name, who in catalog.dropped(table.name).items() if feature in ("", name)},
    )
