"""How tables change as the code that fills them does: columns are added, descriptions renewed, nothing is taken away."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructField, StructType

from feature_store.declare.table import FeatureTable
from feature_store.errors import SchemaMismatch, listed
from feature_store.tables.properties import OWNER
from feature_store.tables.protocol import Tables
from feature_store.tables.stored import StoredFeatureTable


@dataclass(frozen=True)
class Changes:
    """What a declaration changes in the stored table: new columns, and the texts that are no longer the same."""

    added: StructType
    comments: Mapping[str, str]
    description: str | None
    owner: str | None

    @property
    def renewed(self) -> list[str]:
        """What texts are not the same any more."""
        texts = {"description": self.description, "owner": self.owner}
        return [f"comment of {name}" for name in self.comments] + [name for name, text in texts.items() if text]


def changes(stored: StoredFeatureTable, table: FeatureTable, declared: StructType) -> Changes:
    """What must change in ``stored`` for rows of the schema ``declared``, with its comments, to be published.

    Raises
    ------
    SchemaMismatch
        If keys or types changed or a feature is gone; the text lists every difference, and the ways out.
    """
    have, want = {field.name: field for field in stored.schema}, {field.name: field for field in declared}
    cases = {name.lower(): name for name in have}
    gone = [name for name in have if name not in want and name not in stored.primary_keys]
    added = [field for name, field in want.items() if name not in have and name not in table.primary_keys]
    differences = []
    keys = [*table.entity_keys, *([table.timeseries_column] if table.timeseries_column else [])]
    if stored.primary_keys != keys or stored.timeseries_column != table.timeseries_column:
        differences.append(f"its keys are {_keys(stored.primary_keys, stored.timeseries_column)}, declared are "
                           f"{_keys(keys, table.timeseries_column)}")  # fmt: skip
    for name in have.keys() & want.keys():
        stored_kind, kind = have[name].dataType.simpleString(), want[name].dataType.simpleString()
        if stored_kind != kind:
            differences.append(f"{name!r} is {stored_kind}, and compute() now gives {kind}")
    for name in gone:
        alike = [field.name for field in added if field.dataType == have[name].dataType]
        hint = f" (is it {alike[0]!r} now?)" if len(alike) == 1 else ""
        differences.append(f"{name!r} is no longer declared{hint}")
    differences += [
        f"{field.name!r} differs from {cases[field.name.lower()]!r} by case only"
        for field in added
        if field.name.lower() in cases
    ]
    if differences:
        raise SchemaMismatch(
            f"Feature table {stored.name} is stored as another one: {'; '.join(sorted(differences))}. Nothing was written. "
            "Models that were trained on it need it as it is: declare it so again (with a new feature beside the old "
            "one), or publish under another name; or, if nobody reads it, drop the table and publish it with --full."
        )
    comments = {
        field.name: text
        for field in declared
        if field.name in have and (text := (field.metadata or {}).get("comment"))
        if text != (have[field.name].metadata or {}).get("comment")
    }
    description = table.description if (table.description or "") != stored.description else None
    return Changes(StructType(added), comments, description, table.owner if table.owner != stored.owner else None)


def _keys(names: list[str], time: str | None) -> str:
    return listed(f"{name} (the time)" if name == time else name for name in names)


def fit_to_table(tables: Tables, name: str, df: DataFrame, *, description: str, owner: str) -> DataFrame:
    """``df`` with the table's columns, in its order; the table is created, or given the columns it lacks."""
    return df.select(
        *(
            F.col(f"`{field.name}`") if field.name in df.columns else F.lit(None).cast(field.dataType).alias(field.name)
            for field in _with_columns(tables, name, df.schema, description, owner)
        )
    )


def fit_rows_to_table(tables: Tables, name: str, rows: pa.Table, *, description: str, owner: str) -> pa.Table:
    """:func:`fit_to_table` for rows in this process."""
    given = from_arrow_schema(rows.schema, prefer_timestamp_ntz=False)
    fitted = _with_columns(tables, name, given, description, owner)
    kinds = to_arrow_schema(fitted, timezone="UTC")
    return pa.table(
        [
            rows.column(kind.name) if kind.name in rows.column_names else pa.nulls(rows.num_rows, kind.type)
            for kind in kinds
        ],
        kinds.names,
    )


def _with_columns(tables: Tables, name: str, given: StructType, description: str, owner: str) -> StructType:
    """The table's columns, once it is there and has those that are given."""
    plain = StructType([StructField(field.name, field.dataType, True) for field in given])
    if not tables.exists(name):
        tables.create(name, plain, description=description, properties={OWNER: owner})
    tables.add_columns(name, plain)
    return tables.columns(name)
