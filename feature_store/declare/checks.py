"""What a feature table promises of its values: declared in the table, checked by every publish in the pass that writes.

Keys that are never null and unique are promised by every table. What else must hold is declared::

    checks=[
        InRange("share_late", at_least=0, at_most=1),
        OneOf("origin", ["EWR", "JFK", "LGA"], on_failure="quarantine"),
        NullShare("wind_gust_mph", at_most=0.9),
        Fresh(timedelta(hours=6), on_failure="warn"),
        RowCount(at_least=1, at_most_change=0.5),
    ]

``on_failure`` says what happens to a window in which a check fails. ``refuse``: nothing is written. ``quarantine``: the
rows that fail go to ``<table>_quarantine``, the others are published; only for checks of single rows. ``warn``: the
window is published, and the failure is printed and recorded. All outcomes are recorded in the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from feature_store.errors import Misuse, WrongKind, suggestion

if TYPE_CHECKING:
    from pyspark.sql import Column

REFUSE, QUARANTINE, WARN = "refuse", "quarantine", "warn"
QUARANTINE_COLUMNS = ("failed_checks", "window", "as_of", "run_id")
"""What a quarantine says of each row, besides the row itself."""
PREVIOUS_WINDOWS = 7
"""So many windows, as long as the one published and just before it, tell :class:`RowCount` what is usual."""

Bound = float | date | datetime


@dataclass(frozen=True)
class InRange:
    """Values lie between the bounds, both included. A null passes (see :class:`NullShare`); NaN does not."""

    column: str
    _: KW_ONLY
    at_least: Bound | None = None
    at_most: Bound | None = None
    on_failure: str = REFUSE

    def __post_init__(self) -> None:
        _one_of(self, self.on_failure, (REFUSE, QUARANTINE, WARN))
        if self.at_least is None and self.at_most is None:
            raise Misuse(f"InRange({self.column!r}) names no bound. Give it at_least=, at_most= or both.")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:  # type: ignore[operator]
            raise Misuse(f"{self}: no value is in that range.")

    def __str__(self) -> str:
        return " and ".join(
            [f"{self.column} >= {self.at_least}"] * (self.at_least is not None)
            + [f"{self.column} <= {self.at_most}"] * (self.at_most is not None)
        )

    def fails(self) -> Column:
        """Whether a row fails; null for a null."""
        from pyspark.sql import functions as F

        value = F.col(f"`{self.column}`")
        wrong = F.lit(False)
        if isinstance(self.at_least if self.at_least is not None else self.at_most, int | float):
            wrong |= F.isnan(value.cast("double"))
        if self.at_least is not None:
            wrong |= value < F.lit(self.at_least)
        if self.at_most is not None:
            wrong |= value > F.lit(self.at_most)
        return wrong


@dataclass(frozen=True)
class OneOf:
    """Values are among those listed. A null passes (see :class:`NullShare`)."""

    column: str
    values: Collection[str | int | bool]
    _: KW_ONLY
    on_failure: str = REFUSE

    def __post_init__(self) -> None:
        _one_of(self, self.on_failure, (REFUSE, QUARANTINE, WARN))
        if isinstance(self.values, str):
            raise WrongKind(f"OneOf({self.column!r}) takes a list of values. Write [{self.values!r}].")
        if not self.values:
            raise Misuse(f"OneOf({self.column!r}) lists no values.")

    def __str__(self) -> str:
        return f"{self.column} in ({', '.join(str(value) for value in self.values)})"

    def fails(self) -> Column:
        """Whether a row fails; null for a null."""
        from pyspark.sql import functions as F

        return ~F.col(f"`{self.column}`").isin(*self.values)


@dataclass(frozen=True)
class NullShare:
    """At most this share of the window's rows, from 0 to 1, has a null in the column."""

    column: str
    _: KW_ONLY
    at_most: float
    on_failure: str = REFUSE

    def __post_init__(self) -> None:
        _one_of(self, self.on_failure, (REFUSE, WARN))
        check_share(f"NullShare({self.column!r})", self.at_most)

    def __str__(self) -> str:
        return f"share of nulls in {self.column} <= {self.at_most}"


@dataclass(frozen=True)
class Fresh:
    """When published up to the as-of moment, the table's newest row was known at most ``within`` before it."""

    within: timedelta
    _: KW_ONLY
    on_failure: str = REFUSE

    def __post_init__(self) -> None:
        _one_of(self, self.on_failure, (REFUSE, WARN))
        if self.within <= timedelta(0):
            raise Misuse(f"{self}: the time must be longer than nothing.")

    def __str__(self) -> str:
        return f"newest row at most {self.within} old"


@dataclass(frozen=True)
class RowCount:
    """The window has ``at_least`` so many rows, and their number is like the windows' before it.

    ``at_most_change=0.5`` allows between half and one and a half times the mean of the windows before: of the seven,
    as long as this one, just before it (as far back as the table goes). A table without time is compared with itself
    as it stands.
    """

    _: KW_ONLY
    at_least: int | None = None
    at_most_change: float | None = None
    on_failure: str = REFUSE

    def __post_init__(self) -> None:
        _one_of(self, self.on_failure, (REFUSE, WARN))
        if self.at_least is None and self.at_most_change is None:
            raise Misuse("RowCount() says nothing. Give it at_least=, at_most_change= or both.")
        if self.at_most_change is not None and self.at_most_change < 0:
            raise Misuse(f"RowCount(at_most_change={self.at_most_change}): a change cannot be negative.")

    def __str__(self) -> str:
        return " and ".join(
            [f"rows >= {self.at_least}"] * (self.at_least is not None)
            + [f"rows within {self.at_most_change:.0%} of the windows before"] * (self.at_most_change is not None)
        )


RowCheck = InRange | OneOf
Check = RowCheck | NullShare | Fresh | RowCount


def check_declared(table: str, checks: object, *, columns: Collection[str], has_time: bool) -> None:
    """Refuse checks that cannot be of this table.

    Raises
    ------
    WrongKind
        If one of them is no check.
    Misuse
        If one is of a column that the table does not have, or of time in a table without.
    """
    if not isinstance(checks, list | tuple):
        raise WrongKind(f"Feature table {table!r}: checks is a list of checks, such as [InRange(...)].")
    for check in checks:
        if not isinstance(check, Check):
            raise WrongKind(
                f"Feature table {table!r}: {check!r} is no check. There are: InRange, OneOf, NullShare, Fresh, RowCount."
            )
        if isinstance(check, InRange | OneOf | NullShare) and check.column not in columns:
            raise Misuse(
                f"Feature table {table!r}: the check '{check}' is of no column of it. {suggestion(check.column, columns)}"
            )
        if isinstance(check, Fresh) and not has_time:
            raise Misuse(f"Feature table {table!r} has no timeseries column, so '{check}' cannot be told of it.")
        taken = [name for name in QUARANTINE_COLUMNS if name in columns]
        if check.on_failure == QUARANTINE and taken:
            raise Misuse(
                f"Feature table {table!r}: {taken[0]} is a column of the quarantine, and cannot be one of the table's. "
                "Give it another name."
            )


def check_share(what: str, share: float) -> None:
    """Refuse a share of ``what`` that is none.

    Raises
    ------
    Misuse
        If it does not lie between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise Misuse(f"{what}: a share lies between 0 and 1, and {share} does not.")


def _one_of(check: object, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        kind = type(check).__name__
        reason = " It is not about single rows." if given == QUARANTINE else ""
        raise Misuse(f"{kind}: on_failure cannot be {given!r}.{reason} {suggestion(given, allowed)}")
