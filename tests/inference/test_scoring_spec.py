"""What a scoring spec refuses when it is imported."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from feature_store.errors import Misuse, PipelineError
from inference.limits import MaxMisses, MaxStale
from tests.couriers import COURIER_LOAD, ORDERS, SCORING


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"output": "late orders"},
            "'late orders' cannot be the name of a score table: use letters, digits, '_' and '-' only.",
        ),
        ({"description": None}, "Scoring spec 'late_order' lacks its own description."),
        ({"owner": " "}, "Scoring spec 'late_order' lacks an owner."),
        ({"primary_keys": []}, "Scoring spec 'late_order' names no primary keys."),
        (
            {"primary_keys": ["orderid"]},
            "Scoring spec 'late_order': source 'orders' has no column 'orderid'. Did you mean order_id? "
            "There are: courier, decided_at, district, order_id.",
        ),
        (
            {"entities": replace(ORDERS, columns=("order_id", "courier", "decided_at"))},
            "Scoring spec 'late_order': source 'orders' has no column 'district'. There are: courier, decided_at, order_id.",
        ),
        (
            {"limits": [MaxMisses("courier_laod", share=0.5)]},
            "Scoring spec 'late_order': the limit 'at most 50.0% of the rows without a row in courier_laod' is of a table that "
            "the model does not look up. Did you mean courier_load? There are: courier_load, district_distance.",
        ),
    ],
)
def test_a_scoring_spec_that_cannot_be_right_is_refused_at_import(changes: dict[str, object], told: str) -> None:
    with pytest.raises(Misuse, match=f"^{re.escape(told)}$"):
        replace(SCORING, **changes)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: MaxMisses(COURIER_LOAD, share=5),
            "MaxMisses(courier_load): a share lies between 0 and 1, and 5 does not.",
        ),
        (lambda: MaxMisses(5, share=0.5), "A limit is of a FeatureTable or its name, not of a int."),
        (
            lambda: MaxStale("courier_load", share=0.5),
            "MaxStale takes the declared feature table, whose Fresh it goes by, not 'courier_load'.",
        ),
        (
            lambda: MaxStale(COURIER_LOAD, share=0.5),
            "MaxStale(courier_load): the table does not say how old its rows may be. Declare checks=[Fresh(...)] in its module.",
        ),
        (
            lambda: replace(SCORING, limits=[0.5]),
            "Scoring spec 'late_order': 0.5 is no limit. There are: MaxMisses, MaxStale.",
        ),
    ],
)
def test_a_limit_that_cannot_be_right_is_refused_at_import(make: Callable[[], object], told: str) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(told)}$"):
        make()


def test_of_each_entity_the_primary_keys_the_lookups_keys_and_the_moment_of_decision_are_read_and_nothing_else() -> (
    None
):
    assert SCORING.entity_columns == ["order_id", "courier", "district", "decided_at"]
