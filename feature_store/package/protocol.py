"""What a training set offers, in either store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


class TrainingSet(Protocol):
    """A data frame and the features that belong to it, not yet joined."""

    @property
    def feature_spec(self) -> object:
        """Which columns there are and where each comes from, in the backend's own form."""
        ...

    @property
    def table_versions(self) -> Mapping[str, int]:
        """Full table names and the Delta versions that :meth:`load_df` reads."""
        ...

    def load_df(self) -> DataFrame:
        """The joined frame: data frame columns less labels, looked-up features, function outputs, labels."""
        ...

    def load_rows(self) -> pa.Table:
        """The rows of :meth:`load_df` in this process, with the same types; they must fit in its memory."""
        ...

    def load_rows_and_ages(self) -> tuple[pa.Table, pa.Table]:
        """What :meth:`load_rows` gives, and how old, in seconds, the row is that each lookup finds: a row for each, in any order.

        The ages have a column for each feature table, by its full name: null where nothing was found, NaN where a table's rows have
        no moment.
        """
        ...

    @property
    def origins(self) -> Mapping[str, str]:
        """The looked-up and computed columns, and the full names of the feature tables or functions that give them."""
        ...

    def get_output_columns(self) -> list[str]:
        """The columns of :meth:`load_df`, in its order, without computing anything."""
        ...
