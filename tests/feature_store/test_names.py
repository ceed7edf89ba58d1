"""Three-level names."""

import pytest

from feature_store import Misuse
from feature_store.names import check_simple_name, full_name


def test_one_part_is_completed_and_three_parts_stay():
    assert full_name("aircraft", catalog="dev", schema="flights") == "dev.flights.aircraft"
    assert full_name("prod.other.aircraft", catalog="dev", schema="flights") == "prod.other.aircraft"


@pytest.mark.parametrize("name", ["flights.aircraft", "a.b.c.d", ""])
def test_other_numbers_of_parts_are_refused_with_the_form_to_write(name):
    with pytest.raises(Misuse, match="name"):
        full_name(name, catalog="dev", schema="flights")


@pytest.mark.parametrize("part", ["..", ".", "", "a/b", "a\\b", "a b", "a\n", "a\0", "ä", "-rf", "a'b", "a`b", None, 7])
def test_a_part_is_letters_digits_underscores_and_hyphens_only(part):
    with pytest.raises(Misuse, match="cannot be the name of a table: use letters, digits, '_' and '-' only"):
        check_simple_name(part, "table")


def test_the_names_that_people_use_are_fine():
    for name in ("aircraft", "aircraft_2", "2013", "_private", "A-b"):
        assert check_simple_name(name, "table") == name
