"""The declaration of a feature table: what a feature engineer writes, one module each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from feature_store.declare.checks import Check, check_declared
from feature_store.declare.source import Source
from feature_store.errors import Misuse, SchemaMismatch, WrongKind, listed, suggestion
from feature_store.names import check_simple_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureTable:
    """A feature table: its keys, its columns, who answers for it, and the pure function that computes it.

    ``primary_keys`` includes the timeseries column, as Unity Catalog has it. The timeseries column holds the moment at
    which the row's values were *known*. ``sources`` are in the order of ``compute``'s parameters. ``lookback`` is
    how far back in its sources a value looks. ``checks`` are what each publish holds the rows against, besides the keys.

    Raises
    ------
    Misuse
        At import, if the declaration contradicts itself.
    """

    name: str
    description: str | None
    owner: str
    primary_keys: Sequence[str]
    features: Mapping[str, str]
    sources: Sequence[Source]
    compute: Callable[..., DataFrame] = field(repr=False)
    timeseries_column: str | None = None
    lookback: timedelta = timedelta(0)
    checks: Sequence[Check] = ()

    def __post_init__(self) -> None:
        where = f"Feature table {self.name!r}"
        if isinstance(self.primary_keys, str):
            raise WrongKind(f"{where}: primary_keys is a list of names. Write [{self.primary_keys!r}].")
        check_simple_name(self.name, "feature table")
        if not self.entity_keys:
            raise Misuse(f"{where} needs at least one primary key besides the timeseries column.")
        if len(set(self.primary_keys)) < len(self.primary_keys):
            raise Misuse(f"{where}: a primary key is named twice: {listed(self.primary_keys)}.")
        if self.timeseries_column is not None and self.timeseries_column not in self.primary_keys:
            raise Misuse(
                f"{where}: the timeseries column {self.timeseries_column!r} is not among the primary keys "
                f"({listed(self.primary_keys)}). Add it as the last one."
            )
        both = [key for key in self.primary_keys if key in self.features]
        if both:
            raise Misuse(f"{where}: {listed(both)} cannot be a key and a feature at once.")
        if not self.sources:
            raise Misuse(f"{where} names no sources.")
        if not self.features:
            raise Misuse(f"{where} declares no features.")
        blank = [name for name, text in self.features.items() if not text.strip()]
        if blank or not (self.description or "").strip() or not self.owner.strip():
            missing = [f"a description of {name}" for name in blank]
            missing += ["its own description"] * (not (self.description or "").strip()) + ["an owner"] * (
                not self.owner.strip()
            )
            raise Misuse(f"{where} lacks {listed(missing)}.")
        if self.lookback < timedelta(0):
            raise Misuse(f"{where}: lookback cannot be negative.")
        check_declared(self.name, self.checks, columns=self.columns, has_time=self.timeseries_column is not None)

    @property
    def lateness(self) -> timedelta:
        """How long rows of any of its sources may still arrive after their moment."""
        return max(source.lateness for source in self.sources)

    @property
    def entity_keys(self) -> list[str]:
        """The primary keys without the timeseries column."""
        return [key for key in self.primary_keys if key != self.timeseries_column]

    @property
    def columns(self) -> list[str]:
        """All columns in the table's order: keys, timeseries column, features."""
        time = [self.timeseries_column] if self.timeseries_column else []
        return [*self.entity_keys, *time, *self.features]

    def check_columns(self, produced: Sequence[str]) -> None:
        """Refuse a frame whose columns are not the declared ones.

        Raises
        ------
        SchemaMismatch
            If a column is missing or was not declared.
        """
        missing = [name for name in self.columns if name not in produced]
        surplus = [name for name in produced if name not in self.columns]
        if not missing and not surplus:
            return
        parts = [f"Feature table {self.name!r}: compute() does not give the declared columns."]
        for name in missing:
            kind = "key" if name in self.primary_keys else "feature"
            parts.append(f"The {kind} {name!r} is missing; {suggestion(name, produced)}")
        for name in surplus:
            parts.append(f"{name!r} is not declared; describe it under features=, or drop it in compute().")
        raise SchemaMismatch(" ".join(parts))
