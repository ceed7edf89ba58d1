"""What is learned from: which labels, in which part, and what was known of them at the moment of decision."""

import json
import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from feature_store import FeatureLookup
from feature_store.errors import Misuse
from tests.couriers import COURIER_LOAD, HOUR, MICROSECOND, TRAINING, at, land, publish_features
from training.spec import TrainingSpec
from training.steps.frame import Labels, TrainingFrame, assemble, labels_of, load_frame, save_frame

AS_OF = at("21")
BEGINS = at("16")
"""When the holdout, the last five days, begins."""


def assembled(store: Any, spec: TrainingSpec, *, sample: float = 1.0) -> TrainingFrame:
    """What is learned from as of the 21st."""
    return assemble(store, spec, labels_of(store, spec, sample=sample), as_of=AS_OF)


def test_labels_are_fitted_on_or_held_out_by_time_and_those_not_known_then_or_now_are_in_neither_part(
    store: Any,
) -> None:
    land(
        store,
        orders=[
            ("1", "ann", "old town", at("2"), at("2T01"), True),
            ("2", "bob", "old town", BEGINS - 2 * HOUR, BEGINS - MICROSECOND, False),
            # Decided before the holdout, known when it had begun: nobody could have learned from it, nor held it out.
            ("3", "gap", "old town", BEGINS - 2 * HOUR, BEGINS, True),
            ("4", "cem", "old town", BEGINS, BEGINS + HOUR, True),
            ("5", "dan", "old town", AS_OF - HOUR, AS_OF, False),
            ("6", "not yet delivered", "old town", AS_OF - HOUR, AS_OF + MICROSECOND, True),
            ("7", "never delivered", "old town", at("3"), None, None),
            ("8", "delivered without an outcome", "old town", at("3"), at("4"), None),
        ],
        counts=[("ann", at("1"), 4)],
    )
    publish_features(store, as_of=AS_OF)

    frame = assembled(store, TRAINING)

    columns = ["courier", "district", "decided_at", "split", "open_orders", "kilometres", "zone", "is_late"]
    expected = [
        ("ann", "old town", at("2"), "train", 4, 2.0, None, True),
        ("bob", "old town", BEGINS - 2 * HOUR, "train", math.nan, 2.0, None, False),
        ("cem", "old town", BEGINS, "holdout", math.nan, 2.0, None, True),
        ("dan", "old town", AS_OF - HOUR, "holdout", math.nan, 2.0, None, False),
    ]
    rows = frame.rows.sort_values("courier", ignore_index=True)
    assert_frame_equal(rows, pd.DataFrame(expected, columns=columns), check_dtype=False)
    assert list(frame.inputs) == ["district", "decided_at", "open_orders", "kilometres", "zone"]  # not the courier
    inputs, labels = frame.part("holdout")
    assert list(inputs.columns) == list(frame.inputs)
    assert sorted(labels) == [False, True]
    held = sorted(tuple(row) for row in frame.entities(store, "holdout").drop("decided_at").collect())
    assert held == [("cem", "old town", True), ("dan", "old town", False)]


def test_a_spec_with_every_learns_from_an_entity_once_in_each_stretch_and_the_model_s_frame_can_be_built_again(
    store: Any,
) -> None:
    land(
        store,
        orders=[
            ("1", "ann", "old town", at("2"), at("2T01"), None),
            ("2", "ann", "old town", at("2T05"), at("2T06"), True),
            ("3", "ann", "old town", at("2T23"), at("3T01"), False),
            ("4", "ann", "old town", at("3"), at("3T01"), False),
            ("5", "ann", "old town", at("17"), at("18"), True),
            ("6", "ann", "old town", at("18"), at("19"), False),
        ],
        counts=[("ann", at("1"), 4)],
    )
    publish_features(store, as_of=AS_OF)

    frame = assembled(store, replace(TRAINING, every=timedelta(days=1)))

    rows = frame.rows.sort_values("decided_at", ignore_index=True)[["decided_at", "split", "is_late"]]
    expected = [
        (at("2T05"), "train", True), (at("3"), "train", False), (at("17"), "holdout", True), (at("18"), "holdout", False),
    ]  # fmt: skip
    assert_frame_equal(rows, pd.DataFrame(expected, columns=rows.columns), check_dtype=False)
    assert Labels.from_document(json.loads(json.dumps(frame.labels.document()))) == frame.labels


