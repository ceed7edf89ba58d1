"""Which way of joining is taken."""

from datetime import UTC, datetime

import pytest

from feature_store import FeatureLookup, Misuse
from feature_store.join.memory import MEMORY_SETTING
from feature_store.join.point_in_time import WAY_SETTING

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def setting(spark):
    """Set one of Spark's settings for the test."""
    changed = []

    def change(name, value):
        changed.append(name)
        spark.conf.set(name, value)

    yield change
    for name in changed:
        spark.conf.unset(name)


@pytest.fixture
def joined(store, frame):
    """The result's plan, of a join of ``asked`` rows with a table of ten."""
    rows = [(key, NOON, float(key)) for key in range(10)]
    weather = frame(rows, "key int, known_at timestamp, wind double")
    store.create_table(name="weather", primary_keys=["key", "known_at"], timeseries_column="known_at", df=weather)
    lookup = FeatureLookup("weather", "key", timestamp_lookup_key="decided_at")

    def plan(asked):
        df = frame([(key, NOON) for key in range(asked)], "key int, decided_at timestamp")
        result = store.create_training_set(df=df, feature_lookups=[lookup], label=None).load_df()
        assert result.count() == asked
        return str(result._jdf.queryExecution().optimizedPlan().toString())

    return plan


def test_what_is_known_to_fit_is_joined_on_the_driver_and_a_table_or_a_frame_that_is_not_by_files(joined, setting):
    assert "MapInArrow" not in joined(100)

    setting(MEMORY_SETTING, "500")  # the table alone takes more
    assert "MapInArrow" in joined(1)

    setting(MEMORY_SETTING, "2000")
    assert "MapInArrow" not in joined(10)
    assert "MapInArrow" in joined(100)


def test_a_way_can_be_named_and_one_that_does_not_exist_is_refused(joined, setting):
    setting(WAY_SETTING, "union")
    assert "Window" in joined(1)

    setting(WAY_SETTING, "unoin")
    with pytest.raises(Misuse, match="no way 'unoin' to join. Did you mean union"):
        joined(1)
