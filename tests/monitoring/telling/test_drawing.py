"""Pictures say in lengths and colours what the numbers say."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.telling.page.drawing import bars_over_windows
from monitoring.windows.calendar import Window

WEEKS = [
    Window(start, start + timedelta(days=7))
    for start in (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=7 * week) for week in range(4))
]


def bars(rows: list[int], beyond: list[bool]) -> dict[str, list[tuple[float, float]]]:
    """By colour, the left edge and the height of each bar, in points."""
    picture = bars_over_windows(WEEKS, rows, beyond=beyond, title="Rows", caption="").svg.replace("\n", " ")
    paths = re.findall(r'<path d="([^"]*)"[^>]*fill: var\(--(first|second)\)', picture)
    found: dict[str, list[tuple[float, float]]] = {}
    for path, colour in paths:
        for corners in re.findall(r"M ([^z]*)z", path):
            (left, low), _, (_, high), _ = (map(float, corner.split()) for corner in corners.split("L"))
            found.setdefault(colour, []).append((left, low - high))
    return found


def test_each_window_is_a_bar_as_high_as_its_rows_and_in_the_second_colour_beyond_the_limit() -> None:
    drawn = bars([3, 0, 2, 6], [False, False, True, False])

    (first, three), (second, none), (fourth, six) = drawn["first"]
    ((third, two),) = drawn["second"]
    assert none == 0
    assert (six, two) == (pytest.approx(2 * three), pytest.approx(six / 3))
    assert [second - first, third - second, fourth - third] == [pytest.approx(second - first)] * 3


def test_where_no_window_or_every_one_is_beyond_there_is_one_colour() -> None:
    assert set(bars([1, 2, 3, 4], [False] * 4)) == {"first"}
    assert set(bars([1, 2, 3, 4], [True] * 4)) == {"second"}
