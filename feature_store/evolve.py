"""Result tables grow new columns as models get new features; old rows have nulls there."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from feature_store.tables import Tables


def fit_to_table(tables: Tables, name: str, df: DataFrame, *, description: str) -> DataFrame:
    """``df`` with the table's columns, in its order; the table is created, or given the columns it lacks."""
    plain = StructType([StructField(field.name, field.dataType, True) for field in df.schema])
    if not tables.exists(name):
        tables.create(name, plain, description=description)
    tables.add_columns(name, plain)
    return df.select(
        *(
            F.col(f"`{field.name}`") if field.name in df.columns else F.lit(None).cast(field.dataType).alias(field.name)
            for field in tables.info(name).schema
        )
    )
