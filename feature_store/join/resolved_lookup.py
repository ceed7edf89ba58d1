"""A lookup with everything that the join needs to know of its table."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True)
class ResolvedLookup:
    """A lookup with everything known of its table: ``outputs`` maps feature columns to output names.

    ``keys`` pairs the data frame's columns with the table's; ``times`` does so for the timestamp, None without time.
    """

    table: str
    version: int
    keys: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    times: tuple[str, str] | None = None
    lookback: timedelta | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """``keys`` and, last, ``times``."""
        return [*self.keys, *([self.times] if self.times else [])]

    @property
    def inputs(self) -> list[str]:
        """The data frame's columns that it looks up by."""
        return [ours for ours, _ in self.pairs]

    @property
    def output_names(self) -> list[str]:
        """What it gives, under the names it is given as."""
        return [name for _, name in self.outputs]

    def only(self, names: Collection[str]) -> "ResolvedLookup":
        """The same lookup without the outputs that are not among ``names``."""
        return replace(self, outputs=tuple(pair for pair in self.outputs if pair[1] in names))

    @property
    def table_columns(self) -> list[str]:
        """The columns of the table that the join reads."""
        return list(dict.fromkeys([*(theirs for _, theirs in self.pairs), *(feature for feature, _ in self.outputs)]))
