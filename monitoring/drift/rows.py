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
    frame: "DataFrame", measures: Mapping[str, str], slices: Sequence[str], *, what: str, by: str, total: bool = False
) -> dict[tuple[object, ...], dict[Slice | None, dict[str, float]]]:
    """The monitor's own measures by the column ``by`` of ``frame`` (which has its slices), and of each slice of that.

    They are keyed by ``(value,)``; with ``total`` also those of all rows, under ``()``. It is one pass over the rows.

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
    names = [slice_column(position) for position in range(len(slices))]
    sets = [[*key, *of] for key in ([by], *([[]] * total)) for of in ([], *([name] for name in names))]
    grouped = [F.grouping(name).alias(f"__without_{name}") for name in (by, *names)]
    try:
        columns = [F.expr(expression).cast("double").alias(name) for name, expression in measures.items()]
        rows = frame.groupingSets([[F.col(name) for name in one] for one in sets], by, *names).agg(*columns, *grouped)
        for row in rows.collect():
            of: Slice | None = None
            for name, expression in zip(names, slices, strict=True):
                if not row[f"__without_{name}"]:
                    of = (expression, row[name])
            if of is not None and of[1] is None:
                continue  # rows in none of the slices
            key = () if row[f"__without_{by}"] else (row[by],)
            found.setdefault(key, {})[of] = {name: float(row[name]) for name in measures if row[name] is not None}
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
