"""Rows as they are measured: with the slices that they are in beside them, and the monitor's own measures of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from feature_store.errors import Misuse
from monitoring.drift.baseline import Slice

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_SLICES = 100
"""Of one expression, the commonest values that are measured, as on Databricks."""


def slice_column(position: int) -> str:
    """The column that holds the values of the slice expression with this position."""
    return f"__slice_{position}"


def with_slices(frame: "DataFrame", slices: Sequence[str], *, what: str) -> "DataFrame":
    """``frame`` with the value of each slice expression, as text.

    Raises
    ------
    Misuse
        If an expression cannot be understood of these columns; ``what`` names whose they are.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    for position, expression in enumerate(slices):
        try:
            frame = frame.withColumn(slice_column(position), F.expr(expression).cast("string"))
        except PySparkException as error:
            raise Misuse(f"{what}: the slice {expression!r} cannot be computed: {_first_line(error)}") from error
    return frame


def measured(
    frame: "DataFrame", measures: Mapping[str, str], slices: Sequence[str], *, what: str, by: Sequence[str] = ()
) -> dict[tuple[object, ...], dict[Slice | None, dict[str, float]]]:
    """The monitor's own measures of the groups ``by`` of ``frame`` (which has its slices), and of each slice of them.

    Raises
    ------
    Misuse
        If an expression cannot be understood, or does not give a number.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F

    found: dict[tuple[object, ...], dict[Slice | None, dict[str, float]]] = {}
    if not measures:
        return found
    try:
        columns = [F.expr(expression).cast("double").alias(name) for name, expression in measures.items()]
        for position, expression in [(None, None), *enumerate(slices)]:
            keys = [*by, *([] if position is None else [slice_column(position)])]
            grouped = frame.groupBy(*keys) if keys else frame.groupBy()
            for row in grouped.agg(*columns).collect():
                value = None if position is None else row[slice_column(position)]
                if position is not None and value is None:
                    continue
                of = None if expression is None else (expression, str(value))
                values = {name: float(row[name]) for name in measures if row[name] is not None}
                found.setdefault(tuple(row[key] for key in by), {})[of] = values
    except PySparkException as error:
        raise Misuse(
            f"{what}: one of the measures {dict(measures)} cannot be computed: {_first_line(error)}"
        ) from error
    return found


def parts(values: pa.Table, slices: Sequence[str]) -> Iterator[tuple[Slice, NDArray[np.int64]]]:
    """Each slice of ``values`` (which have their slice columns), with the positions of its rows."""
    for position, expression in enumerate(slices):
        column = values[slice_column(position)]
        counts = pc.value_counts(pc.drop_null(column)).to_pylist()
        commonest = sorted(counts, key=lambda entry: (-entry["counts"], entry["values"]))[:MOST_SLICES]
        for entry in commonest:
            yield (
                (expression, entry["values"]),
                np.flatnonzero(pc.equal(column, entry["values"]).fill_null(False).to_numpy()),
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
