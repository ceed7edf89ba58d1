"""The disk is full, or may not be written: one sentence says so, the table stays as it was, and a rerun succeeds."""

import re

import pytest

from feature_store import StorageError, open_store
from tests.safety.other import create, replace

WRITERS = pytest.mark.parametrize("in_process", [True, False], ids=["delta-rs", "Spark"])


@pytest.fixture
def table(store):
    """The table ``hourly``: four stations, the two first hours, by nobody."""
    create(store, name="hourly")
    replace(store, writer="nobody", times=1, hours=[0, 2])
    return store.tables


@pytest.fixture
def modes(store):
    """Takes the right to write from folders, and gives it back."""
    taken = []

    def take(place):
        for folder in [place, *(found for found in place.rglob("*") if found.is_dir())]:
            folder.chmod(0o555)
            taken.append(folder)

    def give_back():
        while taken:
            taken.pop().chmod(0o755)

    yield take, give_back
    give_back()


def assert_as_it_was(tables):
    assert [entry.commit.verb for entry in tables.history("hourly")[:-1]] in (["nobody 0"], ["nobody 0"] * 2)
    expected = [("nobody", 0)] * 8
    assert tables.arrow("hourly", ["writer", "value"]).rows() == expected
    assert [tuple(row) for row in tables.read("hourly").select("writer", "value").collect()] == expected


@WRITERS
def test_a_full_disk_is_said_so_and_leaves_the_table_as_it_was_until_there_is_space(store, table, other, in_process):
    # Java unpacks libraries of its own when it first writes: that must not be what fails.
    other.do("replace", store, writer="nobody", times=1, hours=[0, 2], in_process=in_process)
    with other.largest_file(20_000):
        answer = other.do("fill", store, rows=5_000, in_process=in_process)

    assert answer == {
        "error": "StorageError",
        "text": f"test.couriers.hourly cannot be written in {table.path('hourly')}: File too large. The table is as it was. "
        "Free space there (Delta's VACUUM removes what no version needs), and run the job again.",
    }
    assert_as_it_was(table)

    assert other.do("fill", store, rows=5_000, in_process=in_process) == {"result": None}
    assert table.rows("hourly") == 5_000


@WRITERS
def test_a_table_that_may_not_be_written_is_said_so_with_its_folder(store, table, other, modes, in_process):
    take, give_back = modes
    take(table.path("hourly"))

    answer = other.do("replace", store, writer="they", times=1, hours=[0, 2], in_process=in_process)

    assert answer == {
        "error": "StorageError",
        "text": f"test.couriers.hourly cannot be written in {table.path('hourly')}: Permission denied. The table is as it "
        "was. Check the folder's permissions and the disk, and run the job again.",
    }
    assert_as_it_was(table)

    give_back()
    assert other.do("replace", store, writer="they", times=1, hours=[0, 2], in_process=in_process) == {"result": None}
    assert table.arrow("hourly", ["writer"]).unique().rows() == [("they",)]


def test_a_table_cannot_be_made_where_nothing_may_be_written(store, table, other, modes):
    take, _ = modes
    take(table.warehouse / "test")
    answer = other.do("create", store, name="daily")
    assert (answer["error"], answer["text"].split(". ")[0]) == (
        "StorageError",
        f"test.couriers.daily cannot be written in {table.path('daily')}: Permission denied",
    )
    assert table.names() == ["hourly"]

    take(table.warehouse)
    answer = other.do("create", store, name="daily")
    assert answer == {
        "error": "StorageError",
        "text": f"The workspace {store.workspace} cannot be written: permission denied. Choose another with --workspace.",
    }


@pytest.mark.parametrize("character", ["[", "]", "^", "|", "\\", "?", "`", "%20"])
def test_a_workspace_whose_path_cannot_be_an_address_is_refused_before_anything_is_made(tmp_path, character):
    place = tmp_path / f"week{character}7"

    with pytest.raises(StorageError, match=re.escape(f"its path has {character}, which")):
        open_store(catalog="test", schema="flights", workspace=place)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["my work", "Wörk", "it's", "100%", "{a}*#<b>", "a+b=c, d~e;(1)&$@!"])
def test_a_workspace_with_blanks_umlauts_and_signs_in_its_path_is_written_and_read(spark, tmp_path, name):
    there = open_store(catalog="test", schema="flights", workspace=tmp_path / name)
    create(there, name="hourly")
    replace(there, writer="nobody", times=1, hours=[0, 2])

    assert [(row.writer, row.value) for row in there.tables.read("hourly").collect()] == [("nobody", 0)] * 8
    assert there.tables.arrow("hourly", ["writer"]).height == 8
