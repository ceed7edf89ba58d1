"""In which order, and in how few passes, lookups and functions are computed."""

import pytest

from feature_store import Misuse
from feature_store.join.functions import ResolvedFunction
from feature_store.join.ordering import ordered
from feature_store.join.passes import needed, passes
from feature_store.join.resolved_lookup import ResolvedLookup


def lookup(key, *outputs, moment=None):
    return ResolvedLookup(
        "c.s.t", 0, ((key, "key"),), tuple((name, name) for name in outputs), (moment, "known_at") if moment else None
    )


def function(output, *inputs):
    return ResolvedFunction(f"c.s.{output}", output, tuple((name, name) for name in inputs), "double", b"")


def named(found):
    return [[name for one in one_pass for name in one.output_names] for one_pass in found]


def test_names_keep_their_order_except_that_each_comes_after_what_it_needs():
    assert ordered({"c": [], "b": ["a", "elsewhere"], "a": ["d"], "d": []}) == ["c", "d", "a", "b"]


def test_all_lookups_are_one_pass_and_all_functions_another_whatever_order_they_are_listed_in():
    functions = [function("sum", "twice", "wind"), function("twice", "wind"), function("half", "x")]
    found = passes(["origin", "x"], [lookup("origin", "wind"), lookup("x", "name")], functions)
    assert named(found) == [["wind", "name"], ["twice", "sum", "half"]]


def test_a_function_that_makes_a_lookup_key_is_computed_first_and_others_only_where_they_can_be():
    found = passes(["text"], [lookup("key", "wind"), lookup("text", "size")], [function("key", "text"), function("sum", "wind", "size")])  # fmt: skip
    assert named(found) == [["key"], ["wind", "size"], ["sum"]]


def test_functions_that_can_wait_do_not_make_a_pass_of_their_own():
    found = passes(["id", "x"], [lookup("id", "a")], [function("early", "x"), function("late", "a")])
    assert named(found) == [["a"], ["early", "late"]]


def test_a_lookup_whose_key_or_moment_is_looked_up_comes_after_it():
    found = passes(["flight"], [lookup("tail", "age", moment="at"), lookup("flight", "tail", "at")], [])
    assert named(found) == [["tail", "at"], ["age"]]


def test_nothing_to_compute_is_no_pass():
    assert passes(["id"], [], []) == []


@pytest.mark.parametrize(
    ("lookups", "functions", "text"),
    [
        ([], [function("a", "b"), function("b", "a")], "These columns need each other, so none can be computed first: a, b"),
        ([], [function("a", "a")], "first: a. Bind one otherwise"),
        ([lookup("key", "wind")], [function("key", "wind")], "first: wind, key"),
        ([lookup("a", "b"), lookup("b", "a")], [], "first: b, a"),
    ],
)  # fmt: skip
def test_columns_that_need_each_other_are_refused_by_name(lookups, functions, text):
    with pytest.raises(Misuse, match=text):
        passes(["id"], lookups, functions)


def test_what_is_needed_is_found_backwards_from_what_is_wanted():
    lookups = [lookup("id", "wind", "spare"), lookup("key", "size"), lookup("id", "unused")]
    functions = [function("key", "id"), function("sum", "wind", "size"), function("idle", "spare")]
    kept_lookups, kept_functions = needed(["sum"], lookups, functions)
    assert named([kept_lookups, kept_functions]) == [["wind", "size"], ["key", "sum"]]
