"""A fingerprint of a frame's rows: equal frames have equal fingerprints, in whatever order the rows come."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def fingerprint(df: DataFrame) -> str:
    """Rows, sum and exclusive or of the rows' 64-bit hashes (XXH64 over the columns in order), as one text.

    The sum tells doubled rows, which the exclusive or alone would cancel out. Column names and types are part of it.
    """
    schema = F.lit(df.schema.simpleString())
    row = F.xxhash64(schema, *(F.struct(F.col(f"`{name}`"), F.col(f"`{name}`").isNull()) for name in df.columns))
    total = df.select(row.alias("hash")).agg(
        F.count("*").alias("rows"),
        F.sum(F.col("hash").cast("decimal(38,0)")).alias("sum"),
        F.bit_xor("hash").alias("xor"),
    )
    found = total.collect()[0]
    return f"{found['rows']}:{found['sum'] or 0}:{found['xor'] or 0}"
