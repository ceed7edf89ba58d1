"""How a challenger is judged."""

import math
from dataclasses import replace

import pytest

from feature_store.errors import NotFound
from tests.couriers import TRAINING
from training.spec import AtLeast, AtMost, Gate
from training.steps.gates import Verdict, judge

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
