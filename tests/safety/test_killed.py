"""Kill -9 in the middle of each job, at a moment drawn by chance; ``make soak`` does it at many others."""

import random
from itertools import count

import pytest

from tests.safety.kills import Undisturbed, publishing, scoring, training


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    return Undisturbed.run(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def another(others):
    """The next process to be killed; the one after it starts meanwhile, as long as there are tests that need one."""
    left, ready = count(2, -1), [others()]

    def next_one():
        taken = ready.pop()
        if next(left) > 0:
            ready.append(others())
        return taken

    return next_one


def share(verb: str) -> float:
    return random.Random(verb).uniform(0.05, 1.0)


def test_publishing_that_was_killed_is_completed_by_a_rerun(undisturbed, another):
    publishing(undisturbed, another(), share("publish"))


def test_training_that_was_killed_is_completed_by_a_rerun_and_no_half_version_takes_office(undisturbed, another):
    training(undisturbed, another(), share("train"))


def test_scoring_that_was_killed_is_completed_by_a_rerun(undisturbed, another):
    scoring(undisturbed, another(), share("score"))
