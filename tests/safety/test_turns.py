"""Writing in turn: what lost a race is tried again upon what is there then, and reported if that never helps."""

import deltalake
import pyarrow as pa
import pytest
from delta.exceptions import ConcurrentAppendException

from feature_store.errors import ConcurrentWrite
from feature_store.tables.turns import in_turn
from feature_store.tables.writing import writing


@pytest.fixture
def folder(tmp_path):
    """A table of the numbers 0 to 3, with a value each."""
    deltalake.write_deltalake(str(tmp_path), rows(range(4), value=0))
    return tmp_path


def rows(numbers, *, value):
    return pa.table({"number": pa.array(numbers, pa.int64()), "value": pa.array([value] * len(numbers), pa.int64())})


def content(folder):
    import polars as pl

    return sorted(pl.scan_delta(str(folder)).collect().rows())


def replace(table, value):
    predicate = "number >= 0 AND number < 2"
    deltalake.write_deltalake(table, rows([0, 1], value=value), mode="overwrite", predicate=predicate)


def test_a_write_that_lost_a_race_is_done_again_upon_the_winner_s_version(folder):
    stale, fresh = deltalake.DeltaTable(str(folder)), deltalake.DeltaTable(str(folder))
    replace(fresh, 1)
    tables = [stale]

    def write():
        with writing("numbers", folder):
            table = tables.pop() if tables else deltalake.DeltaTable(str(folder))
            replace(table, 2)
            return table.version()

    assert in_turn("numbers", folder, write) == 2
    assert content(folder) == [(0, 2), (1, 2), (2, 0), (3, 0)]


def test_a_write_that_loses_each_race_is_reported_and_leaves_the_winner_s_rows(folder):
    def write():
        with writing("numbers", folder):
            stale = deltalake.DeltaTable(str(folder))
            replace(deltalake.DeltaTable(str(folder)), stale.version())
            replace(stale, 100)

    with pytest.raises(ConcurrentWrite) as raised:
        in_turn("numbers", folder, write, tries=3)

    said = str(raised.value)
    assert said.startswith("numbers could not be written: another writer changed it first in each of 3 tries within ")
    assert said.endswith(
        " seconds. Nothing was written. Its history says who writes; run the job again when that writer is done."
    )
    assert content(folder) == [(0, 2), (1, 2), (2, 0), (3, 0)]


def test_a_conflict_that_delta_s_library_for_spark_reports_is_tried_again_too(folder):
    tried = []

    def write():
        tried.append(1)
        with writing("numbers", folder):
            if len(tried) == 1:
                raise ConcurrentAppendException("[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Transaction conflict detected.")
        return "written"

    assert in_turn("numbers", folder, write) == "written"
    assert len(tried) == 2


def test_other_errors_are_not_tried_again(folder):
    tried = []

    def write():
        tried.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_turn("numbers", folder, write)
    assert tried == [1]


def test_a_folder_that_is_not_there_is_not_waited_for(tmp_path):
    assert in_turn("numbers", tmp_path / "gone", lambda: "written") == "written"
