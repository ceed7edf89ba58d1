"""For the tests of a project's own feature tables: what the rows that are stored must be, told in one line.

def test_the_weather_is_whole(store):
    check_table(store, airport_weather.TABLE, as_of=datetime(2013, 7, 1, tzinfo=UTC))
"""

from __future__ import annotations

from datetime import datetime

from feature_store.declare.checks import WARN, InRange, NullShare, OneOf
from feature_store.declare.table import FeatureTable
from feature_store.errors import PipelineError
from feature_store.moments import utc
from feature_store.publish.feature_table_checks import check_keys
from feature_store.store import FeatureStore


def check_table(store: FeatureStore, table: FeatureTable, *, as_of: datetime, version: int | None = None) -> None:
    """The stored table is what is declared: keys whole and unique, columns and comments, checks, nothing of the future.

    Checks of values are held against all rows there are, but for those that only warn; those of single windows (freshness,
    number of rows) are publishing's.

    Raises
    ------
    AssertionError
        If one of these does not hold; all that do not are told.
    NotFound
        If there is no such table.
    """
    from pyspark.sql import functions as F

    found: list[str] = []
    stored, df = store.get_table(name=table.name), store.tables.read(table.name, version=version)
    try:
        table.check_columns(df.columns)
        check_keys(df, stored.primary_keys, stored.name)
    except PipelineError as error:
        found.append(str(error))
    comments = {field.name: field.metadata.get("comment") for field in stored.schema}
    found += [
        f"The comment of {name!r} is {comments.get(name)!r}, declared is {text!r}."
        for name, text in table.features.items()
        if comments.get(name) != text
    ]
    if table.timeseries_column:
        later = df.where(F.col(f"`{table.timeseries_column}`") > F.lit(utc(as_of))).count()
        found += [f"{later:,} rows were known only after {as_of:%Y-%m-%d %H:%M}."] * bool(later)
    rows = df.count()
    for check in table.checks:
        if check.on_failure == WARN:
            continue
        if isinstance(check, InRange | OneOf):
            failed = df.where(check.fails()).count()
            found += [f"{failed:,} of {rows:,} rows fail {check}."] * bool(failed)
        elif isinstance(check, NullShare):
            nulls = df.where(F.col(f"`{check.column}`").isNull()).count()
            if rows and nulls / rows > check.at_most:
                found.append(f"{nulls:,} of {rows:,} rows have no {check.column!r}; {check}.")
    if found:
        raise AssertionError(f"Feature table {stored.name} is not what is declared. " + " ".join(found))
