"""Pages: what people read of numbers, what is escaped, and pictures in the page's colours."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_store.pages.page import age, breakable, moment, number, render, share
from feature_store.pages.pictures import FIRST, SECOND, axes, svg


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, "–"), (float("nan"), "–"), (0, "0"), (0.0, "0.0000"), (0.77123, "0.7712"), (-0.05, "-0.0500"), (12.5, "12.5000"),
        (1234, "1,234"), (1234.56, "1,234.6"), (300618.0, "300,618"), (0.00001, "1.0e-05"),
    ],
)  # fmt: skip
def test_a_number_is_read_to_four_places_or_to_one_from_a_hundred_on(value: float | None, read: str) -> None:
    assert number(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(None, "–"), (0.0, "0.0 %"), (0.0004, "< 0.1 %"), (0.2345, "23.4 %"), (1.0, "100.0 %")],
)
def test_a_share_is_read_in_percent_and_what_is_there_is_never_nothing(value: float | None, read: str) -> None:
    assert share(value) == read


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (90, "1 min 30 s"), (7_500, "2 h 5 min"), (86_400, "1 d"),
        (273_600, "3 d 4 h"), (-7_500, "−2 h 5 min"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_read_in_its_two_largest_units(seconds: float | None, read: str) -> None:
    assert age(seconds) == read


def test_a_moment_is_read_in_utc_and_a_whole_day_by_its_date() -> None:
    assert moment(datetime(2013, 7, 1, tzinfo=UTC)) == "2013-07-01"
    assert moment(datetime.fromisoformat("2013-07-01T08:30:00+02:00")) == "2013-07-01 06:30"


def test_what_is_put_into_a_page_is_escaped_and_pictures_are_not(tmp_path: Path) -> None:
    template = tmp_path / "some.html.jinja"
    template.write_text(
        '{% extends "page.html.jinja" %}{% block title %}{{ name }}{% endblock %}{% block page %}{{ name }}{{ drawn }}{% endblock %}'
    )
    drawn = axes(x="<b>hours</b>")
    drawn.plot([0, 1], [0, 1])

    page = render(template, name="<script>alert(1)</script>", drawn=svg(drawn, title='"late" & <early>'))

    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "<b>hours" not in page
    assert "&lt;b&gt;hours&lt;/b&gt;" in page
    assert 'aria-label="&#34;late&#34; &amp; &lt;early&gt;"' in page
    assert "default-src 'none'" in page  # a browser fetches and runs nothing, whatever a page says


def test_a_name_that_a_template_does_not_get_is_an_error_and_no_blank(tmp_path: Path) -> None:
    template = tmp_path / "some.html.jinja"
    template.write_text("{{ nothing }}")
    with pytest.raises(Exception, match="'nothing' is undefined"):
        render(template)


def test_a_picture_has_the_colours_of_the_page_s_style_and_names_of_its_own() -> None:
    pictures = []
    for title in ("first", "second"):
        drawn = axes(x="hours", y="rows")
        drawn.plot([0, 1], [0, 1], color=FIRST)
        drawn.fill_between([0, 1], [0, 1], color=SECOND)
        pictures.append(svg(drawn, title=title))

    first, second = pictures
    for name in ("first", "second", "faint", "line"):
        assert f"var(--{name})" in first
    assert FIRST not in first
    assert "#000000" not in first
    assert "font-family" not in first
    names = [{part.split('"')[0] for part in picture.split('id="')[1:]} for picture in (first, second)]
    assert names[0]
    assert not names[0] & names[1]
    assert svg(drawn, title="second") == second  # the same picture twice is the same text


def test_a_name_may_be_broken_after_each_part_and_is_escaped() -> None:
    assert breakable("share_<late>_3h") == "share_<wbr>&lt;late&gt;_<wbr>3h"


def test_a_template_that_was_changed_is_read_again_and_another_folder_has_its_own(tmp_path: Path) -> None:
    here, there = tmp_path / "a.html.jinja", tmp_path / "there" / "a.html.jinja"
    there.parent.mkdir()
    here.write_text("here {{ 1 | share }}")
    there.write_text("there")
    assert (render(here), render(there)) == ("here 100.0 %", "there")

    here.write_text("changed")
    os.utime(here, (0, 0))
    assert (render(here), render(there)) == ("changed", "there")
