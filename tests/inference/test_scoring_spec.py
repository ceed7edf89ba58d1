"""What a scoring spec refuses when it is imported."""

import re
from dataclasses import replace

import pytest

from feature_store.errors import Misuse
from tests.couriers import ORDERS, SCORING


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
    ],
)
def test_a_scoring_spec_that_cannot_be_right_is_refused_at_import(changes: dict[str, object], told: str) -> None:
    with pytest.raises(Misuse, match=f"^{re.escape(told)}$"):
        replace(SCORING, **changes)


def test_of_each_entity_the_primary_keys_the_lookups_keys_and_the_moment_of_decision_are_read_and_nothing_else() -> (
    None
):
    assert SCORING.entity_columns == ["order_id", "courier", "district", "decided_at"]
