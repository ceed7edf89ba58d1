"""Jobs killed at random moments, and races for one table: as many as asked for. ``make soak KILLS=50 RACES=50 SEED=1``.

Each has a seed of its own, so that one that failed is repeated alone, as its error says. What the races are worth is tried first: with the
lock taken out of the writers, those that need it must fail.
"""

import os
import random

import pytest

from feature_store import open_store
from tests.safety.conftest import other, others, store  # noqa: F401 - fixtures
from tests.safety.kills import KILLS, Undisturbed
from tests.safety.races import PAIRS, RACES, WRITERS, Race, Refused

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
SEEDS = {what: [SEED + number for number in range(int(os.environ.get(what) or 10))] for what in ("KILLS", "RACES")}
PAUSE = 500
"""Milliseconds between Spark's look and its commit: longer than a write by delta-rs takes, also where all cores are busy."""
TRIES = 3
"""Of so many races without the lock one must lose something."""
WITH_SPARK = [writers for writers in PAIRS if "Spark" in writers]
SETTLED_BY_DELTA = [name for name in RACES if name not in ("created_tables", "added_columns", "rows_beside_compaction")]
"""By delta-rs alone; columns are added by delta-rs and Spark, whoever writes rows."""


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    return Undisturbed.run(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def three(others):  # noqa: F811
    """Three further processes."""
    made = [others() for _ in range(3)]
    assert [one.answer() for one in made] == [{"result": "ready"}] * 3
    return made


@pytest.fixture
def how_to_repeat(request):
    what, not_this = ("KILLS", "RACES") if "kill" in request.node.name else ("RACES", "KILLS")
    seed, test = request.getfixturevalue("seed"), request.node.name.split("[")[0]
    print(f"To repeat this one: {what}=1 {not_this}=0 SEED={seed} .venv/bin/pytest tests/soak/soak.py -k {test}")


@pytest.mark.parametrize("writers", WITH_SPARK)
@pytest.mark.parametrize("name", [name for name in RACES if name != "created_tables"])
def test_without_the_lock_a_race_with_spark_loses_what_was_written(name, writers, spark, three, tmp_path):
    for number in range(TRIES):
        empty = open_store(catalog="test", schema="couriers", workspace=tmp_path / str(number))
        try:
            RACES[name](Race(empty, three, PAIRS[writers], times=3, locked=False, pause=PAUSE))
        except Refused as told:  # who gives up has lost a race, but nothing else
            print(told)
        except AssertionError as noticed:
            print(f"Race {number + 1}: {noticed}")
            return
    pytest.fail(f"In {TRIES} races nothing was lost: they do not collide")


def test_without_the_lock_tables_made_at_once_are_refused(store, three):  # noqa: F811
    with pytest.raises(AssertionError, match="already exists"):
        RACES["created_tables"](Race(store, three, WRITERS["four of delta-rs"], times=20, locked=False))


@pytest.mark.parametrize("name", SETTLED_BY_DELTA)
def test_without_the_lock_delta_settles_what_delta_rs_alone_writes(name, store, three):  # noqa: F811
    RACES[name](Race(store, three, PAIRS["delta-rs and delta-rs"], times=20, locked=False))


@pytest.mark.usefixtures("how_to_repeat")
@pytest.mark.parametrize("seed", SEEDS["KILLS"])
def test_a_job_that_was_killed_is_completed_by_a_rerun(seed, undisturbed, others):  # noqa: F811
    chance = random.Random(seed)
    kill, share = chance.choice(list(KILLS.values())), chance.uniform(0, 1)
    print(f"{kill.__name__}, killed when {share:.0%} of it was done")
    kill(undisturbed, others(), share)


@pytest.mark.usefixtures("how_to_repeat")
@pytest.mark.parametrize("seed", SEEDS["RACES"])
def test_a_race_leaves_what_one_after_the_other_would_leave(seed, store, three):  # noqa: F811
    chance = random.Random(seed)
    name, writers = chance.choice(list(RACES)), chance.choice(list(WRITERS))
    by_spark = WRITERS[writers].count(False)
    times = 20 if not by_spark else 10 // by_spark
    print(f"{name} by {writers}, {times} times")
    RACES[name](Race(store, three, WRITERS[writers], times=times, pause=PAUSE, watched=True))
