"""Delta tables by name: both writers, delta-rs and Spark, leave the same table and the same history."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql.types import StructField, StructType

from feature_store import Misuse, NotFound, SchemaMismatch, StorageError
from feature_store.tables.commit import FORMAT, Commit
from feature_store.tables.properties import FORMAT_PROPERTY
from tests.frames import assert_df_equality

MICROSECOND = timedelta(microseconds=1)
START, END = datetime(2013, 6, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC)
HOURLY = "origin string, known_at timestamp, wind double"
COMMIT = Commit(
    verb="publish-features",
    as_of=END,
    window=(START, END),
    sources={"test.flights.weather": 3},
    revision="abc",
    run="7",
)


@pytest.fixture(params=["delta-rs", "Spark"])
def tables(request, store):
    store.tables.in_process = request.param == "delta-rs"
    return store.tables


@pytest.fixture
def frame(frame):
    return lambda rows, schema=HOURLY: frame(rows, schema)


@pytest.fixture
def assert_table(frame):
    def compare(tables, rows, schema=HOURLY):
        assert_df_equality(tables.read("hourly"), frame(rows, schema), ignore_row_order=True, ignore_nullable=True)

    return compare


def columns(schema):
    """The declared columns; the keys among them are never null."""
    declared = StructType.fromDDL(schema)
    return StructType([StructField(f.name, f.dataType, f.name not in ("origin", "known_at")) for f in declared])


def test_exactly_the_window_is_replaced_and_the_rows_just_outside_of_it_stay(tables, frame, assert_table):
    tables.create("hourly", columns(HOURLY))
    before, after = ("JFK", START - MICROSECOND, 1.0), ("JFK", END, 4.0)
    tables.append("hourly", frame([before, ("JFK", START, 2.0), ("LGA", END - MICROSECOND, 3.0), after]), commit=COMMIT)

    rows = [("JFK", START, 20.0), ("EWR", END - MICROSECOND, None)]
    written = tables.replace_window("hourly", frame(rows), column="known_at", start=START, end=END, commit=COMMIT)

    assert written == 2
    assert_table(tables, [before, *rows, after])

    assert tables.replace_window("hourly", frame([]), column="known_at", start=START, end=END, commit=COMMIT) == 0
    assert_table(tables, [before, after])


def test_a_day_belongs_to_the_window_that_its_midnight_lies_in(tables, frame, assert_table):
    schema = "origin string, known_at date, flights int"
    tables.create("hourly", columns(schema))
    days = [date(2013, 6, 1), date(2013, 6, 2), date(2013, 6, 3)]
    tables.append("hourly", frame([("JFK", day, 1) for day in days], schema), commit=COMMIT)

    window = {"start": START + MICROSECOND, "end": START + timedelta(days=1, hours=6)}
    tables.replace_window("hourly", frame([("JFK", days[1], 2)], schema), column="known_at", **window, commit=COMMIT)

    assert_table(tables, [("JFK", days[0], 1), ("JFK", days[1], 2), ("JFK", days[2], 1)], schema)


def test_rows_outside_of_the_window_or_with_a_null_key_are_refused_and_nothing_is_written(tables, frame, assert_table):
    tables.create("hourly", columns(HOURLY))
    tables.append("hourly", frame([("JFK", START, 1.0)]), commit=COMMIT)

    for row in (("JFK", END, 1.0), (None, START, 1.0)):
        with pytest.raises(Misuse, match="test.flights.hourly refuses these rows"):
            tables.replace_window("hourly", frame([row]), column="known_at", start=START, end=END, commit=COMMIT)

    assert tables.version("hourly") == 1
    assert_table(tables, [("JFK", START, 1.0)])


def test_merging_writes_what_is_new_or_changed_and_makes_no_version_when_nothing_is(tables, frame):
    schema = "origin string, runways int, names array<string>, levels map<string,int>"
    tables.create("hourly", columns(schema))
    rows = [("JFK", 4, ["Kennedy", None], [("a", 1)]), ("LGA", None, None, None)]
    assert tables.merge("hourly", frame(rows, schema), keys=["origin"], commit=COMMIT) == 2
    version = tables.version("hourly")

    assert tables.merge("hourly", frame(rows, schema), keys=["origin"], commit=COMMIT) == 0
    assert tables.version("hourly") == version

    changed = [("JFK", 4, ["Kennedy"], [("a", 1)]), ("LGA", None, None, None), ("EWR", 3, [], [])]
    assert tables.merge("hourly", frame(changed, schema), keys=["origin"], commit=COMMIT) == 2
    assert tables.version("hourly") == version + 1
    assert sorted(tuple(row) for row in tables.read("hourly").collect()) == [
        ("EWR", 3, [], {}),
        ("JFK", 4, ["Kennedy"], {"a": 1}),
        ("LGA", None, None, None),
    ]


def test_each_write_is_one_commit_whose_metadata_spark_shows_and_comes_back(tables, frame):
    tables.create("hourly", columns(HOURLY))
    rows = frame([("JFK", START, 1.0)])
    tables.append("hourly", rows, commit=COMMIT)
    tables.overwrite("hourly", rows, commit=COMMIT)
    tables.replace_window("hourly", rows, column="known_at", start=START, end=END, commit=COMMIT)
    tables.merge("hourly", frame([("JFK", START, 2.0)]), keys=["origin", "known_at"], commit=COMMIT)

    shown = tables.spark.sql(f"DESCRIBE HISTORY delta.`{tables.path('hourly')}`").collect()

    assert [row.userMetadata for row in shown] == [COMMIT.to_json()] * 4 + [None]
    assert [entry.commit for entry in tables.history("hourly")] == [COMMIT] * 4 + [None]
    assert [entry.version for entry in tables.history("hourly")] == [4, 3, 2, 1, 0]


def test_small_files_are_put_together_once_there_are_many_in_a_commit_of_their_own_and_no_row_changes(
    store, frame, assert_table, monkeypatch
):
    monkeypatch.setattr("feature_store.tables.delta_tables.MANY_FILES", 3)
    tables = store.tables
    tables.create("hourly", columns(HOURLY))
    rows = [("JFK", START + hours * timedelta(hours=1), float(hours)) for hours in range(3)]
    files = []
    for row in rows:
        tables.append("hourly", frame([row]), commit=COMMIT)
        tables.compact("hourly", commit=COMMIT)
        files.append(len(tables.open("hourly").file_uris()))

    assert files == [1, 2, 1]
    assert_table(tables, rows)
    assert [entry.operation for entry in tables.history("hourly")] == [
        "OPTIMIZE",
        "WRITE",
        "WRITE",
        "WRITE",
        "CREATE TABLE",
    ]
    assert tables.history("hourly")[0].commit == COMMIT


def test_rows_of_other_columns_or_types_are_refused_with_all_that_is_wrong(tables, frame):
    tables.create("hourly", columns(HOURLY))
    with pytest.raises(SchemaMismatch) as raised:
        tables.append("hourly", frame([], "origin int, wind double, gust double"), commit=COMMIT)

    assert str(raised.value) == (
        "The rows do not fit test.flights.hourly: 'known_at' is missing, 'gust' is not a column of the table, "
        "'origin' is int and the table has string. Nothing was written."
    )


# ---- what does not depend on the writer


def test_a_table_tells_its_description_comments_properties_and_version(spark, store):
    schema = StructType.fromDDL(HOURLY)
    schema["wind"].metadata["comment"] = 'Wind, in "knots" – it\'s so'
    store.tables.create("hourly", schema, description="Winds of June", properties={"pipeline.owner": "us@example.com"})

    info = store.tables.info("hourly")

    assert (info.name, info.description, info.version) == ("test.flights.hourly", "Winds of June", 0)
    assert info.properties == {FORMAT_PROPERTY: str(FORMAT), "pipeline.owner": "us@example.com"}
    assert info.schema["wind"].metadata["comment"] == 'Wind, in "knots" – it\'s so'
    shown = spark.sql(f"DESCRIBE TABLE delta.`{store.tables.path('hourly')}`").where("col_name = 'wind'").first()
    assert shown.comment == 'Wind, in "knots" – it\'s so'


def test_a_table_is_a_folder_by_its_name_and_the_folder_is_all_there_is(store):
    store.tables.create("prod.other.hourly", StructType.fromDDL(HOURLY))

    assert (store.workspace / "warehouse" / "prod" / "other" / "hourly" / "_delta_log").is_dir()
    assert store.tables.exists("prod.other.hourly")
    assert not store.tables.exists("hourly")
    assert store.tables.names() == []
    store.tables.drop("prod.other.hourly")
    assert not (store.workspace / "warehouse" / "prod" / "other" / "hourly").exists()


@pytest.mark.parametrize("name", ["../../outside", "test.flights..", "..", "a.b./etc", "test.flights.x/../../y", ""])
def test_no_name_leads_out_of_the_warehouse(store, name):
    with pytest.raises(Misuse):
        store.tables.path(name)


def test_a_table_written_by_a_newer_version_is_refused_with_what_to_do(store):
    store.tables.create("hourly", StructType.fromDDL(HOURLY))
    store.tables.set_properties("hourly", {FORMAT_PROPERTY: str(FORMAT + 1)})

    for use in (store.tables.info, store.tables.read, store.tables.history):
        with pytest.raises(
            StorageError, match=f"test.flights.hourly has format {FORMAT + 1}; .* up to {FORMAT}. Upgrade it"
        ):
            use("hourly")


def test_an_old_version_is_read_and_one_that_is_not_there_is_not_found(store, frame):
    store.tables.create("hourly", StructType.fromDDL(HOURLY))
    store.tables.append("hourly", frame([("JFK", START, 1.0)]), commit=COMMIT)

    assert store.tables.read("hourly", version=0).count() == 0
    assert store.tables.read("hourly").count() == 1
    with pytest.raises(NotFound, match="test.flights.hourly cannot be read at version 7"):
        store.tables.read("hourly", version=7)


def test_new_columns_are_null_in_old_rows_and_columns_that_are_there_stay(store, frame, assert_table):
    store.tables.create("hourly", StructType.fromDDL(HOURLY))
    store.tables.append("hourly", frame([("JFK", START, 1.0)]), commit=COMMIT)

    store.tables.add_columns("hourly", StructType.fromDDL("wind double, gust double"))
    store.tables.add_columns("hourly", StructType.fromDDL("gust double"))

    assert store.tables.version("hourly") == 2
    assert_table(store.tables, [("JFK", START, 1.0, None)], HOURLY + ", gust double")


def test_a_workspace_with_blanks_and_umlauts_in_its_name_is_one_like_any_other(tmp_path, frame):
    from feature_store import open_store

    tables = open_store(catalog="test", schema="flights", workspace=tmp_path / "für alle 100%").tables
    tables.create("hourly", columns(HOURLY))
    rows = [("JFK", START, 1.0), ("LGA", START, None)]
    for in_process, row in zip((True, False), rows, strict=True):
        tables.in_process = in_process
        tables.append("hourly", frame([row]), commit=COMMIT)
        assert tables.merge("hourly", frame([row]), keys=["origin", "known_at"], commit=COMMIT) == 0
    names = ["origin", "known_at", "wind"]
    assert sorted(tables.arrow("hourly", names).rows(), key=str) == sorted(rows, key=str)
    assert sorted(tables.arrow("hourly", names, version=1).rows()) == rows[:1]


def test_a_frame_that_was_cached_stays_cached(store, frame):
    store.tables.create("hourly", StructType.fromDDL(HOURLY))
    df = frame([("JFK", START, 1.0)]).persist()

    store.tables.append("hourly", df, commit=COMMIT)

    assert df.storageLevel.useMemory
    df.unpersist()


def test_a_workspace_that_cannot_be_written_is_said_so(tmp_path):
    from feature_store import open_store

    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file cannot be written: .* Choose another with --workspace"):
        open_store(workspace=tmp_path / "file")
    with pytest.raises(Misuse, match="There is no store backend 'lokal'. Did you mean local"):
        open_store(workspace=tmp_path, backend="lokal")
