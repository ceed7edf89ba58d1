"""Tables on an object store, without Spark: on moto's S3, which does conditional writes."""

import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from examples.cluster.processes import HERE, answers, free_port, serving
from feature_store import open_store
from feature_store.errors import ConcurrentWrite, NotFound, StorageError
from feature_store.tables.commit import Commit
from feature_store.tables.delta_tables import DeltaTables
from feature_store.tables.leases import Lease
from feature_store.tables.objects import ObjectFolder, place

COMMIT = Commit(verb="test", as_of=datetime(2013, 7, 1, tzinfo=UTC))
KEYS = StructType().add("id", "long", nullable=False).add("name", "string")


class WithoutSpark:
    """An engine for what delta-rs does alone."""

    def spark_session(self) -> SparkSession:
        raise AssertionError("Spark was asked for")

    def running_session(self) -> None:
        return None

    def expect(self, spark: SparkSession, *, rows: int) -> None:
        raise AssertionError("Spark was asked for")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # In a process of its own: delta-rs holds this one's interpreter while it asks for a table's history.
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HERE, "-p", str(port)]
    logs, ready = tmp_path_factory.mktemp("moto"), partial(answers, port)
    with serving("moto", command, logs, ready=ready, environment={}), pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{HERE}:{port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two",
        }.items():  # fmt: skip
            environment.setenv(name, value)
        boto3.client("s3", endpoint_url=f"http://{HERE}:{port}").create_bucket(Bucket="tests")
        yield "s3://tests"


@pytest.fixture
def tables(bucket: str, request: pytest.FixtureRequest) -> DeltaTables:
    return DeltaTables(place(f"{bucket}/{request.node.name}"), catalog="dev", schema="flights", engine=WithoutSpark())


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"number {one}" for one in ids]})


def test_a_table_is_made_filled_merged_read_as_it_was_and_dropped(tables: DeltaTables) -> None:
    assert tables.names() == []
    tables.create("planes", KEYS, description="All planes")
    tables.append("planes", rows(1, 2), commit=COMMIT)
    tables.merge("planes", rows(2, 3), keys=["id"], commit=COMMIT)

    assert tables.names() == ["planes"]
    assert sorted(tables.collect("planes", ["id"])["id"].to_pylist()) == [1, 2, 3]
    assert tables.arrow("planes", ["id"], version=1).height == 2
    assert [one.commit and one.commit.verb for one in tables.history("planes")] == ["test", "test", None]

    tables.drop("planes")
    assert not tables.exists("planes")
    assert list(tables.warehouse.names()) == []  # no lease either
    with pytest.raises(NotFound):
        tables.info("planes")


def test_writers_that_write_at_once_take_turns_and_no_row_is_lost(tables: DeltaTables) -> None:
    tables.create("planes", KEYS)

    def write(first: int) -> None:
        for one in range(first, first + 3):
            tables.append("planes", rows(one), commit=COMMIT)

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    found = tables.collect("planes", ["id"])["id"].to_pylist()
    assert sorted(found) == [0, 1, 2, 100, 101, 102, 200, 201, 202]
    assert tables.version("planes") == 9


def test_a_turn_is_one_writer_s_until_it_is_given_back(bucket: str) -> None:
    folder = ObjectFolder(f"{bucket}/turn")
    first, second = Lease(folder), Lease(folder)
    first.take()
    with pytest.raises(BlockingIOError):
        second.take()
    assert first.give_back()
    second.take()
    assert second.give_back()


def test_a_turn_is_renewed_for_as_long_as_its_holder_lives(bucket: str) -> None:
    lasts = timedelta(seconds=0.5)
    first, second = (Lease(ObjectFolder(f"{bucket}/long"), lasts=lasts) for _ in range(2))
    first.take()
    ended = time.monotonic() + 3 * lasts.total_seconds()
    while time.monotonic() < ended:
        with pytest.raises(BlockingIOError):
            second.take()
        time.sleep(0.05)
    assert first.give_back()


def test_the_turn_of_a_killed_writer_ends_and_one_that_was_only_asleep_is_told(bucket: str) -> None:
    lasts = timedelta(seconds=0.3)
    asleep, waiting = (Lease(ObjectFolder(f"{bucket}/killed"), lasts=lasts) for _ in range(2))
    asleep.take()
    asleep._done.set()  # it renews no more

    with pytest.raises(BlockingIOError):
        waiting.take()
    time.sleep(0.4)
    waiting.take()

    assert not asleep.give_back()
    assert waiting.give_back()


def test_who_waits_too_long_is_told_so_and_nothing_is_written(tables: DeltaTables) -> None:
    tables.create("planes", KEYS)
    tables.patience = timedelta(seconds=0.3)
    other = Lease(tables.path("planes"))
    other.take()
    with pytest.raises(ConcurrentWrite, match=r"dev\.flights\.planes is being written by another process"):
        tables.append("planes", rows(1), commit=COMMIT)
    other.give_back()
    assert tables.rows("planes") == 0


def test_a_workspace_is_a_folder_and_an_address_is_refused_with_the_way_to_name_it() -> None:
    with pytest.raises(StorageError, match="PIPELINE_WAREHOUSE"):
        open_store(workspace="s3://bucket/workspace", backend="local")


def test_a_warehouse_is_a_folder_or_an_address_of_a_known_store(tmp_path: Path) -> None:
    assert place(tmp_path) == place(f"file://{tmp_path}") == tmp_path
    assert place("s3://bucket/a/b/") == ObjectFolder("s3://bucket/a/b")
    assert str(place("abfss://files@account.dfs.core.windows.net/a").joinpath("b", "c")).endswith(".net/a/b/c")
    with pytest.raises(StorageError, match="cannot be at hdfs://"):
        place("hdfs://name/warehouse")
    for wrong in ("s3://", "s3://bucket/a?versionId=1", "s3://key:secret@bucket/a"):
        with pytest.raises(StorageError, match="a scheme, a bucket and a path"):
            place(wrong)
