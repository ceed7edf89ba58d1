"""Whole frames compared by chispa, which shows rows that differ side by side; their order is made here.

Told to ignore the order of rows, chispa has Spark sort both frames. A sort in Spark looks at the rows once to find its
ranges and once to sort them, so that the query under test runs twice.
"""

from chispa.formatting import FormattingConfig
from chispa.rows_comparer import assert_basic_rows_equality
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame


def assert_df_equality(
    actual: DataFrame,
    expected: DataFrame,
    *,
    ignore_row_order: bool = False,
    ignore_nullable: bool = False,
    ignore_metadata: bool = False,
) -> None:
    """Both have the same columns, in order, of the same types, and the same rows, as often."""
    assert_schema_equality(actual.schema, expected.schema, ignore_nullable, ignore_metadata)
    ours, theirs = actual.collect(), expected.collect()
    if ignore_row_order:
        ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
    assert_basic_rows_equality(ours, theirs, formats=FormattingConfig())
