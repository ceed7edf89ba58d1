"""A source: a view of a landed table in which every row carries the moment at which it became known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from feature_store.errors import Misuse
from feature_store.moments import utc
from feature_store.names import check_simple_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KNOWN_AT = "known_at"


class Readable(Protocol):
    """What a source is read from: tables by name."""

    def read(self, name: str, *, version: int | None = None) -> DataFrame:
        """The table as it is, or as it was at a version."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """What jobs see of a landed table: the columns that are known by the same moment, and that moment.

    ``columns`` are described where the table is landed. ``known_at`` names the landed table's column with
    the moment, which the view calls ``known_at`` (None: the facts are known always, and there is no such column).
    A row whose moment is null never became known, and is in no view. ``lateness`` is how long after its moment
    a row may still land: whoever catches up reads that far back again.
    """

    name: str
    description: str
    table: str
    columns: Sequence[str]
    known_at: str | None = None
    lateness: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        check_simple_name(self.name, "source")
        if self.lateness < timedelta(0):
            raise Misuse(f"Source {self.name!r}: lateness cannot be negative.")
        if self.lateness and self.known_at is None:
            raise Misuse(f"Source {self.name!r} is known always, so its rows cannot be late. Leave lateness out.")
        if not self.columns:
            raise Misuse(f"Source {self.name!r} declares no columns.")

    def read(
        self,
        tables: Readable,
        *,
        as_of: datetime,
        start: datetime | None = None,
        end: datetime | None = None,
        version: int | None = None,
    ) -> DataFrame:
        """The rows known by ``as_of`` (inclusive), within ``[start, end)`` where given, of this version of the table.

        This is the one place where the future is kept out: every job reads sources, labels and entities through it.
        """
        from pyspark.sql import functions as F

        landed = tables.read(self.table, version=version)
        if self.known_at is None:
            return landed.select(*self.columns)
        known = F.col(self.known_at)
        kept = known <= F.lit(utc(as_of))
        if start is not None:
            kept &= known >= F.lit(utc(start))
        if end is not None:
            kept &= known < F.lit(utc(end))
        others = [name for name in self.columns if name != KNOWN_AT]
        return landed.where(kept).select(*others, known.alias(KNOWN_AT))
