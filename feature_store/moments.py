"""Moments are instants in UTC, everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


def utc(moment: datetime) -> datetime:
    """``moment`` as an aware UTC instant; Spark's naive timestamps are UTC already, since the session is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_within(moment: Column, start: datetime, end: datetime) -> Column:
    """Whether a column's moment is in the window ``[start, end)``; null for none."""
    from pyspark.sql import functions as F

    return (moment >= F.lit(start)) & (moment < F.lit(end))
