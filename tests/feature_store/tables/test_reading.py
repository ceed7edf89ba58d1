"""A Delta table as a frame: a small one is read without asking its log again, and always with the rows that it has."""

from datetime import UTC, datetime

import deltalake
import pytest

from feature_store import NotFound, open_store
from feature_store.tables import reading
from feature_store.tables.commit import Commit
from tests.frames import assert_df_equality

AIRPORTS = "airport string, runways int"
COMMIT = Commit(verb="write_table", as_of=datetime(2013, 6, 1, tzinfo=UTC), revision="abc", run="7")


@pytest.fixture
def tables(store, frame):
    store.tables.create("airports", frame([], AIRPORTS).schema)
    return store.tables


@pytest.fixture
def rows(frame):
    return lambda *rows, schema=AIRPORTS: frame(rows, schema)


def is_read(tables, expected, *, by_its_files):
    """Spark is told the files, or else Delta's own reader asks the log which they are."""
    df = tables.read("airports")
    assert_df_equality(df, expected, ignore_row_order=True, ignore_nullable=True)
    leaf = df._jdf.queryExecution().analyzed().collectLeaves().apply(0)
    here = "LocalRelation" in leaf.getClass().getName()
    assert (here or "delta" not in leaf.relation().location().getClass().getName()) == by_its_files


def test_a_small_table_is_read_by_its_files(tables, rows):
    tables.append("airports", rows(("JFK", 4), ("LGA", None)), commit=COMMIT)
    tables.append("airports", rows(("EWR", 3)), commit=COMMIT)
    is_read(tables, rows(("JFK", 4), ("LGA", None), ("EWR", 3)), by_its_files=True)


def test_a_table_without_rows_has_its_columns(tables, rows):
    is_read(tables, rows(), by_its_files=True)
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    tables.overwrite("airports", rows(), commit=COMMIT)
    is_read(tables, rows(), by_its_files=True)


def test_a_frame_is_of_one_version_whatever_is_written_meanwhile(tables, rows):
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    before = tables.read("airports")
    tables.overwrite("airports", rows(("LGA", 2)), commit=COMMIT)
    assert_df_equality(before, rows(("JFK", 4)), ignore_nullable=True)
    is_read(tables, rows(("LGA", 2)), by_its_files=True)


def test_rows_written_before_a_column_was_added_have_a_null_in_it(tables, rows):
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    wider = f"{AIRPORTS}, opened date"
    tables.add_columns("airports", rows(schema=wider).schema)
    is_read(tables, rows(("JFK", 4, None), schema=wider), by_its_files=True)


def test_a_table_of_many_files_or_many_bytes_is_left_to_delta_which_passes_over_files(tables, rows, monkeypatch):
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    tables.append("airports", rows(("EWR", 3)), commit=COMMIT)
    both = rows(("JFK", 4), ("EWR", 3))
    monkeypatch.setattr(reading, "MOST_FILES", 2)
    is_read(tables, both, by_its_files=True)
    monkeypatch.setattr(reading, "MOST_FILES", 1)
    is_read(tables, both, by_its_files=False)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    is_read(tables, both, by_its_files=False)


def test_rows_that_delta_marks_as_deleted_within_a_file_are_not_read(tables, rows, spark):
    place = tables.path("airports")
    spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    rows(("JFK", 4), ("LGA", 2)).coalesce(1).write.format("delta").mode("append").save(str(place))
    spark.sql(f"DELETE FROM delta.`{place}` WHERE airport = 'LGA'")
    assert len(deltalake.DeltaTable(str(place)).file_uris()) == 1
    is_read(tables, rows(("JFK", 4)), by_its_files=False)


def test_a_column_that_was_renamed_in_the_log_alone_is_read_by_its_new_name(tables, rows, spark):
    place = tables.path("airports")
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    spark.sql(f"ALTER TABLE delta.`{place}` RENAME COLUMN runways TO strips")
    is_read(tables, rows(("JFK", 4), schema="airport string, strips int"), by_its_files=False)


def test_columns_that_are_kept_in_the_names_of_folders_are_read(tables, rows):
    tables.drop("airports")
    place = str(tables.path("airports"))
    rows(("JFK", 4), ("LGA", None)).write.format("delta").partitionBy("airport").save(place)
    is_read(tables, rows(("JFK", 4), ("LGA", None)), by_its_files=False)


@pytest.mark.parametrize("name", ["Flüge und Wetter", "a,b*c{d}"])
def test_a_folder_of_any_name_is_read(tmp_path, rows, name):
    tables = open_store(workspace=tmp_path / name).tables
    tables.create("airports", rows().schema)
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    assert_df_equality(tables.read("airports"), rows(("JFK", 4)), ignore_nullable=True)


def test_a_table_one_of_whose_files_is_gone_is_refused_before_anything_is_read(tables, rows):
    tables.append("airports", rows(("JFK", 4)), commit=COMMIT)
    (lost,) = tables.path("airports").glob("*.parquet")
    lost.unlink()
    with pytest.raises(
        NotFound, match=r"cannot be read at version 1: 1 of its 1 data files are gone.*can be read: 0\."
    ):
        tables.read("airports")
