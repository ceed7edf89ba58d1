"""A training frame is built again by time travel, from the packaged model alone, and proved equal; or it is said why not."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import deltalake
import mlflow
import mlflow.sklearn
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from pyspark.sql import SparkSession
from sklearn.dummy import DummyClassifier

from feature_store import FeatureStore, open_store
from feature_store.lineage.fingerprint import fingerprint
from feature_store.tables.commit import code_revision
from features.publish import publish
from tests.couriers import COURIER_LOAD, DAY, DISTRICT_DISTANCE, HOUR, TRAINING, at, coin, land
from training.steps.pipeline import train
from training.train import main

MODEL = "test.couriers.late_order"
AS_OF = at("15")


@dataclass(frozen=True)
class Past:
    """A store in which a model was trained as of the 15th, before its tables moved on.

    ``read`` and ``today`` are the tables' versions before and after they did.
    """

    store: FeatureStore
    workspace: Path
    mark: str
    read: Mapping[str, str]
    today: Mapping[str, str]

    def reproduce(self, version: str, name: str = "late_order") -> Result:
        """Type ``train-model late_order --reproduce <version>``."""
        place = ["--catalog", "test", "--schema", "couriers", "--workspace", str(self.workspace)]
        return CliRunner().invoke(main, [name, "--reproduce", version, *place])

    def folder(self, table: str) -> Path:
        return self.workspace / "warehouse" / "test" / "couriers" / table

    def lineage_file(self, version: str) -> Path:
        found = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{MODEL}/{version}")
        return Path(found) / "data" / "feature_store" / "lineage.json"


@pytest.fixture(scope="module")
def past(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Two orders a day for twenty days; all counts, distances and outcomes were replaced by others after the training."""
    workspace = tmp_path_factory.mktemp("past")
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    moments = [at("1") + n * DAY / 2 for n in range(40)]
    versions: list[dict[str, str]] = []
    for late_at, count, kilometres in ((0, 1, 2.0), (1, 50, 9.0)):
        land(
            store,
            orders=[
                (f"order {n}", f"courier {n % 3}", "old town", moment, moment + HOUR, n // 2 % 2 == late_at)
                for n, moment in enumerate(moments)
            ],
            counts=[(f"courier {n % 3}", moment, n + count) for n, moment in enumerate(moments) if n % 3],
            districts=[("old town", kilometres, None)],
        )
        for table in (COURIER_LOAD, DISTRICT_DISTANCE):
            publish(store, table, as_of=at("21"), full=True)
        versions.append({name: str(store.tables.version(name)) for name in store.tables.names()})
        if not late_at:
            spec = replace(TRAINING, estimators={"coin": coin}, gates={}, exclude_columns=["courier", "zone"])
            train(store, spec, as_of=AS_OF)
    mark = MlflowClient().get_model_version(MODEL, "1").tags["training_fingerprint"]
    return Past(store, workspace, mark, *versions)


def lines(result: Result) -> list[list[str]]:
    """The words of each line, but for the trailing spaces of tables."""
    return [line.split() for line in result.stdout.splitlines()]


def test_the_frame_is_rebuilt_from_the_packaged_model_alone_whatever_was_landed_and_published_since(past: Past) -> None:
    again = past.reproduce("1")

    assert again.exit_code == 0, again.output
    assert lines(again) == [
        ["test.couriers.late_order", "version", "1,", "trained", "as", "of", "2024-01-15", "00:00"],
        ["table", "version", "read", "version", "today"],
        *(
            [f"test.couriers.{table}", past.read[table], past.today[table]]
            for table in ("courier_load", "district_distance", "orders")
        ),
        ["recorded", "rebuilt"],
        ["rows", "28", "28"],
        ["fingerprint", past.mark, past.mark],
        ["code", "revision", code_revision(), code_revision()],
        ["equal:", "this", "is", "the", "frame", "that", "the", "model", "learned", "from,", "row", "for", "row"],
    ]


def test_the_same_frame_of_the_tables_of_today_is_another_one(past: Past) -> None:
    """Which shows that the equality above is one of the rows, not of anything that never changes."""
    spine = TRAINING.labels.read(past.store.tables, as_of=AS_OF).select(*TRAINING.entity_columns, "is_late")
    today = past.store.create_training_set(df=spine, feature_lookups=TRAINING.lookups, label="is_late").load_df()

    assert fingerprint(today) != past.mark


def test_an_alias_may_stand_for_the_version(past: Past) -> None:
    assert past.reproduce("champion").stdout == past.reproduce("1").stdout


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """Whatever is done to the folder or file inside is undone, as from a backup."""
    backup = path.with_name(path.name + ".backup")
    shutil.copytree(path, backup) if path.is_dir() else shutil.copy(path, backup)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True) if backup.is_dir() else path.unlink()
        backup.rename(path)


