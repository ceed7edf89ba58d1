"""The life of a small model: its first champion, runs done twice, a challenger; at last, runs that were killed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from pyspark.sql import SparkSession

from feature_store import FeatureStore, open_store
from feature_store.package.packaging import packaged_folder
from tests.couriers import HOUR, TRAINING, at, coin, frame, land, publish_features
from tests.frames import assert_df_equality
from training.profile import Settings
from training.steps.already import definition
from training.steps.champion import champion_at
from training.steps.frame import assemble, labels_of
from training.steps.pipeline import Trained, train
from training.steps.register import card_of
from training.train import show

MODEL = "test.couriers.late_order"
FIRST, SECOND = at("15"), at("21")


@dataclass(frozen=True)
class Life:
    """The model's store and registry, and what each run said of itself."""

    store: FeatureStore
    registry: MlflowClient
    first: Trained
    first_again: Trained
    worse: Trained
    worse_again: Trained

    def aliases(self) -> dict[str, str]:
        return {alias: str(version) for alias, version in self.registry.get_registered_model(MODEL).aliases.items()}


@pytest.fixture(scope="module")
def life(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Twenty days of orders, one an hour; a courier with six or more open orders is late, but for every seventh order.

    The model was trained, and the same again, as of the 15th; and so was a worse one as of the 21st.
    """
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("life"))
    hours = [(n, at("1") + n * HOUR, n * 3 % 10) for n in range(480)]
    land(
        store,
        orders=[
            (f"order {n}", f"courier {n % 5}", "old town", hour, hour + HOUR, (open_orders >= 6) != (n % 7 == 0))
            for n, hour, open_orders in hours
        ],
        # Nothing is known of courier 4.
        counts=[(f"courier {n % 5}", hour, open_orders) for n, hour, open_orders in hours if n % 5 < 4],
    )
    publish_features(store, as_of=SECOND)
    worse = replace(TRAINING, estimators={"coin": coin}, gates={})
    return Life(
        store,
        MlflowClient(),
        first=train(store, TRAINING, as_of=FIRST),
        first_again=train(store, TRAINING, as_of=FIRST),
        worse=train(store, worse, as_of=SECOND),
        worse_again=train(store, worse, as_of=SECOND),
    )


def test_the_first_model_that_passes_its_gates_is_promoted(life: Life) -> None:
    assert (life.first.model, life.first.version, life.first.promoted, life.first.repeated) == (MODEL, "1", True, False)
    assert list(life.first.metrics) == ["tree", "coin"]
    assert life.first.metrics["coin"]["roc_auc"] == 0.5
    assert [verdict.gate for verdict in life.first.verdicts] == ["roc_auc"]
    assert champion_at(MODEL, FIRST).version == "1"
    assert life.registry.get_model_version(MODEL, "1").tags == {
        "trained_as_of": "2024-01-15T00:00:00+00:00",
        "training_fingerprint": assemble(
            life.store, TRAINING, labels_of(life.store, TRAINING), as_of=FIRST
        ).fingerprint,
        "training_definition": definition(TRAINING, Settings()),
        "promoted_as_of": "2024-01-15T00:00:00+00:00",
        "promotion_reason": "passed roc_auc",
        "promoted_by": "train-model",
    }


def test_training_again_on_the_same_rows_does_nothing_and_says_what_was_decided_then(life: Life) -> None:
    again = (life.first_again.version, life.first_again.repeated, life.first_again.promoted, life.first_again.rows)

    assert again == ("1", True, True, life.first.rows)
    assert (life.worse_again.version, life.worse_again.repeated, life.worse_again.promoted) == ("2", True, False)


def test_training_again_on_the_same_rows_says_where_the_card_of_that_version_is(
    life: Life, capsys: pytest.CaptureFixture[str]
) -> None:
    show(life.worse_again)
    told = " ".join(capsys.readouterr().out.split())

    assert (life.first_again.card, life.worse_again.card) == (life.first.card, life.worse.card)
    assert f"nothing to do. its card: {life.worse.card}" in told


def test_a_card_that_is_no_longer_among_the_reports_is_fetched_from_its_run(life: Life) -> None:
    assert life.first.card is not None
    page = life.first.card.read_bytes()
    life.first.card.unlink()

    card = train(life.store, TRAINING, as_of=FIRST).card

    assert card == life.first.card
    assert card.read_bytes() == page


def test_a_version_whose_run_has_no_card_is_told_without(life: Life, tmp_path: Path) -> None:
    version = life.registry.get_model_version(MODEL, "1")
    other = ModelVersion(name=MODEL, version="1", creation_timestamp=version.creation_timestamp, run_id="0" * 32)

    assert card_of(other, cards=tmp_path) is None


def test_a_challenger_that_is_worse_than_the_champion_on_the_same_holdout_stays_challenger_and_says_why(
    life: Life,
) -> None:
    champions = life.worse.metrics["champion"]["roc_auc"]

    assert (life.worse.version, life.worse.promoted) == ("2", False)
    assert life.worse.metrics["coin"]["roc_auc"] == 0.5 < champions
    assert life.registry.get_model_version(MODEL, "2").tags["refused_because"] == (
        f"roc_auc on the same holdout is 0.5000, not at least the champion's {champions:.4f}"
    )
    assert life.aliases()["champion"] == "1"
    assert champion_at(MODEL, SECOND).version == "1"


def test_a_run_has_the_parameters_the_metrics_of_all_estimators_the_table_versions_and_the_card(life: Life) -> None:
    version = life.registry.get_model_version(MODEL, "1")
    run = life.registry.get_run(version.run_id)

    assert run.data.params.items() >= {
        ("as_of", "2024-01-15T00:00:00+00:00"),
        ("holdout_days", "5"),
        ("estimator", "tree"),
        ("rows_fitted", "215"),
        ("rows_held_out", "120"),
        ("tree.max_depth", "2"),
    }
    assert run.data.metrics["roc_auc"] == life.first.metrics["tree"]["roc_auc"]
    assert run.data.metrics["coin.roc_auc"] == 0.5
    tables = life.store.tables
    assert run.data.tags["table_version.test.couriers.courier_load"] == str(tables.version("courier_load"))
    assert run.data.tags["owner"] == "couriers@example.com"
    assert [one.path for one in life.registry.list_artifacts(version.run_id)].count("card.html") == 1


def test_a_model_carries_what_it_takes_to_build_its_training_frame_again(life: Life) -> None:
    lineage = json.loads((packaged_folder(f"models:/{MODEL}/1") / "lineage.json").read_text())

    tables = life.store.tables
    assert lineage["tables"] == {
        "test.couriers.courier_load": tables.version("courier_load"),
        "test.couriers.district_distance": tables.version("district_distance"),
    }
    assert lineage["labels"] == {"test.couriers.orders": tables.version("orders")}
    assert lineage["as_of"] == "2024-01-15T00:00:00+00:00"
    assert lineage["holdout_days"] == 5
    assert lineage["fingerprint"] == life.registry.get_model_version(MODEL, "1").tags["training_fingerprint"]


def test_the_training_set_is_kept_with_its_split_and_the_scores_that_the_packaged_model_gives_by_keys_alone(
    life: Life,
) -> None:
    kept = life.store.tables.read("late_order_training_set")

    counted = kept.groupBy("model_version", "split").count()
    expected = [("1", "train", 215), ("1", "holdout", 120), ("2", "train", 359), ("2", "holdout", 120)]
    schema = "model_version string, split string, count bigint"
    assert_df_equality(counted, frame(life.store.spark, expected, schema), ignore_row_order=True, ignore_nullable=True)
    first = kept.where("model_version = '1'")
    # All that the model needs; the district is given, the courier is looked up by.
    keys = first.select("courier", "district", "decided_at")
    scored = life.store.score_batch(model_uri=f"models:/{MODEL}/1", df=keys)
    columns = ["courier", "district", "decided_at", "open_orders", "kilometres", "zone", "prediction"]
    assert_df_equality(first.select(columns), scored.select(columns), ignore_row_order=True, ignore_nullable=True)


def test_the_kept_training_set_has_the_types_of_the_features_whatever_nulls_there_are(life: Life) -> None:
    types = {
        field.name: field.dataType.simpleString() for field in life.store.tables.columns("late_order_training_set")
    }

    assert types == {
        "courier": "string",
        "district": "string",
        "decided_at": "timestamp",
        "split": "string",
        "open_orders": "bigint",  # null for courier 4
        "kilometres": "double",
        "zone": "string",  # null everywhere
        "is_late": "boolean",
        "prediction": "double",
        "model_version": "string",
    }


def test_a_run_that_was_killed_before_it_decided_is_done_again_and_its_version_never_takes_office(life: Life) -> None:
    """Registered, but not judged: nobody has said if it may take office, so a rerun registers and judges another one."""
    worse = replace(TRAINING, estimators={"coin": coin}, gates={})
    life.registry.delete_model_version_tag(MODEL, "2", "refused_because")

    rerun = train(life.store, worse, as_of=SECOND)

    assert (rerun.version, rerun.promoted, rerun.repeated) == ("3", False, False)
    assert life.aliases() == {"champion": "1", "challenger": "3"}
    assert champion_at(MODEL, SECOND).version == "1"


def test_a_run_that_was_killed_while_it_promoted_is_completed_by_the_next_one(life: Life) -> None:
    """The tags say that version 1 is champion; only the alias had not been moved yet."""
    life.registry.delete_registered_model_alias(MODEL, "champion")

    rerun = train(life.store, TRAINING, as_of=FIRST)

    assert (rerun.version, rerun.repeated) == ("1", True)
    assert life.aliases()["champion"] == "1"
