"""What a feature table must not hold: null keys, and two rows with the same key."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store.errors import InvalidRows, Misuse, suggestion

_SHOWN = 3


def check_keys(df: DataFrame, keys: Sequence[str], name: str) -> None:
    """Refuse null and duplicate keys; the text names the first such rows.

    Raises
    ------
    Misuse
        If a key is not a column of ``df``.
    InvalidRows
        If a key is null, or two rows have the same keys.
    """
    for key in keys:
        if key not in df.columns:
            raise Misuse(f"Feature table {name}: the key {key!r} is missing from the rows. {suggestion(key, df.columns)}")
    null_key = F.lit(False)
    for key in keys:
        null_key |= F.col(f"`{key}`").isNull()
    counted = df.groupBy(*(f"`{key}`" for key in keys)).agg(F.count("*").alias("__rows"))
    bad = counted.where((F.col("__rows") > 1) | null_key).limit(1_000).collect()
    nulls = [row for row in bad if any(row[key] is None for key in keys)]
    doubled = [row for row in bad if row not in nulls]
    if nulls:
        raise InvalidRows(
            f"Feature table {name}: {len(nulls)} key{'s' * (len(nulls) != 1)} with a null, for example "
            f"{_examples(nulls, keys)}. Nothing was written. Filter such rows out in compute()."
        )
    if doubled:
        raise InvalidRows(
            f"Feature table {name}: {len(doubled)} key{'s' * (len(doubled) != 1)} with more than one row, for example "
            f"{_examples(doubled, keys)}. Nothing was written. Aggregate them to one row in compute()."
        )


def _examples(rows: Sequence[object], keys: Sequence[str]) -> str:
    return "; ".join(", ".join(f"{key}={row[key]}" for key in keys) for row in rows[:_SHOWN])  # type: ignore[index]
