"""Training sets: features checked against tables and data frame at once, computed only when the frame is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from feature_store.errors import Misuse, suggestion
from feature_store.join.columns import SourceColumn
from feature_store.join.definition import Definition, check_names, compute, function_columns, with_types
from feature_store.join.lookup_checks import defaults
from feature_store.join.misses import rows_and_ages
from feature_store.join.rows import Rows, as_frame, as_rows, selected
from feature_store.package.feature_spec import FeatureSpec
from feature_store.tables.protocol import Tables
from feature_store.tables.stored import StoredFeatureTable


@dataclass(frozen=True, eq=False)
class LocalTrainingSet:
    """:class:`feature_store.package.protocol.TrainingSet` over Delta tables: the versions are fixed when it is created."""

    df: DataFrame
    labels: Sequence[str]
    feature_spec: FeatureSpec
    definition: Definition
    tables: Tables
    extra_pip_requirements: Sequence[str] = ()

    @property
    def table_versions(self) -> Mapping[str, int]:
        return {lookup.table: lookup.version for lookup in self.definition.lookups}

    @property
    def code(self) -> Mapping[str, bytes]:
        """The Python functions by full name, as they are packaged."""
        return {one.name: one.code for one in self.definition.functions if one.code is not None}

    @property
    def keys(self) -> Mapping[str, Mapping[str, str]]:
        """The feature tables' primary keys, in order, and their types."""
        return {name: key_types(self.definition.stored[name]) for name in self.table_versions}

    @property
    def origins(self) -> Mapping[str, str]:
        return self.definition.tables_of_columns

    def get_output_columns(self) -> list[str]:
        return [*self.feature_spec.included, *self.labels]

    def load_df(self) -> DataFrame:
        return as_frame(self._looked_up())

    def load_rows(self) -> pa.Table:
        return as_rows(self._looked_up())

    def load_rows_and_ages(self) -> tuple[pa.Table, pa.Table]:
        rows, ages = rows_and_ages(self.df, self.definition, self.tables, self.get_output_columns())
        return rows.filled(defaults(self.feature_spec.features)).as_spark_has_them(), ages

    def _looked_up(self) -> DataFrame | Rows:
        return looked_up(self.df, self.definition, self.feature_spec, self.get_output_columns(), self.tables)


def key_types(table: StoredFeatureTable) -> dict[str, str]:
    """The primary keys, in order, and their types."""
    return {key: table.schema[key].dataType.simpleString() for key in table.primary_keys}


def checked_spec(
    df: DataFrame, definition: Definition, labels: Sequence[str], exclude: Sequence[str]
) -> tuple[FeatureSpec, Definition]:
    """Check everything that can be checked without running a query: the spec, and what of ``definition`` it needs.

    Raises
    ------
    Misuse
        If names, types or labels contradict each other; the text says which, and what to do.
    """
    check_labels(df, labels, exclude)
    given = [name for name in df.columns if name not in labels]
    check_names(definition, given=given, labels=labels, exclude=exclude)
    whole = with_types(definition, StructType([df.schema[name] for name in given]), df.sparkSession)
    kept = whole.only([name for name in whole.outputs if name not in exclude])
    inputs = {name for name, _ in kept.inputs()}
    spec = FeatureSpec(
        sources=[
            SourceColumn(name=name, data_type=df.schema[name].dataType.simpleString(), include=name not in exclude)
            for name in given
            if name not in exclude or name in inputs
        ],
        features=[replace(column, include=column.name not in exclude) for column in kept.columns],
        functions=[replace(one, include=one.name not in exclude) for one in function_columns(kept.functions)],
        table_ids={lookup.table: kept.stored[lookup.table].table_id for lookup in kept.lookups},
    )
    return spec, kept


def check_labels(df: DataFrame, labels: Sequence[str], exclude: Sequence[str]) -> None:
    """Refuse labels that are not there, or are excluded.

    Raises
    ------
    Misuse
        If one is.
    """
    for label in labels:
        if label not in df.columns:
            raise Misuse(f"The data frame has no label column {label!r}. {suggestion(label, df.columns)}")
        if label in exclude:
            raise Misuse(f"The label {label!r} cannot be excluded.")


def looked_up(
    df: DataFrame, definition: Definition, spec: FeatureSpec, columns: Sequence[str], tables: Tables
) -> DataFrame | Rows:
    """``columns`` of ``df`` and of what is defined: missing rows and null values are replaced by the declared defaults.

    Rows, where they are joined in this process.
    """
    looked, values = compute(df, definition.passes(df.columns), tables), defaults(spec.features)
    if isinstance(looked, Rows):
        return looked.filled(values).select(columns)
    there = {name: value for name, value in values.items() if name in looked.columns}
    return selected(looked.fillna(there) if there else looked, columns)
