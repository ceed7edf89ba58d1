"""What a feature tells alone: nothing, something, or nearly everything."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from training.steps.card.leakage import strengths
from training.steps.frame import Labels, TrainingFrame
from training.steps.kinds import BINARY, MULTICLASS, REGRESSION

NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)
ROWS = 4_000
LATE = np.arange(ROWS) % 4 == 0
NOISE = np.random.default_rng(5).normal(size=ROWS)


def frame_of(label: Any, **features: Any) -> TrainingFrame:
    """The first three quarters are fitted on; all are decided an hour after each other."""
    decided_at = [NOON + timedelta(hours=n) for n in range(ROWS)]
    split = ["train" if n < ROWS * 3 // 4 else "holdout" for n in range(ROWS)]
    rows = pd.DataFrame({"decided_at": decided_at, **features, "label": label, "split": split})
    labels = Labels(
        table="test.orders", version=3, table_id="id", columns=("decided_at", "label"), known_at=None, label="label",
        entity_columns=("decided_at",), holdout=timedelta(days=5),
    )  # fmt: skip
    return TrainingFrame(
        joined=pa.Table.from_pandas(rows, preserve_index=False), inputs=["decided_at", *features], labels=labels,
        table_versions={}, fingerprint="", origins=dict.fromkeys(features, "test.load"), ages={},
    )  # fmt: skip


def found(frame: TrainingFrame, kind: Any) -> dict[str, float]:
    return {one.column: one.strength for one in strengths(frame, kind, decided_at="decided_at")}


def test_a_feature_that_is_the_label_is_marked_and_comes_first_and_noise_is_a_coin() -> None:
    frame = frame_of(LATE, noise=NOISE, arrived=LATE * 10.0, load=LATE + NOISE)

    rows = strengths(frame, BINARY, decided_at="decided_at")

    assert [(one.column, one.is_suspicious) for one in rows] == [("arrived", True), ("load", False), ("noise", False)]
    assert rows[0].strength == 1
    assert 0.6 < rows[1].strength < 0.9
    assert rows[2].strength == pytest.approx(0.5, abs=0.06)
    assert rows[0].origin == "test.load"


def test_it_need_not_rise_with_the_label_nor_be_a_number_and_a_null_tells_too() -> None:
    middle = np.where(LATE, 0.0, np.where(np.arange(ROWS) % 2 == 0, -1.0, 1.0))
    known_only_if_late = np.where(LATE, 5.0, np.nan)

    strong = found(
        frame_of(
            LATE,
            middle=middle,
            town=np.where(LATE, "docks", "hills"),
            gone=known_only_if_late,
            flag=LATE,
            never=np.full(ROWS, np.nan),
        ),
        BINARY,
    )

    assert strong == {"flag": 1, "gone": 1, "middle": 1, "town": 1, "never": 0.5}


def test_a_text_of_which_each_row_has_its_own_tells_nothing_of_rows_that_were_not_fitted_on() -> None:
    assert found(frame_of(LATE, number=[f"order {n}" for n in range(ROWS)]), BINARY) == {"number": 0.5}


def test_a_moment_counts_as_its_distance_from_the_decision_not_by_its_date() -> None:
    left_at = [NOON + timedelta(hours=n) - timedelta(minutes=90 if late else 10) for n, late in enumerate(LATE)]
    assert found(frame_of(LATE, left_at=left_at), BINARY) == {"left_at": 1}


def test_each_class_is_told_from_the_rest_and_a_number_by_correlation() -> None:
    classes = np.array(["early", "done", "late"])[np.arange(ROWS) % 3]
    assert found(frame_of(classes, place=np.arange(ROWS) % 3, noise=NOISE), MULTICLASS) == {
        "place": 1,
        "noise": pytest.approx(0.5, abs=0.06),
    }
    minutes = np.arange(ROWS) % 10 * 2.0
    assert found(frame_of(minutes, tens=-minutes, noise=NOISE), REGRESSION) == {
        "tens": pytest.approx(1),
        "noise": pytest.approx(0, abs=0.06),
    }


def test_the_share_without_a_value_is_told() -> None:
    half = np.where(np.arange(ROWS) % 2 == 0, np.nan, 1.0)
    (one,) = strengths(frame_of(LATE, half=half), BINARY, decided_at="decided_at")
    assert one.missing == 0.5
