"""The form that a landing fills in: a table that enters the pipeline from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from feature_store.names import check_simple_name

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql.types import StructType


@dataclass(frozen=True, kw_only=True, eq=False)
class LandedTable:
    """A table as it comes in: declared types, a description of every column, and the function that reads it.

    ``columns`` maps names to ``(Spark type, description)``; timestamps are UTC instants. ``keys`` are never null.
    ``read`` gives the whole table, with exactly these columns. ``stamp``, if there is one, changes whenever what is read does,
    and is found out without reading it, such as a checksum of files: while it and this module stay, nothing is landed again.
    """

    name: str
    description: str
    owner: str
    columns: Mapping[str, tuple[str, str]]
    keys: Sequence[str]
    read: Callable[[], pd.DataFrame] = field(repr=False)
    stamp: Callable[[], str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_simple_name(self.name, "table")

    @property
    def schema(self) -> StructType:
        """The declared Spark schema; keys are not nullable, comments are the descriptions."""
        from pyspark.sql.types import StructField, StructType

        return StructType(
            [
                StructField.fromJson(
                    {"name": name, "type": kind, "nullable": name not in self.keys, "metadata": {"comment": text}}
                )
                for name, (kind, text) in self.columns.items()
            ]
        )
