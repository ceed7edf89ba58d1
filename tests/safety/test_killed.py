"""Kill -9 in the middle of each job, at a moment drawn by chance; ``make soak`` does it at many others."""

import random

import pytest

from tests.safety.kills import Undisturbed, publishing, scoring, training


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    return Undisturbed.run(tmp_path_factory.mktemp("killed"))


def share(verb: str) -> float:
    return random.Random(verb).uniform(0.05, 1.0)


def test_publishing_that_was_killed_is_completed_by_a_rerun(undisturbed, others):
    publishing(undisturbed, others(), share("publish"))


def test_training_that_was_killed_is_completed_by_a_rerun_and_no_half_version_takes_office(undisturbed, others):
    training(undisturbed, others(), share("train"))


def test_scoring_that_was_killed_is_completed_by_a_rerun(undisturbed, others):
    scoring(undisturbed, others(), share("score"))
