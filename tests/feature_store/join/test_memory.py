"""What the join in this process is reckoned to take."""

from datetime import UTC, datetime

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql.types import StructType

from feature_store import Misuse
from feature_store.join.memory import Cost, Room, costs, fits, row_bytes, size
from feature_store.join.resolved_lookup import ResolvedLookup

SPINE = StructType().add("key", "integer").add("decided_at", "timestamp")  # 12 bytes a row


def test_sizes_are_written_as_spark_writes_them():
    assert [size(text, "x") for text in ("1000", "2k", "512m", "4g", "4GB", "1t", "7b")] == [
        1000, 2048, 512 * 2**20, 4 * 2**30, 4 * 2**30, 2**40, 7,
    ]  # fmt: skip
    for text in ("", "4x", "g", "4.5g", "-1"):
        with pytest.raises(Misuse, match="pipeline.join.memory is .* no size"):
            size(text, "pipeline.join.memory")


def test_the_result_has_to_fit_heap_or_disk_and_the_two_largest_tables_this_process():
    three = [Cost(table=400, output=8), Cost(table=300, output=8), Cost(table=100, output=4)]

    # Ten rows of 12 + 20 bytes are 320, twice.
    assert fits(Room(here=1340, heap=320), three, SPINE, rows=10)
    assert not fits(Room(here=1339, heap=320), three, SPINE, rows=10)
    assert not fits(Room(here=1340, heap=319), three, SPINE, rows=10)
    assert fits(Room(here=1340, heap=319, disk=320), three, SPINE, rows=10)


def test_rows_that_come_from_spark_have_to_fit_the_heap_and_those_of_files_do_not():
    one, room = [Cost(table=0, output=8)], Room(here=10_000, heap=119, disk=10_000)  # ten rows of 12 bytes

    assert not fits(room, one, SPINE, rows=10)
    assert fits(room, one, SPINE, rows=10, in_files=True)


def test_a_table_costs_by_its_rows_and_the_columns_asked_for_not_by_all_it_has(store):
    columns = StructType.fromDDL("key int, known_at timestamp, a double, b double, text string")
    store.create_table(name="wide", primary_keys=["key", "known_at"], timeseries_column="known_at", schema=columns)
    stored = deltalake.DeltaTable(store.tables.path("wide"))
    schema = pa.schema(stored.schema().to_arrow())
    rows = [{"key": key, "known_at": datetime(2013, 6, 1, tzinfo=UTC), "text": "a"} for key in range(100)]
    deltalake.write_deltalake(stored, pa.Table.from_pylist(rows, schema=schema), mode="append")

    def cost(*features):
        outputs = tuple((name, name) for name in features)
        lookup = ResolvedLookup("wide", 1, (("key", "key"),), outputs, ("decided_at", "known_at"))
        (found,) = costs([lookup], store.tables)
        return found

    narrow, twice, text = cost("a"), cost("a", "b"), cost("text")

    assert (narrow.output, twice.output) == (8, 16)
    assert twice.table - narrow.table == 100 * 8
    assert text.output > row_bytes(StructType().add("text", "string"))
    assert text.table > narrow.table + 100 * 64
