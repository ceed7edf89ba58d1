"""The counts that the checks of a feature table need, of rows in this process."""

from datetime import UTC, datetime
from functools import reduce
from typing import cast

import polars as pl
import pyarrow as pa

from feature_store.declare.checks import QUARANTINE, Check, InRange, NullShare, OneOf
from feature_store.declare.table import FeatureTable
from feature_store.publish.findings import Measured


def counted(arrow: pa.Table, table: FeatureTable) -> tuple[Measured, pa.Table] | None:
    """What :func:`feature_store.publish.findings.measure` counts by key, and the rows to publish.

    None if one of the checks is of a kind that only Spark holds.
    """
    if not all(_is_plain(check, arrow.schema) for check in table.checks):
        return None
    rows = cast(pl.DataFrame, pl.from_arrow(arrow))
    null_key = reduce(pl.Expr.__or__, (pl.col(key).is_null() for key in table.primary_keys))
    failing = [_fails(check) for check in table.checks]
    flags = [fails for check, fails in zip(table.checks, failing, strict=True) if check.on_failure == QUARANTINE]
    aside = reduce(pl.Expr.__or__, flags) & ~null_key if flags else pl.lit(False)
    marked = rows.select(
        aside=aside,
        null=null_key,
        **{
            str(number): fails if check.on_failure == QUARANTINE else fails & ~aside
            for number, (check, fails) in enumerate(zip(table.checks, failing, strict=True))
        },
    )
    is_kept = ~marked["aside"]
    kept = rows.filter(is_kept)
    measured = Measured(
        rows=kept.height,
        aside=rows.height - kept.height,
        null_keys=int(marked["null"].sum()),
        shared_keys=int(kept.select(table.primary_keys).is_duplicated().sum()),
        failing=tuple(int(marked[str(number)].sum()) for number in range(len(table.checks))),
        newest=_newest(kept, table),
    )
    return measured, arrow.filter(is_kept.to_arrow()) if measured.aside else arrow


def is_unique(rows: pa.Table | None, table: FeatureTable) -> bool:
    """Whether no two rows share a key; False where that is not known here."""
    if rows is None:
        return False
    return not cast(pl.DataFrame, pl.from_arrow(rows.select(list(table.primary_keys)))).is_duplicated().any()


def _is_plain(check: Check, schema: pa.Schema) -> bool:
    """Whether the check is held here as Spark holds it: numbers against numbers, texts and whole numbers among others."""
    if isinstance(check, InRange):
        numeric = pa.types.is_integer, pa.types.is_floating
        bounds = [bound for bound in (check.at_least, check.at_most) if bound is not None]
        return any(kind(schema.field(check.column).type) for kind in numeric) and all(
            isinstance(bound, int | float) for bound in bounds
        )
    if isinstance(check, OneOf):
        kind = schema.field(check.column).type
        wanted = str if pa.types.is_string(kind) else int if pa.types.is_integer(kind) else None
        return wanted is not None and all(type(value) is wanted for value in check.values)
    return True


def _fails(check: Check) -> pl.Expr:
    """Whether a row fails; as Spark does, fractions are compared as doubles."""
    if isinstance(check, NullShare):
        return pl.col(check.column).is_null()
    if isinstance(check, OneOf):
        return ~pl.col(check.column).is_in(list(check.values)).fill_null(True)
    if isinstance(check, InRange):
        value = pl.col(check.column).cast(pl.Float64)
        wrong = value.is_nan()
        if check.at_least is not None:
            wrong |= value < check.at_least
        if check.at_most is not None:
            wrong |= value > check.at_most
        return wrong.fill_null(False)
    return pl.lit(False)


def _newest(kept: pl.DataFrame, table: FeatureTable) -> datetime | None:
    if table.timeseries_column is None:
        return None
    newest = kept.select(pl.col(table.timeseries_column).cast(pl.Datetime("us")).max()).item()
    return cast(datetime, newest).replace(tzinfo=UTC) if newest is not None else None