def told(result: Result) -> str:
    """The error, with nothing printed before it."""
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.removeprefix("Error: ").strip()


WHAT_TO_DO = (
    "Bring the table's folder back from a backup, or train the model again: "
    "train-model late_order --as-of 2024-01-15T00:00. To keep history longer, give the tables a longer "
    "delta.deletedFileRetentionDuration and delta.logRetentionDuration."
)


def test_a_table_whose_files_were_vacuumed_is_named_with_the_versions_that_remain(past: Past) -> None:
    """Version 0 is the empty table, 1 was trained on, 2 is the one landed since; vacuuming makes versions 3 and 4."""
    with kept(past.folder("orders")) as folder:
        deltalake.DeltaTable(folder).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)

        assert told(past.reproduce("1")) == (
            "test.couriers.late_order version 1 cannot be reproduced. Table test.couriers.orders cannot be read at "
            "version 1: 1 of its 1 data files are gone, as VACUUM takes them away once they are old. "
            f"Versions that can be read: 0, 2 to 4. {WHAT_TO_DO}"
        )


def test_all_tables_whose_logs_were_cleaned_up_are_named_at_once(past: Past) -> None:
    read, today = past.read["district_distance"], past.today["district_distance"]
    with kept(past.folder("orders")) as orders, kept(past.folder("district_distance")) as distances:
        for folder in (orders, distances):
            table = deltalake.DeltaTable(folder)
            table.create_checkpoint()
            for version in range(table.version()):
                (folder / "_delta_log" / f"{version:020}.json").unlink()

        assert told(past.reproduce("1")) == (
            "test.couriers.late_order version 1 cannot be reproduced. Table test.couriers.district_distance cannot be "
            f"read at version {read}: its log has been cleaned up. Versions that can be read: {today}. Table test.couriers.orders "
            "cannot be read at version 1: its log has been cleaned up. Versions that can be read: 2. " + WHAT_TO_DO
        )


def test_a_table_that_was_dropped_and_made_again_is_not_taken_for_the_one_that_was_read(past: Past) -> None:
    recorded = past.store.tables.info("district_distance").table_id
    with kept(past.folder("district_distance")):
        past.store.drop_table(name="district_distance")
        gone = told(past.reproduce("1"))
        publish(past.store, DISTRICT_DISTANCE, as_of=at("21"))
        made_again = told(past.reproduce("1"))
        found = past.store.tables.info("district_distance").table_id

    assert "There is no table test.couriers.district_distance." in gone
    assert gone.endswith(WHAT_TO_DO)
    assert found != recorded
    assert made_again == (
        "test.couriers.late_order version 1 cannot be reproduced. Table test.couriers.district_distance was dropped and "
        f"made again since: it has the id {found}, and the model learned from version {past.read['district_distance']} of {recorded}. {WHAT_TO_DO}"
    )


def test_a_model_that_says_it_learned_from_another_frame_is_found_out(past: Past) -> None:
    with kept(past.lineage_file("1")) as file:
        document = json.loads(file.read_text()) | {"fingerprint": "29:1:2"}
        file.write_text(json.dumps(document))
        different = past.reproduce("1")

    assert different.exit_code == 1
    assert lines(different)[6:8] == [["rows", "29", "28"], ["fingerprint", "29:1:2", past.mark]]
    assert "equal" not in different.stdout
    assert different.stderr.startswith(
        "Error: The rebuilt frame is not the one that test.couriers.late_order version 1 learned from."
    )


def test_a_version_that_there_is_not_is_refused_with_those_there_are(past: Past) -> None:
    assert told(past.reproduce("7")) == (
        "Model test.couriers.late_order has no version '7'. Its versions: 1; its aliases: challenger, champion."
    )
    assert told(past.reproduce("1", name="late_ordr")) == (
        "There is no model test.couriers.late_ordr. Did you mean late_order? There is: late_order."
    )


def test_a_model_that_was_packaged_without_its_lineage_says_what_is_missing(past: Past) -> None:
    spine = TRAINING.labels.read(past.store.tables, as_of=AS_OF).select(*TRAINING.entity_columns, "is_late")
    past.store.log_model(
        model=DummyClassifier().fit([[0], [1]], [False, True]),
        artifact_path="model",
        flavor=mlflow.sklearn,
        training_set=past.store.create_training_set(df=spine, feature_lookups=TRAINING.lookups, label="is_late"),
        registered_model_name="by_hand",
    )

    assert told(past.reproduce("1", name="by_hand")) == (
        "test.couriers.by_hand version 1 does not carry what it takes to build its training frame again ('frame' in "
        "lineage.json): train the model again with this version of train-model."
    )
