"""The point-in-time join by Polars, on Arrow buffers in this process: no row crosses into the JVM before it is done."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.local.resolved_lookup import ResolvedLookup
from feature_store.local.tables import DeltaTables

_ROW, _AT = "__row", "__at"


def join_on_driver(spine: DataFrame, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> DataFrame:
    """The join by Polars, on Arrow buffers in this process."""
    given = spine.toArrow()
    rows = _polars(given).with_row_index(_ROW)
    keys = rows.select(_ROW, *_spine_columns(lookups))
    parts = [_join_one(keys, lookup, tables) for lookup in lookups]
    joined = pl.concat([rows.drop(_ROW), *parts], how="horizontal")
    schema = _output_schema(spine.schema, lookups, tables)
    return spine.sparkSession.createDataFrame(_arrow_like(joined, schema), schema)


def _join_one(keys: pl.DataFrame, lookup: ResolvedLookup, tables: DeltaTables) -> pl.DataFrame:
    """The outputs of one lookup, one row for each of ``keys``, in their order."""
    ours = [column for column, _ in lookup.keys]
    theirs = [column for _, column in lookup.keys]
    outputs = [pl.col(f"__feature_{feature}").alias(name) for feature, name in lookup.outputs]
    usable = keys.drop_nulls([*ours, *([lookup.times[0]] if lookup.times else [])])
    features = tables.arrow(lookup.table, lookup.table_columns, version=lookup.version, where=_range(usable, lookup))
    features = features.select(
        *(pl.col(key).alias(f"__key_{key}") for key in theirs),
        *([pl.col(lookup.times[1]).alias(_AT)] if lookup.times else []),
        *(pl.col(feature).alias(f"__feature_{feature}") for feature, _ in lookup.outputs),
    )
    right_on = [f"__key_{key}" for key in theirs]
    if lookup.times is None:
        found = usable.join(features, left_on=ours, right_on=right_on, how="left", validate="m:1")
    else:
        found = usable.sort(lookup.times[0]).join_asof(
            features.sort(_AT), left_on=lookup.times[0], right_on=_AT, by_left=ours, by_right=right_on,
            strategy="backward", coalesce=False, check_sortedness=False,
        )  # fmt: skip
        if lookup.lookback is not None:
            newest, asked = _instants(found, _AT, lookup.times[0])
            found = found.filter(newest >= asked - lookup.lookback)
    return keys.select(_ROW).join(found, on=_ROW, how="left", maintain_order="left").select(outputs)


def _range(usable: pl.DataFrame, lookup: ResolvedLookup) -> pl.Expr | None:
    """Feature rows after the last moment asked for, or before the earliest lookback, cannot be needed."""
    if lookup.times is None or usable.is_empty():
        return None
    moments, column = usable[lookup.times[0]], pl.col(lookup.times[1])
    needed = column <= moments.max()
    if lookup.lookback is not None:
        # Whole days, for the sake of dates; what is read too much, the join leaves out.
        needed &= column >= pl.lit(moments.min()) - timedelta(days=lookup.lookback.days + 1)
    return needed


def _instants(frame: pl.DataFrame, *names: str) -> Iterator[pl.Expr]:
    """The columns as moments with a time of day: a date less twelve hours would be a date again."""
    for name in names:
        yield pl.col(name).cast(pl.Datetime("us")) if frame.schema[name] == pl.Date else pl.col(name)


def _spine_columns(lookups: Sequence[ResolvedLookup]) -> list[str]:
    columns = [column for lookup in lookups for column, _ in lookup.keys]
    return list(dict.fromkeys([*columns, *(lookup.times[0] for lookup in lookups if lookup.times)]))


def _polars(arrow: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(arrow)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _arrow_like(frame: pl.DataFrame, schema: StructType) -> pa.Table:
    from pyspark.sql.pandas.types import to_arrow_schema

    return frame.to_arrow().cast(to_arrow_schema(schema, timezone="UTC"))


def _output_schema(spine: StructType, lookups: Sequence[ResolvedLookup], tables: DeltaTables) -> StructType:
    schema = StructType(list(spine.fields))
    for lookup in lookups:
        stored = tables.info(lookup.table, version=lookup.version).schema
        for feature, name in lookup.outputs:
            schema = schema.add(name, stored[feature].dataType, True)
    return schema
