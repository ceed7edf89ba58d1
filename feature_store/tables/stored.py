"""A feature table as a store has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class StoredFeatureTable:
    """A feature table as the store has it; attributes as in the vendor's ``FeatureTable`` entity.

    ``primary_keys`` includes the timeseries column, last. ``features`` lists all column names in the table's order.
    """

    name: str
    description: str
    owner: str
    primary_keys: list[str]
    timestamp_keys: list[str]
    features: list[str]
    schema: StructType
    tags: Mapping[str, str]
    version: int
    table_id: str = ""

    @property
    def timeseries_column(self) -> str | None:
        """The timeseries column, or None for a table without time."""
        return self.timestamp_keys[0] if self.timestamp_keys else None

    @property
    def entity_keys(self) -> list[str]:
        """The primary keys without the timeseries column."""
        return [key for key in self.primary_keys if key not in self.timestamp_keys]

    @property
    def feature_columns(self) -> list[str]:
        """All columns that are not keys, in the table's order."""
        return [name for name in self.features if name not in self.primary_keys]
