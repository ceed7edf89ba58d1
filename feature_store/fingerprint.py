"""A fingerprint of a frame's rows: equal frames have equal fingerprints, in whatever order the rows come."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructType


def fingerprint(df: DataFrame) -> str:
    """Rows, sum and exclusive or of the rows' 64-bit hashes (XXH64 over the columns in order), as one text.

    The sum tells doubled rows, which the exclusive or alone would cancel out. Column names and types are part of each
    row's hash, so that empty frames are all alike. As in SQL, 0.0 and -0.0 are equal, NaN equals NaN, and the entries of
    a map have no order; nulls are told from everything else, however deep they stand.
    """
    schema = F.lit(df.schema.simpleString())
    values = [_plain(F.col(_quoted(field.name)), field.dataType) for field in df.schema]
    total = df.select(F.xxhash64(schema, *values).alias("hash")).agg(
        F.count("*").alias("rows"),
        F.sum(F.col("hash").cast("decimal(38,0)")).alias("sum"),
        F.bit_xor("hash").alias("xor"),
    )
    found = total.collect()[0]
    return f"{found['rows']}:{found['sum'] or 0}:{found['xor'] or 0}"


def _plain(value: Column, kind: DataType) -> Column:
    """``value`` as what XXH64 tells apart: it passes over nulls and knows neither where a list ends nor maps at all."""
    if isinstance(kind, StructType):
        parts = [_plain(value.getField(field.name), field.dataType) for field in kind]
        return F.struct(*parts, value.isNull())
    if isinstance(kind, ArrayType):
        element = kind.elementType
        return F.struct(F.transform(value, lambda one: _plain(one, element)), F.size(value), value.isNull())
    if isinstance(kind, MapType):
        key, item = kind.keyType, kind.valueType
        entries = F.transform(
            F.array_sort(F.map_keys(value)), lambda one: F.struct(_plain(one, key), _plain(value[one], item))
        )
        return F.struct(entries, F.size(value), value.isNull())
    return F.struct(value, value.isNull())


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
