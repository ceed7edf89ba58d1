"""Arrow's rows as Python has them: the same that pyarrow gives, moments in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from feature_store.tables.without_pandas import dicts_of, value_of

NOON = datetime(2013, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
ROWS = pa.table(
    {
        "at": pa.array([NOON, None], pa.timestamp("us", "UTC")),
        "local": pa.array(
            [NOON.astimezone(timezone(timedelta(hours=-4))), None], pa.timestamp("us", "America/New_York")
        ),
        "wall": pa.array([datetime(2013, 6, 1), None], pa.timestamp("us")),
        "counts": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        "name": ["x", None],
    }
)


def test_rows_are_dictionaries_with_moments_in_utc() -> None:
    assert dicts_of(ROWS) == [
        {"at": NOON, "local": NOON, "wall": datetime(2013, 6, 1), "counts": [("a", 1)], "name": "x"},
        dict.fromkeys(["at", "local", "wall", "counts", "name"]),
    ]
    assert dicts_of(ROWS)[0]["local"].tzinfo is UTC
    assert dicts_of(ROWS.slice(0, 0)) == []


@pytest.mark.parametrize(
    ("name", "value"), [("at", NOON), ("local", NOON), ("wall", datetime(2013, 6, 1)), ("name", "x")]
)
def test_a_value_is_pythons_own_and_nothing_is_none(name: str, value: object) -> None:
    assert [value_of(ROWS[name][row]) for row in (0, 1)] == [value, None]
