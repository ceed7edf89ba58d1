"""How a challenger is judged."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feature_store.errors import NotFound
from tests.couriers import TRAINING
from training.spec import AtLeast, AtMost, Gate, NotWorse
from training.steps.gates import Compared, Verdict, judge
from training.steps.kinds import BINARY

SPEC = replace(TRAINING, gates={"roc_auc": AtLeast(0.65), "brier_score": AtMost(0.2)})


@pytest.mark.parametrize(
    ("gate", "value", "passes"),
    [
        (AtLeast(0.65), 0.66, True),
        (AtLeast(0.65), 0.65, True),
        (AtLeast(0.65), 0.6499, False),
        (AtLeast(0.65), math.nan, False),
        (AtMost(0.2), 0.19, True),
        (AtMost(0.2), 0.2, True),
        (AtMost(0.2), 0.2001, False),
        (AtMost(0.2), math.nan, False),
    ],
)
def test_a_gate_lets_its_limit_pass_and_never_a_value_that_is_no_number(gate: Gate, value: float, passes: bool) -> None:
    assert gate.passes(value) is passes


def test_without_a_champion_the_declared_gates_alone_decide() -> None:
    assert judge(SPEC, {"roc_auc": 0.7, "brier_score": 0.25}, None) == [
        Verdict("roc_auc", "at least 0.65", 0.7, True),
        Verdict("brier_score", "at most 0.2", 0.25, False),
    ]


@pytest.mark.parametrize(("champions", "passes"), [(0.69, True), (0.7, True), (0.71, False), (math.nan, False)])
def test_a_challenger_must_not_be_worse_than_the_champion_on_the_same_holdout(champions: float, passes: bool) -> None:
    verdicts = judge(SPEC, {"roc_auc": 0.7, "brier_score": 0.1}, {"roc_auc": champions, "brier_score": 0.05})

    assert [verdict.passed for verdict in verdicts] == [True, True, passes]


def test_a_verdict_tells_what_was_reached_and_what_was_wanted() -> None:
    *_, last = judge(SPEC, {"roc_auc": 0.7, "brier_score": 0.1}, {"roc_auc": 0.71234})

    assert last.sentence == "roc_auc on the same holdout is 0.7000, not at least the champion's 0.7123"


def test_a_gate_on_a_metric_that_there_is_not_is_refused_with_the_closest_names() -> None:
    misspelt = replace(SPEC, gates={"brier": AtMost(0.2)})

    with pytest.raises(NotFound, match=r"no metric 'brier' for its gate\. Did you mean brier_score\?"):
        judge(misspelt, {"roc_auc": 0.7, "brier_score": 0.1}, None)


@pytest.mark.parametrize(
    ("gate", "challenger", "champion", "wanted", "passes"),
    [
        (NotWorse(by=0.02), 0.70, 0.72, "at least the champion's 0.7200 less 0.02", True),
        (NotWorse(by=0.02), 0.69, 0.72, "at least the champion's 0.7200 less 0.02", False),
        (NotWorse(), 0.70, 0.70, "at least the champion's 0.7000", True),
    ],
)
def test_a_comparison_that_is_declared_takes_the_place_of_the_usual_one(
    gate: NotWorse, challenger: float, champion: float, wanted: str, passes: bool
) -> None:
    spec = replace(TRAINING, gates={"average_precision": gate})

    found = judge(spec, {"average_precision": challenger}, {"average_precision": champion})

    assert found == [Verdict("average_precision on the same holdout", wanted, challenger, passes)]


@pytest.mark.parametrize(("challenger", "passes"), [(0.19, True), (0.2, True), (0.21, False)])
def test_where_less_is_better_a_challenger_must_not_be_above_the_champion(challenger: float, passes: bool) -> None:
    spec = replace(TRAINING, gates={"brier_score": [AtMost(0.5), NotWorse()]})

    *_, last = judge(spec, {"brier_score": challenger}, {"brier_score": 0.2})

    assert last == Verdict("brier_score on the same holdout", "at most the champion's 0.2000", challenger, passes)


def test_without_a_champion_nothing_is_compared() -> None:
    spec = replace(TRAINING, gates={"roc_auc": [AtLeast(0.6), NotWorse(per=["carrier"])]})

    assert judge(spec, {"roc_auc": 0.7}, None) == [Verdict("roc_auc", "at least 0.6", 0.7, True)]


ROWS = pd.DataFrame({"carrier": ["AA", "AA", "AA", "AA", "B6", "B6", "B6", "B6", None, None, "UA", "UA"]})
LABELS = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1], dtype=bool)
CHAMPION = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1], dtype=float)
"""The champion is always right; the challenger below is wrong of one pair in four of B6, and of the one without carrier."""
CHALLENGER = np.array([0.1, 0.2, 0.8, 0.9, 0.1, 0.6, 0.5, 0.9, 0.9, 0.1, 0.5, 0.5])
COMPARED = Compared(ROWS, LABELS, CHALLENGER, CHAMPION, BINARY)


def test_slices_are_the_values_of_a_column_with_enough_rows_of_both_classes_and_no_value_is_one() -> None:
    found = [
        (value, rows, mine, theirs) for value, rows, mine, theirs in COMPARED.slices("roc_auc", "carrier", at_least=2)
    ]

    assert found[:2] == [("AA", 4, 1.0, 1.0), ("B6", 4, 0.75, 1.0)]
    assert pd.isna(found[2][0])
    assert found[2][1:] == (2, 0.0, 1.0)
    assert len(found) == 3  # of UA all are late
    assert [value for value, *_ in COMPARED.slices("roc_auc", "carrier", at_least=3)] == ["AA", "B6"]


@pytest.mark.parametrize(
    ("gate", "verdict"),
    [
        (
            NotWorse(per=["carrier"], by=0.1, rows=4),
            Verdict(
                "roc_auc per carrier", "at least the champion's 1.0000 less 0.1 for carrier B6 (4 rows)", 0.75, False
            ),
        ),
        (
            NotWorse(per=["carrier"], by=0.25, rows=4),
            Verdict(
                "roc_auc per carrier", "at least the champion's 1.0000 less 0.25 for carrier B6 (4 rows)", 0.75, True
            ),
        ),
        (
            NotWorse(per=["carrier"], by=0.25, rows=2),
            Verdict(
                "roc_auc per carrier", "at least the champion's 1.0000 less 0.25 for carrier None (2 rows)", 0.0, False
            ),
        ),
    ],
)
def test_a_challenger_must_not_fall_behind_in_any_slice_and_the_worst_one_is_told(
    gate: NotWorse, verdict: Verdict
) -> None:
    spec = replace(TRAINING, gates={"roc_auc": gate})

    assert judge(spec, {"roc_auc": 0.9}, {"roc_auc": 1.0}, compared=COMPARED) == [verdict]


def test_slices_that_are_all_too_small_let_pass_and_say_so() -> None:
    spec = replace(TRAINING, gates={"roc_auc": NotWorse(per=["carrier"])})

    (verdict,) = judge(spec, {"roc_auc": 0.9}, {"roc_auc": 1.0}, compared=COMPARED)

    assert (verdict.wanted, verdict.passed) == ("judged on slices of 500 rows or more, of which there are none", True)


def test_a_slice_by_a_column_that_there_is_not_is_refused_with_the_closest_names() -> None:
    spec = replace(TRAINING, gates={"roc_auc": NotWorse(per=["carier"])})

    with pytest.raises(NotFound, match=r"there is no column 'carier'\. Did you mean carrier\?"):
        judge(spec, {"roc_auc": 0.9}, {"roc_auc": 1.0}, compared=COMPARED)
