"""What the checks of a feature table found in the rows of one window.

:func:`measure` counts everything that the checks need in one job over the computed rows; :func:`judge` holds the counts
against what is declared, and reads the stored table only for checks that speak of it; :func:`refuse` says what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, NumericType, StructType, TimestampType

from feature_store.declare.checks import (
    PREVIOUS_WINDOWS,
    QUARANTINE,
    REFUSE,
    Check,
    Fresh,
    InRange,
    NullShare,
    OneOf,
    RowCount,
)
from feature_store.declare.table import FeatureTable
from feature_store.errors import InvalidRows, SchemaMismatch

_SHOWN = 3
Window = tuple[datetime, datetime]
Stored = Callable[[], DataFrame] | None


@dataclass(frozen=True)
class Measured:
    """Counts over the rows of a window: to publish, to set aside, with a null or a shared key, and failing each check.

    ``newest`` is the latest moment among the rows to publish.
    """

    rows: int
    aside: int
    null_keys: int
    shared_keys: int
    failing: tuple[int, ...]
    newest: datetime | None


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; ``found`` is what was measured, as a clause."""

    check: Check
    passed: bool
    rows: int
    found: str

    @property
    def record(self) -> Mapping[str, object]:
        """The outcome as JSON data, for the commit."""
        outcome = {"check": str(self.check), "on_failure": self.check.on_failure, "passed": self.passed}
        within = {"within_seconds": self.check.within.total_seconds()} if isinstance(self.check, Fresh) else {}
        return {**outcome, **within, "rows": self.rows, "found": self.found}


def is_set_aside(table: FeatureTable) -> Column:
    """Whether a row goes to the quarantine. Never one with a null key: that is refused."""
    flags = [_fails(check) for check in table.checks if check.on_failure == QUARANTINE]
    return reduce(Column.__or__, flags) & ~_has_null_key(table) if flags else F.lit(False)


def failed_checks(checks: Sequence[Check]) -> Column:
    """The checks that put a row into the quarantine, as an array of texts."""
    texts = [F.when(_fails(check), F.lit(str(check))) for check in checks if check.on_failure == QUARANTINE]
    return F.array_compact(F.array(*texts)).cast("array<string>")


def measure(df: DataFrame, table: FeatureTable, *, by_key: bool) -> Measured:
    """Count all that the checks need in one job; ``df`` has the table's columns and is best persisted.

    Rows are compared with each other only ``by_key``, which needs a shuffle: without, ``shared_keys`` is 0.
    """
    aside = is_set_aside(table)
    counted = [
        F.count_if(_fails(check) if check.on_failure == QUARANTINE else _fails(check) & ~aside).alias(f"__{number}")
        for number, check in enumerate(table.checks)
    ]
    time = F.col(f"`{table.timeseries_column}`") if table.timeseries_column else F.lit(None)
    # As a number: Python would give moments in the machine's own time zone.
    newest = F.max(F.when(~aside, F.unix_micros(time.cast("timestamp"))))
    keys = [F.col(f"`{key}`") for key in table.primary_keys] if by_key else []
    counts = df.groupBy(*keys).agg(
        F.count_if(~aside).alias("__rows"),
        F.count_if(aside).alias("__aside"),
        F.count_if(_has_null_key(table)).alias("__null"),
        newest.alias("__newest"),
        *counted,
    )
    if by_key:
        shared = F.count_if((F.col("__null") == 0) & (F.col("__rows") > 1))
        sums = [F.sum(name).alias(name) for name in counts.columns if name[:2] == "__" and name != "__newest"]
        counts = counts.agg(F.max("__newest").alias("__newest"), shared.alias("__shared"), *sums)
    (row,) = counts.collect()
    return Measured(
        rows=row["__rows"] or 0,
        aside=row["__aside"] or 0,
        null_keys=row["__null"] or 0,
        shared_keys=row["__shared"] if by_key else 0,
        failing=tuple(row[f"__{number}"] or 0 for number in range(len(table.checks))),
        newest=None if row["__newest"] is None else _EPOCH + timedelta(microseconds=row["__newest"]),
    )


def judge(
    measured: Measured, table: FeatureTable, *, stored: Stored, window: Window | None, as_of: datetime
) -> list[Finding]:
    """The outcome of each declared check; ``stored`` reads the table as it stands, None for a new one."""
    findings = []
    for check, failing in zip(table.checks, measured.failing, strict=True):
        if isinstance(check, InRange | OneOf):
            findings.append(Finding(check, failing == 0, failing, _rows(failing)))
        elif isinstance(check, NullShare):
            share = failing / measured.rows if measured.rows else 0.0
            found = f"{share:.1%} of {_rows(measured.rows)}"
            findings.append(Finding(check, share <= check.at_most, failing, found))
        elif isinstance(check, Fresh):
            findings.append(_freshness(check, measured, table, stored=stored, window=window, as_of=as_of))
        else:
            findings.append(_row_count(check, measured, table, stored=stored, window=window))
    return findings


