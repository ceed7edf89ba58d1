"""From the looked-up frame to numbers, and from a classifier to a chance."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.dummy import DummyClassifier

from training.estimators import HoursBefore, boosted_trees, logistic_regression
from training.scores import PositiveProbability

NOON = pd.Timestamp("2024-01-05T12:00", tz="UTC")
LOOKED_UP = pd.DataFrame(
    {
        "district": ["old town", None],
        "decided_at": [NOON, NOON],
        "left_at": [NOON - pd.Timedelta(minutes=90), pd.NaT],
        "open_orders": [3, 4],
        "kilometres": [2.5, np.nan],
        "is_new": [True, False],
    }
)


def test_moments_become_hours_before_the_decision_which_goes_and_the_rest_becomes_numbers_or_stays_text() -> None:
    assert_frame_equal(
        HoursBefore().fit_transform(LOOKED_UP),
        pd.DataFrame(
            {
                "district": ["old town", np.nan],
                "left_at": [1.5, np.nan],
                "open_orders": [3.0, 4.0],
                "kilometres": [2.5, np.nan],
                "is_new": [1.0, 0.0],
            }
        ),
    )


def test_a_batch_without_a_single_value_is_treated_like_the_frame_that_was_fitted_on() -> None:
    blank = pd.DataFrame(
        {
            "district": [None],
            "decided_at": [NOON],
            "left_at": pd.Series([pd.NaT]).dt.tz_localize("UTC"),
            "open_orders": [np.nan],
            "kilometres": [np.nan],
            "is_new": [None],
        }
    )
    hours = HoursBefore().fit(LOOKED_UP)

    assert hours.transform(blank).isna().all(axis=None)
    assert list(hours.transform(blank.head(0)).columns) == [
        "district",
        "left_at",
        "open_orders",
        "kilometres",
        "is_new",
    ]


def test_the_frame_that_was_given_stays_as_it_was() -> None:
    before = LOOKED_UP.copy(deep=True)

    HoursBefore().fit_transform(LOOKED_UP)

    assert_frame_equal(LOOKED_UP, before)


@pytest.mark.parametrize("make", [boosted_trees, logistic_regression])
def test_both_estimators_take_nulls_and_categories_that_they_have_never_seen(make) -> None:  # type: ignore[no-untyped-def]
    many = pd.concat([LOOKED_UP.assign(district="old town")] * 1_000, ignore_index=True)
    fitted = make().fit(many, np.arange(2_000) % 2 == 0)

    chance = PositiveProbability(fitted).predict(LOOKED_UP.assign(district=["elsewhere", None]))

    assert chance[0] > 0.9  # even rows, with a known distance, are late
    assert chance[1] < 0.1


def test_a_registered_classifier_predicts_the_chance_of_its_positive_class() -> None:
    one_in_four = DummyClassifier(strategy="prior").fit(np.zeros((4, 1)), [True, False, False, False])

    assert PositiveProbability(one_in_four).predict(pd.DataFrame({"any": [1, 2]})).tolist() == [0.25, 0.25]
