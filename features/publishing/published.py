"""What a publishing run did to a table, or would do, in sentences for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feature_store import FeatureTable
from feature_store.errors import listed
from feature_store.publish.publication import Publication
from features.publishing.windows import BEGINNING, Window


@dataclass(frozen=True)
class Published:
    """What was done to one table: ``chunks`` is empty if there was nothing to do.

    ``window`` is all that was asked for, None for a table without time. ``resumed``: an interrupted run had done the part
    before. ``is_dry``: nothing was written.
    """

    table: FeatureTable
    window: Window | None
    chunks: Sequence[Publication] = field(default=())
    resumed: bool = False
    is_dry: bool = False

    @property
    def rows(self) -> int | None:
        """Rows written; None if there was nothing to do."""
        return sum(chunk.rows for chunk in self.chunks) if self.chunks else None

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        if self.rows is None:
            return "up to date" + (f" (published until {moment(self.window[0])})" if self.window else "")
        said = [self._rows(self.rows)]
        added = list(self.chunks[0].added)
        if added:
            before = self.window[0] if self.window else BEGINNING
            since = f" (null before {moment(before)}; --full fills it)" if before > BEGINNING else ""
            said.append(f"{'adds' if self.is_dry else 'added'} {listed(added)}{since}")
        if self.chunks[0].renewed:
            said.append(f"{'renews' if self.is_dry else 'renewed'} the {listed(self.chunks[0].renewed)}")
        aside = sum(chunk.quarantined for chunk in self.chunks)
        if aside:
            said.append(f"{aside:,} to {self.table.name}_quarantine")
        return "; ".join(said)

    @property
    def warnings(self) -> list[str]:
        """One line for each failed check that does not stop the publishing."""
        return [f"warning: {told}" for chunk in self.chunks for told in chunk.warnings]

    def _rows(self, rows: int) -> str:
        if self.window is None:
            return f"would change {count(rows)}" if self.is_dry else f"{count(rows)} changed"
        said = f"{'would write ' * self.is_dry}{count(rows)} {span(self.window)}"
        if self.resumed:
            said += ", where an interrupted run stopped"
        return said + (f", in {len(self.chunks)} chunks" if len(self.chunks) > 1 else "")


def span(window: Window) -> str:
    """``from … to …``."""
    return f"from {'the beginning' if window[0] == BEGINNING else moment(window[0])} to {moment(window[1])}"


def moment(when: datetime) -> str:
    """To the minute, in UTC."""
    return f"{when:%Y-%m-%d %H:%M}"


def count(rows: int) -> str:
    """``1 row``, ``1,000 rows``."""
    return f"{rows:,} row{'s' * (rows != 1)}"
