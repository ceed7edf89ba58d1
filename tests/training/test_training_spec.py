"""What a training spec refuses when it is imported."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from feature_store import FeatureLookup
from feature_store.errors import Misuse
from tests.couriers import COURIER_LOAD, DISTRICT_DISTANCE, TRAINING
from training.spec import AtLeast, AtMost

LOAD = FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="decided_at")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "late order"}, "'late order' cannot be the name of a model: use letters, digits, '_' and '-' only."),
        ({"description": " "}, "Training spec 'late_order' lacks its own description."),
        ({"owner": ""}, "Training spec 'late_order' lacks an owner."),
        ({"estimators": {}}, "Training spec 'late_order' names no estimator."),
        ({"holdout": timedelta(0)}, "Training spec 'late_order': the holdout must be longer than nothing."),
        (
            {"label": "is_lat"},
            "Training spec 'late_order': source 'order_outcomes' has no column 'is_lat'. Did you mean is_late? "
            "There are: courier, decided_at, district, is_late, order_id.",
        ),
        (
            {"lookups": [LOAD, FeatureLookup(DISTRICT_DISTANCE, "distrikt")]},
            "Training spec 'late_order': source 'order_outcomes' has no column 'distrikt'. Did you mean district? "
            "There are: courier, decided_at, district, is_late, order_id.",
        ),
        (
            {"lookups": [LOAD, FeatureLookup(COURIER_LOAD, "courier", timestamp_lookup_key="delivered_at")]},
            "Training spec 'late_order' needs one moment of decision for all its lookups; it has: decided_at, delivered_at.",
        ),
        (
            {"lookups": [FeatureLookup(DISTRICT_DISTANCE, "district")]},
            "Training spec 'late_order' needs one moment of decision for all its lookups; it has: none.",
        ),
        ({"lookups": []}, "Training spec 'late_order' needs one moment of decision for all its lookups; it has: none."),
    ],
)
def test_a_training_spec_that_cannot_be_right_is_refused_at_import(changes: dict[str, object], told: str) -> None:
    with pytest.raises(Misuse, match=f"^{re.escape(told)}$"):
        replace(TRAINING, **changes)


def test_scoring_needs_the_keys_of_all_lookups_in_order_of_first_mention_and_the_moment_of_decision() -> None:
    twice = FeatureLookup(
        COURIER_LOAD, "courier", rename_outputs={"open_orders": "again"}, timestamp_lookup_key="decided_at"
    )
    spec = replace(TRAINING, lookups=[FeatureLookup(DISTRICT_DISTANCE, "district"), LOAD, twice])

    assert spec.decided_at == "decided_at"
    assert spec.entity_columns == ["district", "courier", "decided_at"]


def test_gates_say_what_they_ask_for() -> None:
    assert str(AtLeast(0.65)) == "at least 0.65"
    assert str(AtMost(0.2)) == "at most 0.2"