def check_kinds(schema: StructType, table: FeatureTable) -> None:
    """Refuse a range that the column's type cannot be held against.

    Raises
    ------
    SchemaMismatch
        If a number is to bound a column that holds none, or a time one that holds none.
    """
    for check in table.checks:
        if isinstance(check, InRange):
            numbers = isinstance(check.at_least if check.at_least is not None else check.at_most, int | float)
            kind = schema[check.column].dataType
            if not isinstance(kind, NumericType if numbers else (TimestampType, DateType)):
                raise SchemaMismatch(
                    f"Feature table {table.name}: the check '{check}' cannot be of {check.column!r}, which is "
                    f"{kind.simpleString()}. Bound numbers by numbers, and moments by dates or times."
                )


def refuse(findings: Sequence[Finding], rows: Callable[[], DataFrame], table: FeatureTable) -> None:
    """Refuse the rows if a check failed that must hold; they are asked for examples only then.

    Raises
    ------
    InvalidRows
        If one did; the text names check, number and examples of each.
    """
    failed = [finding for finding in findings if not finding.passed and finding.check.on_failure == REFUSE]
    if not failed:
        return
    told = []
    for finding in failed:
        check = finding.check
        if isinstance(check, InRange | OneOf):
            told.append(
                f"{_rows(finding.rows)} fail the check '{check}', for example {_examples(rows(), table, check)}."
            )
        else:
            told.append(f"The check '{check}' fails: {finding.found}.")
    by_row = any(isinstance(finding.check, InRange | OneOf) for finding in failed)
    raise InvalidRows(
        f"Feature table {table.name}: {' '.join(told)} Nothing was written. Put the source or compute() right; "
        "if the values are right, change the check in the table's module"
        + (", or give it on_failure='quarantine' to publish all other rows." if by_row else "."),
        found=" ".join(told),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _fails(check: Check) -> Column:
    if isinstance(check, InRange | OneOf):
        return F.coalesce(check.fails(), F.lit(False))
    if isinstance(check, NullShare):
        return F.col(f"`{check.column}`").isNull()
    return F.lit(False)


def _has_null_key(table: FeatureTable) -> Column:
    return reduce(Column.__or__, (F.col(f"`{key}`").isNull() for key in table.primary_keys))


def _freshness(
    check: Fresh,
    measured: Measured,
    table: FeatureTable,
    *,
    stored: Stored,
    window: Window | None,
    as_of: datetime,
) -> Finding:
    if window is None or window[1] < as_of:
        return Finding(check, True, 0, "not asked of a window that ends before the as-of moment")
    newest = measured.newest
    if (newest is None or as_of - newest > check.within) and stored is not None:
        moment = F.col(f"`{table.timeseries_column}`")
        before = stored().where(moment < F.lit(window[0])).agg(F.unix_micros(F.max(moment).cast("timestamp"))).first()
        if before and before[0] is not None:
            older = _EPOCH + timedelta(microseconds=before[0])
            newest = older if newest is None else max(newest, older)
    if newest is None:
        return Finding(check, False, 0, "there is no row")
    found = f"the newest row, of {newest:%Y-%m-%d %H:%M}, is {as_of - newest} old at {as_of:%Y-%m-%d %H:%M}"
    return Finding(check, as_of - newest <= check.within, 0, found)


def _row_count(
    check: RowCount, measured: Measured, table: FeatureTable, *, stored: Stored, window: Window | None
) -> Finding:
    enough = check.at_least is None or measured.rows >= check.at_least
    usual = None
    if check.at_most_change is not None and stored is not None:
        usual = _usual_rows(table, stored(), window) if window else float(stored().count()) or None
    if usual is None or check.at_most_change is None:
        return Finding(check, enough, 0, _rows(measured.rows))
    alike = abs(measured.rows - usual) <= check.at_most_change * usual
    return Finding(check, enough and alike, 0, f"{_rows(measured.rows)}, against {usual:,.1f} before")


def _usual_rows(table: FeatureTable, stored: DataFrame, window: Window) -> float | None:
    """The mean number of rows in the windows before this one; None where the table goes back less than one."""
    start, length = window[0], window[1] - window[0]
    moment = F.col(f"`{table.timeseries_column}`")
    earlier = stored.where(moment < F.lit(start))
    first = earlier.agg(F.unix_micros(F.min(moment).cast("timestamp"))).first()
    if not first or first[0] is None:
        return None
    windows = min(PREVIOUS_WINDOWS, (start - _EPOCH - timedelta(microseconds=first[0])) // length)
    return earlier.where(moment >= F.lit(start - windows * length)).count() / windows if windows else None


def _examples(df: DataFrame, table: FeatureTable, check: InRange | OneOf) -> str:
    names = list(dict.fromkeys([*table.primary_keys, check.column]))
    failing = df.where(_fails(check)).orderBy(*(F.col(f"`{key}`") for key in table.primary_keys))
    rows = failing.select(*(F.col(f"`{name}`").cast("string").alias(name) for name in names)).limit(_SHOWN).collect()
    return "; ".join(", ".join(f"{name}={row[name]}" for name in names) for row in rows)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
