"""A writer, or the disk, failed half-way: what was no table yet can be made, what was one is whole or said to be damaged."""

import pytest

from feature_store.errors import NotFound, StorageError
from tests.safety.other import append, create, replace


@pytest.fixture
def table(store):
    """The table ``hourly``: four stations, the two first hours, by nobody, and the first hour once more by us."""
    create(store, name="hourly")
    replace(store, writer="nobody", times=1, hours=[0, 2])
    append(store, writer="we", times=1)
    return store.tables


def log(tables, version):
    return tables.path("hourly") / "_delta_log" / f"{version:020}.json"


def writers(tables):
    """Who wrote the rows, as both readers see them."""
    spark = sorted(row.writer for row in tables.read("hourly").select("writer").collect())
    assert tables.arrow("hourly", ["writer"]).sort("writer")["writer"].to_list() == spark
    return spark


def without_a_log(tables):
    for version in range(3):
        log(tables, version).unlink()
    log(tables, 0).parent.rmdir()


def with_an_empty_log(tables):
    for version in range(3):
        log(tables, version).unlink()


def half_dropped(tables):
    log(tables, 0).parent.rename(tables.path("hourly") / "_delta_log.dropped")


@pytest.mark.parametrize("broken", [without_a_log, with_an_empty_log, half_dropped])
def test_data_files_without_a_commit_are_no_table_and_are_not_seen_once_there_is_one(store, table, broken):
    broken(table)

    assert not table.exists("hourly")
    assert table.names() == []
    for use in (table.info, table.read, table.drop):
        with pytest.raises(NotFound, match="There is no table test.couriers.hourly"):
            use("hourly")

    create(store, name="hourly")
    append(store, writer="we", times=1)

    assert writers(table) == ["we"] * 4
    table.drop("hourly")
    assert not table.path("hourly").exists()


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("share", [0, 0.5], ids=["empty", "half"])
def test_a_commit_cut_off_is_damage_and_never_read_over(store, table, version, share):
    whole = log(table, version).read_text()
    log(table, version).write_text(whole[: int(len(whole) * share)])

    for use in (table.info, table.read, table.history, lambda name: append(store, writer="they", times=1)):
        with pytest.raises(StorageError) as raised:
            use("hourly")
        assert str(raised.value).startswith("Table test.couriers.hourly is damaged: ")
        assert str(raised.value).endswith(
            f". Restore the folder {table.path('hourly')} from a copy, or drop the table and make it again (for a feature "
            "table: publish-features with --full)."
        )

    log(table, version).write_text(whole)
    assert writers(table) == ["nobody"] * 8 + ["we"] * 4

    log(table, version).write_text("")
    table.drop("hourly")
    create(store, name="hourly")
    assert writers(table) == []


def test_what_a_writer_left_that_died_before_its_commit_is_never_seen(store, table):
    names = [f"{3:020}.json#1", f".{3:020}.json.5f2c.tmp", "_commit_5f2c.json.tmp"]
    for name in names:
        (log(table, 0).parent / name).write_text('{"add": {"path": "half')
    (table.path("hourly") / "part-00000-5f2c-c000.snappy.parquet").write_bytes(b"PAR1")

    assert writers(table) == ["nobody"] * 8 + ["we"] * 4
    for in_process in (True, False):
        store.tables.in_process = in_process
        append(store, writer="you", times=1)

    assert writers(table) == ["nobody"] * 8 + ["we"] * 4 + ["you"] * 8
    assert table.names() == ["hourly"]
