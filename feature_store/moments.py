"""Moments are instants in UTC, everywhere."""

from datetime import UTC, datetime


def utc(moment: datetime) -> datetime:
    """``moment`` as an aware UTC instant; Spark's naive timestamps are UTC already, since the session is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
