"""Error texts: what is wrong, what exists, what to do."""

from feature_store.errors import listed, suggestion


def test_the_closest_names_come_first_whatever_their_case():
    assert suggestion("WIND_", ["gust", "wing", "wind"]) == "Did you mean wind or wing? There are: gust, wind, wing."
    assert suggestion("zzz", ["wind", "gust"]) == "There are: gust, wind."
    assert suggestion("zzz", ["wind"]) == "There is: wind."
    assert suggestion("zzz", []) == "There are: none."


def test_long_lists_are_cut():
    assert listed("abc") == "a, b, c"
    assert listed([str(number) for number in range(5)], most=3) == "0, 1, 2 … and 2 more"
    assert listed([]) == "none"
