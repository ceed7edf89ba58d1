"""Tables by three-level name through Spark's SQL alone, each write one commit."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql.types import StructType

from feature_store import Misuse, NotFound, SchemaMismatch, StorageError
from feature_store.tables.commit import Commit
from tests.frames import assert_df_equality

FLIGHTS = "flight string, at timestamp, delay int"
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COMMIT = Commit(verb="test", as_of=NOON, sources={"test.flights.landed": 7})


@pytest.fixture
def tables(databricks_store, unity):
    unity.clear()
    return databricks_store.tables


def test_a_table_keeps_its_description_properties_comments_and_keys_that_are_never_null(tables):
    schema = StructType.fromDDL("flight string NOT NULL COMMENT 'the flight''s id', delay int")
    tables.create("flights", schema, description="It's late \\ or not", properties={"pipeline.note": "a'b"})

    info = tables.info("flights")
    assert (info.name, info.description, info.version) == ("test.flights.flights", "It's late \\ or not", 0)
    assert (info.properties["pipeline.note"], info.properties["pipeline.format"]) == ("a'b", "1")
    assert info.schema["flight"].metadata == {"comment": "the flight's id"}
    assert tables.names() == ["flights"]
    with pytest.raises(Misuse, match="test.flights.flights refuses these rows: a key is null"):
        tables.append("flights", tables.spark.createDataFrame([(None, 1)], "flight string, delay int"), commit=COMMIT)


def test_each_write_is_one_commit_that_says_why_and_old_versions_can_be_read(tables, frame):
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    assert tables.append("flights", frame([("a", NOON, 1)], FLIGHTS), commit=COMMIT) == 1
    assert tables.overwrite("flights", frame([("b", NOON, 2), ("c", NOON + HOUR, 3)], FLIGHTS), commit=COMMIT) == 2
    late = frame([("d", NOON + HOUR, 4)], FLIGHTS)
    written = tables.replace_window("flights", late, column="at", start=NOON + HOUR, end=NOON + 2 * HOUR, commit=COMMIT)
    assert written == 1

    history = tables.history("flights")
    assert [(entry.version, entry.commit and entry.commit.sources) for entry in history] == [
        (3, COMMIT.sources), (2, COMMIT.sources), (1, COMMIT.sources), (0, None),
    ]  # fmt: skip
    contents = {
        version: {row.flight for row in tables.read("flights", version=version).collect()} for version in (1, 2, 3)
    }
    assert contents == {1: {"a"}, 2: {"b", "c"}, 3: {"b", "d"}}
    assert {row.flight for row in tables.read("flights", timestamp=history[1].at).collect()} == {"b", "c"}
    assert tables.have_moved({"flights": 2})
    assert not tables.have_moved({"flights": 3})


def test_a_row_outside_of_the_window_is_refused(tables, frame):
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    with pytest.raises(Misuse, match="a row lies outside of the window. Nothing was written"):
        tables.replace_window(
            "flights",
            frame([("a", NOON, 1)], FLIGHTS),
            column="at",
            start=NOON + HOUR,
            end=NOON + 2 * HOUR,
            commit=COMMIT,
        )
    assert tables.version("flights") == 0


def test_merging_touches_what_differs_and_nothing_else(tables, frame):
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    tables.append("flights", frame([("a", NOON, 1), ("b", NOON, None)], FLIGHTS), commit=COMMIT)

    changed = frame([("a", NOON, 1), ("b", NOON, 2), ("c", NOON, None)], FLIGHTS)
    assert tables.merge("flights", changed, keys=["flight"], commit=COMMIT) == 2
    assert tables.merge("flights", changed, keys=["flight"], commit=COMMIT) == 0

    assert_df_equality(tables.read("flights"), changed, ignore_row_order=True, ignore_nullable=True)
    assert [entry.commit.verb for entry in tables.history("flights")[:2]] == ["test", "test"]
    assert tables.version("flights") == 2


def test_small_files_are_put_together_once_there_are_many_and_no_row_changes(tables, frame, monkeypatch):
    monkeypatch.setattr("feature_store.databricks.unity_tables.MANY_FILES", 2)
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    rows = [("a", NOON, 1), ("b", NOON, 2)]
    for row in rows:
        tables.append("flights", frame([row], FLIGHTS), commit=COMMIT)
        tables.compact("flights", commit=COMMIT)

    history = tables.history("flights")
    assert [(entry.operation, entry.commit and entry.commit.verb) for entry in history[:2]] == [
        ("OPTIMIZE", "test"), ("WRITE", "test"),
    ]  # fmt: skip
    assert len(tables.read("flights").inputFiles()) == 1
    assert_df_equality(tables.read("flights"), frame(rows, FLIGHTS), ignore_row_order=True, ignore_nullable=True)


def test_columns_and_texts_can_be_added_later(tables):
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    tables.add_columns("flights", StructType.fromDDL(FLIGHTS + ", gate string NOT NULL COMMENT 'Gate'"))
    tables.describe("flights", description="New", comments={"delay": "Minutes"})

    info = tables.info("flights")
    assert info.schema.names == ["flight", "at", "delay", "gate"]
    assert [info.schema[name].metadata.get("comment") for name in ("delay", "gate")] == ["Minutes", "Gate"]
    assert info.description == "New"


def test_rows_of_other_columns_are_refused_before_anything_is_written(tables, frame):
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    with pytest.raises(
        SchemaMismatch,
        match="'at' is missing, 'gate' is not a column of the table, 'delay' is bigint and the table has int",
    ):
        tables.append("flights", frame([("a", 1, "B6")], "flight string, delay bigint, gate string"), commit=COMMIT)
    assert tables.version("flights") == 0


def test_what_does_not_exist_is_said_with_what_does(tables):
    with pytest.raises(NotFound, match="There is no table test.flights.flight. The schema is empty"):
        tables.read("flight")
    tables.create("flights", StructType.fromDDL(FLIGHTS))
    with pytest.raises(NotFound, match=r"There is no table test.flights.flight. Did you mean flights\?"):
        tables.read("flight")
    with pytest.raises(NotFound, match="test.flights.flights has no version 5 to read. There are: 0 to 0"):
        tables.read("flights", version=5)
    with pytest.raises(NotFound, match="had not been written by 2001-01-01"):
        tables.read("flights", timestamp=datetime(2001, 1, 1, tzinfo=UTC))
    tables.drop("flights")
    assert not tables.exists("flights")
    assert not tables.exists("elsewhere.flights.flights")


def test_a_table_of_a_newer_pipeline_is_refused(tables):
    tables.create("flights", StructType.fromDDL(FLIGHTS), properties={"pipeline.format": "99"})
    with pytest.raises(StorageError, match="has format 99; this version of the pipeline reads up to"):
        tables.info("flights")