def test_a_feature_known_one_microsecond_after_the_decision_is_not_joined(store: Any) -> None:
    noon = at("2T12")
    land(
        store,
        orders=[
            ("1", "just in time", "old town", noon, at("2T13"), True),
            ("2", "too late", "old town", noon, at("2T13"), False),
            ("3", "an older one", "old town", noon, at("2T13"), False),
            ("4", "held out", "old town", at("18"), at("19"), True),
            ("5", "held out", "old town", at("18"), at("19"), False),
        ],
        counts=[
            ("just in time", noon, 1),
            ("too late", noon + MICROSECOND, 99),
            ("an older one", noon - HOUR, 3),
            ("an older one", noon + MICROSECOND, 99),
        ],
    )
    publish_features(store, as_of=AS_OF)

    rows = assembled(store, TRAINING).rows

    fitted = rows[rows["split"] == "train"].set_index("courier")["open_orders"]
    assert fitted["just in time"] == 1
    assert math.isnan(fitted["too late"])
    assert fitted["an older one"] == 3


@pytest.mark.parametrize(
    ("decided", "late", "told"),
    [
        (
            ["18", "19"],
            [True, False],
            "Model 'late_order': no labels known as of 2024-01-21 00:00 are to fit on (the holdout is the last 5 days; "
            "it must be longer than a label takes to become known). "
            "Ingest the sources, or choose another --as-of.",
        ),
        (
            ["2", "3"],
            [True, False],
            "Model 'late_order': no labels known as of 2024-01-21 00:00 are in the holdout (the holdout is the last 5 days; "
            "it must be longer than a label takes to become known). "
            "Ingest the sources, or choose another --as-of.",
        ),
        (["2", "3", "18"], [True, True, False], "Model 'late_order': the 2 labels to fit on are all of one class."),
        (
            ["2", "3", "18"],
            [True, False, False],
            "Model 'late_order': the 1 labels in the holdout are all of one class.",
        ),
    ],
)
def test_too_few_labels_to_learn_from_are_refused(store: Any, decided: list[str], late: list[bool], told: str) -> None:
    orders = [
        (str(position), "ann", "old town", at(day), at(day) + HOUR, is_late)
        for position, (day, is_late) in enumerate(zip(decided, late, strict=True))
    ]
    land(store, orders=orders, counts=[])
    publish_features(store, as_of=AS_OF)

    with pytest.raises(Misuse) as refused:
        assembled(store, TRAINING)

    assert str(refused.value) == told


def test_a_feature_that_the_published_table_does_not_have_is_refused_with_the_closest_names(store: Any) -> None:
    orders = [
        (day, "ann", "old town", at(day), at(day) + HOUR, is_late) for day in ("2", "18") for is_late in (True, False)
    ]
    land(store, orders=orders, counts=[])
    publish_features(store, as_of=AS_OF)
    misspelt = FeatureLookup(COURIER_LOAD, "courier", feature_names="open_order", timestamp_lookup_key="decided_at")

    with pytest.raises(Misuse, match=r"there is no feature 'open_order'\. Did you mean open_orders\?"):
        assembled(store, replace(TRAINING, lookups=[misspelt]))


def test_a_sample_takes_about_so_many_entities_and_always_the_same_ones(store: Any) -> None:
    hours = [(n, at("2") + n * HOUR) for n in range(400)]
    land(
        store,
        orders=[(f"{n}", f"courier {n}", "old town", hour, hour + HOUR, n % 3 == 0) for n, hour in hours],
        counts=[("courier 1", at("2"), 4)],
    )
    publish_features(store, as_of=AS_OF)

    half, again, tenth = (set(assembled(store, TRAINING, sample=share).rows["courier"]) for share in (0.5, 0.5, 0.1))

    assert half == again
    assert 150 < len(half) < 250
    assert 20 < len(tenth) < 65
    assert tenth < half


def test_a_frame_that_was_saved_is_the_one_that_is_loaded(store: Any, tmp_path: Path) -> None:
    orders = [(day, "ann", "old town", at(day), at(day) + HOUR, late) for day in ("2", "18") for late in (True, False)]
    land(store, orders=[(f"{n}", *order[1:]) for n, order in enumerate(orders)], counts=[("ann", at("1"), 4)])
    publish_features(store, as_of=AS_OF)
    frame = assembled(store, TRAINING)

    loaded = load_frame(tmp_path, json.loads(json.dumps(save_frame(frame, tmp_path))))

    assert loaded.joined.equals(frame.joined)
    assert_frame_equal(loaded.rows, frame.rows)
    assert (loaded.inputs, loaded.labels, loaded.fingerprint) == (frame.inputs, frame.labels, frame.fingerprint)
    assert dict(loaded.table_versions) == dict(frame.table_versions)
