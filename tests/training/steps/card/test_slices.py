"""Parts of the holdout: by time, by what gates compare, by short texts; no figure where there are too few rows."""

from dataclasses import replace

import numpy as np
import pandas as pd

from tests.couriers import TRAINING
from tests.training.steps.card.test_leakage import LATE, ROWS, frame_of
from training.spec import NotWorse
from training.steps.card.slices import period_of, sliced
from training.steps.kinds import BINARY, MULTICLASS

SPEC = replace(TRAINING, gates={"roc_auc": NotWorse(per=["hour"])})
HELD = ROWS // 4


def test_the_holdout_is_cut_by_time_then_by_the_columns_of_gates_then_by_short_texts() -> None:
    frame = frame_of(LATE, town=np.where(np.arange(ROWS) % 5 == 0, "docks", None), hour=np.arange(ROWS) % 2, load=1.5)
    right, coin = LATE[-HELD:].astype(float), np.full(HELD, 0.25)

    by_time, by_hour, by_town = sliced(frame, SPEC, BINARY, model=right, champion=coin)

    assert [one.by for one in (by_time, by_hour, by_town)] == ["week", "hour", "town"]
    assert [one.value for one in by_time.slices] == sorted(one.value for one in by_time.slices)
    assert sum(one.rows for one in by_time.slices) == HELD
    town = [(one.value, one.rows, one.metric, one.champion, one.prediction) for one in by_town.slices]
    assert town == [("none", 800, 1, 0.5, 0.25), ("docks", 200, 1, 0.5, 0.25)]  # the largest first
    odd = by_hour.slices[1]  # every fourth row is late, so no odd one is: there is nothing to tell apart
    assert (odd.value, odd.rows, odd.label, odd.metric) == ("1", 500, 0, None)


def test_of_few_rows_there_is_no_figure_and_of_many_values_the_largest_are_shown() -> None:
    towns = [f"town {n % 20:02}" for n in range(ROWS - 20)] + ["hamlet"] * 20
    by_town = list(sliced(frame_of(LATE, town=towns), TRAINING, BINARY, model=LATE[-HELD:] * 1.0, champion=None))[1]
    assert (len(by_town.slices), by_town.left_out) == (15, 6)

    few = [f"town {n % 2}" for n in range(ROWS - 20)] + ["hamlet"] * 20
    by_town = list(sliced(frame_of(LATE, town=few), TRAINING, BINARY, model=LATE[-HELD:] * 1.0, champion=None))[1]
    assert [(one.value, one.rows, one.metric, one.champion) for one in by_town.slices] == [
        ("town 0", 490, 1, None),
        ("town 1", 490, None, None),
        ("hamlet", 20, None, None),
    ]


def test_classes_have_no_mean() -> None:
    classes = np.array(["early", "done", "late"])[np.arange(ROWS) % 3]
    by_time = next(sliced(frame_of(classes), TRAINING, MULTICLASS, model=classes[-HELD:], champion=None))
    assert {(one.label, one.prediction, one.metric) for one in by_time.slices} == {(None, None, 1)}


def test_time_is_cut_into_days_weeks_or_months_whichever_are_a_few() -> None:
    def parts(days: int) -> tuple[str, list[str]]:
        name, found = period_of(pd.Series(pd.date_range("2024-01-03T23:30", periods=days + 1, freq="D", tz="UTC")))
        return name, list(dict.fromkeys(found))[:2]

    assert parts(10) == ("day", ["2024-01-03", "2024-01-04"])
    assert parts(21) == ("week", ["2024-01-01", "2024-01-08"])
    assert parts(200) == ("month", ["2024-01", "2024-02"])
