"""Rows in this process: what a join done here gives, before it crosses into the JVM, if it ever does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from feature_store.declare.lookup import DefaultValue
    from feature_store.join.resolved_lookup import ResolvedLookup
    from feature_store.tables.protocol import Tables


def as_frame(looked: DataFrame | Rows) -> DataFrame:
    """A frame of Spark's, of what may be one already."""
    return looked.frame() if isinstance(looked, Rows) else looked


def as_rows(looked: DataFrame | Rows) -> pa.Table:
    """The rows, with the types that Spark's own ``toArrow`` gives."""
    return looked.as_spark_has_them() if isinstance(looked, Rows) else looked.toArrow()


def selected(looked: DataFrame | Rows, names: Sequence[str]) -> DataFrame | Rows:
    """These columns, in this order."""
    return looked.select(names) if isinstance(looked, Rows) else looked.select(*(f"`{name}`" for name in names))


def selected_rows(looked: DataFrame | Rows, names: Sequence[str]) -> Rows:
    """These columns, in this order, in this process; with the types that Spark's own ``toArrow`` gives where Spark joined them."""
    chosen = selected(looked, names)
    return chosen if isinstance(chosen, Rows) else Rows(chosen.toArrow(), chosen.schema, chosen.sparkSession)


@dataclass(frozen=True, eq=False)
class Rows:
    """An Arrow table, and the schema that it has in Spark; named as a data frame's, schema and session are."""

    arrow: pa.Table
    schema: StructType
    sparkSession: SparkSession  # noqa: N815

    def select(self, names: Sequence[str]) -> Rows:
        """These columns, in this order."""
        from pyspark.sql.types import StructType

        schema = StructType([self.schema[name] for name in names])
        return replace(self, arrow=self.arrow.select(list(names)), schema=schema)

    def filled(self, defaults: Mapping[str, DefaultValue]) -> Rows:
        """Nulls and, among fractions, NaN replaced by the values given, as Spark's ``fillna`` does it."""
        arrow = self.arrow
        for name, value in defaults.items():
            position = arrow.schema.get_field_index(name)
            if position >= 0:
                column = arrow.column(position)
                if pa.types.is_floating(column.type):
                    column = pc.if_else(pc.is_nan(column), None, column)
                arrow = arrow.set_column(position, name, pc.fill_null(column, pa.scalar(value, column.type)))
        return replace(self, arrow=arrow)

    def as_spark_has_them(self) -> pa.Table:
        """The table with the types that Spark's own ``toArrow`` gives."""
        from pyspark.sql.pandas.types import to_arrow_schema

        wanted = to_arrow_schema(self.schema, timezone="UTC")
        arrays = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(self.arrow.columns, wanted, strict=True)
        ]
        return pa.table(arrays, names=wanted.names)

    def frame(self) -> DataFrame:
        """The rows as a frame of Spark's."""
        from feature_store.tables.handing_over import frame_of

        return frame_of(self.sparkSession, iter(self.as_spark_has_them().to_batches()), self.schema)


def joined_schema(spine: StructType, lookups: Sequence[ResolvedLookup], tables: Tables) -> StructType:
    """The data frame's columns, and after them the outputs of the lookups, as their tables' versions have them."""
    from pyspark.sql.types import StructType

    schema = StructType(list(spine.fields))
    for lookup in lookups:
        stored = tables.columns(lookup.table, version=lookup.version)
        for feature, name in lookup.outputs:
            schema = schema.add(name, stored[feature].dataType, True)
    return schema
