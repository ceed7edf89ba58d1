"""The end of a table's log, read without opening the table, says what delta-rs would, or nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from feature_store import FeatureStore, open_store
from feature_store.tables.commit import Commit, TableVersion
from feature_store.tables.log_end import log_end


def is_ours(entry: TableVersion) -> bool:
    return entry.commit is not None


def never(entry: TableVersion) -> bool:
    return False


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A table of three commits on three days; the owner was named before the last one."""
    store = open_store(catalog="test", schema="logs", workspace=tmp_path)
    who = StructField("courier", StringType(), metadata={"comment": "Who"})
    schema = StructType([who, StructField("kilometres", DoubleType())])
    store.tables.create("distances", schema, description="How far", properties={"pipeline.owner": "ann"})
    for day in (1, 2, 3):
        if day == 3:
            store.tables.set_properties("distances", {"pipeline.owner": "bob"})
        rows = pa.table({"courier": ["ann"], "kilometres": [1.0]})
        commit = Commit(verb="publish-features", as_of=datetime(2024, 1, day, tzinfo=UTC), run="r", revision="c")
        store.tables.append("distances", rows, commit=commit)
    return store


def folder(store: FeatureStore) -> Path:
    return store.tables.path("distances")


@pytest.mark.parametrize("with_checkpoint", [False, True])
def test_it_says_what_the_opened_table_says(store, with_checkpoint):
    if with_checkpoint:
        deltalake.DeltaTable(str(folder(store))).create_checkpoint()
    info, history = store.tables.info("distances"), store.tables.history("distances")

    end = log_end(folder(store), never)

    assert (end.version, end.description, dict(end.properties)) == (info.version, "How far", dict(info.properties))
    assert list(end.fields) == json.loads(info.schema.json())["fields"]
    assert end.newest == history
    assert end.is_whole


def test_it_reads_no_further_than_what_is_enough(store):
    end = log_end(folder(store), is_ours)

    assert [entry.version for entry in end.newest] == [4]
    assert end.properties["pipeline.owner"] == "bob"


def test_what_is_in_a_checkpoint_only_is_found_there_once_older_commits_are_gone(store):
    deltalake.DeltaTable(str(folder(store))).create_checkpoint()
    for version in range(4):
        (folder(store) / "_delta_log" / f"{version:020}.json").unlink()

    end = log_end(folder(store), never)

    assert (end.properties["pipeline.owner"], [entry.version for entry in end.newest]) == ("bob", [4])
    assert not end.is_whole


def empty_newest(log: Path) -> None:
    (log / f"{4:020}.json").write_text("")


def half_newest(log: Path) -> None:
    (log / f"{4:020}.json").write_bytes((log / f"{4:020}.json").read_bytes()[:-20])


def no_first(log: Path) -> None:
    (log / f"{0:020}.json").unlink()
    (log / f"{3:020}.json").unlink()


def of_a_newer_pipeline(log: Path) -> None:
    first = log / f"{3:020}.json"
    first.write_text(first.read_text().replace('"pipeline.format":"1"', '"pipeline.format":"99"'))


def all_of_it(log: Path) -> None:
    for path in log.iterdir():
        path.unlink()


@pytest.mark.parametrize("damage", [empty_newest, half_newest, no_first, of_a_newer_pipeline, all_of_it])
def test_it_says_nothing_of_a_log_that_is_not_as_expected(store, damage):
    damage(folder(store) / "_delta_log")

    assert log_end(folder(store), is_ours) is None
