"""Jobs killed at random moments, and races for one table: as many as asked for. ``make soak KILLS=50 RACES=50 SEED=1``.

Each has a seed of its own, so that one that failed is repeated alone, as its error says.
"""

import os
import random

import pytest

from tests.safety.conftest import other, others, store  # noqa: F401 - fixtures
from tests.safety.kills import KILLS, Undisturbed
from tests.safety.races import RACES, WRITERS

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
SEEDS = {what: [SEED + number for number in range(int(os.environ.get(what) or 10))] for what in ("KILLS", "RACES")}


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    return Undisturbed.run(tmp_path_factory.mktemp("killed"))


@pytest.fixture(autouse=True)
def how_to_repeat(request):
    what, seed = (
        ("KILLS", "RACES") if "kill" in request.node.name else ("RACES", "KILLS"),
        request.getfixturevalue("seed"),
    )
    print(f"To repeat this one: make soak {what[0]}=1 {what[1]}=0 SEED={seed}")


@pytest.mark.parametrize("seed", SEEDS["KILLS"])
def test_a_job_that_was_killed_is_completed_by_a_rerun(seed, undisturbed, others):  # noqa: F811
    chance = random.Random(seed)
    kill, share = chance.choice(list(KILLS.values())), chance.uniform(0, 1)
    print(f"{kill.__name__}, killed when {share:.0%} of it was done")
    kill(undisturbed, others(), share)


@pytest.mark.parametrize("seed", SEEDS["RACES"])
def test_a_race_leaves_what_one_after_the_other_would_leave(seed, store, other):  # noqa: F811
    chance = random.Random(seed)
    race, writers, times = chance.choice(list(RACES.values())), chance.choice(list(WRITERS)), chance.randint(2, 6)
    print(f"{race.__name__} by {writers}, {times} times")
    ours, theirs = WRITERS[writers]
    race(store, other, ours=ours, theirs=theirs, times=times)
