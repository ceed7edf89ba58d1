"""A fingerprint of a frame's rows: equal frames have equal fingerprints, in whatever order the rows come."""

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from feature_store.lineage.row_hashes import and_then, can_hash, seeds


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


def fingerprint_of_rows(rows: pa.Table, spark: SparkSession) -> str:
    """The same of rows in this process: without Spark, unless a column holds lists, structs, maps or long decimals."""
    schema = from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)
    if not all(can_hash(kind) for kind in rows.schema.types):
        return fingerprint(spark.createDataFrame(rows, schema))
    hashes = seeds(rows.num_rows, schema.simpleString())
    for column in rows.columns:
        hashes = and_then(hashes, column.combine_chunks())
    signed = hashes.view(np.int64)
    # In halves: the sum of many numbers of 64 bits is not one of them.
    total = (int((signed >> 32).sum()) << 32) + int((signed & 0xFFFFFFFF).sum())
    return f"{rows.num_rows}:{total}:{int(np.bitwise_xor.reduce(signed))}"


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
