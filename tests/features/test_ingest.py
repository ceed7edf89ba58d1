"""Landing: declared types, and the same data twice changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from click.testing import CliRunner

import features
from feature_store import SchemaMismatch
from feature_store.discovery import discover
from features.ingest import ingest, main
from features.spec import LandedTable
from tests.frames import assert_df_equality

JANUARY = datetime(2014, 1, 1, tzinfo=UTC)
ROWS = pd.DataFrame(
    {
        "flight": ["B6-1", "B6-2"],
        "departed_at": pd.to_datetime(["2013-06-01T08:00:00.000001Z", None], utc=True),
        "is_late": pd.Series([True, None], dtype="boolean"),
        "delay": [1.5, None],
    }
)
LANDED = LandedTable(
    name="departures",
    description="Departures",
    owner="us@example.com",
    keys=["flight"],
    columns={
        "flight": ("string", "The flight"),
        "departed_at": ("timestamp", "When it left"),
        "is_late": ("boolean", "Whether late"),
        "delay": ("double", "Minutes"),
    },
    read=lambda: ROWS,
)


def changed(rows):
    return replace(LANDED, read=lambda: rows)


def test_rows_land_with_declared_types_descriptions_and_utc_moments(frame, store):
    assert ingest(store, LANDED, as_of=JANUARY) == 2

    assert_df_equality(
        store.tables.read("departures"),
        frame(
            [("B6-1", datetime(2013, 6, 1, 8, 0, 0, 1, tzinfo=UTC), True, 1.5), ("B6-2", None, None, None)],
            "flight string, departed_at timestamp, is_late boolean, delay double",
        ),
        ignore_row_order=True,
        ignore_nullable=True,
        ignore_metadata=True,
    )
    info = store.tables.info("departures")
    assert (info.description, info.properties["pipeline.owner"]) == ("Departures", "us@example.com")
    assert info.schema["delay"].metadata["comment"] == "Minutes"
    assert [field.name for field in info.schema if not field.nullable] == ["flight"]


def test_landing_twice_changes_nothing_and_landing_something_else_replaces_the_whole(store):
    ingest(store, LANDED, as_of=JANUARY)
    version = store.tables.version("departures")

    assert ingest(store, changed(ROWS.copy()), as_of=datetime(2015, 1, 1, tzinfo=UTC)) == 0
    assert store.tables.version("departures") == version

    assert ingest(store, changed(ROWS[:1]), as_of=JANUARY) == 1
    assert store.tables.read("departures").count() == 1
    assert ingest(store, LANDED, as_of=JANUARY) == 2


def test_a_column_that_the_declaration_has_gained_is_added_to_the_table(store):
    ingest(store, LANDED, as_of=JANUARY)
    more = replace(
        LANDED,
        columns={**LANDED.columns, "gate": ("string", "Where it left")},
        read=lambda: ROWS.assign(gate=["A1", None]),
    )

    assert ingest(store, more, as_of=JANUARY) == 2

    assert {row["gate"] for row in store.tables.read("departures").collect()} == {"A1", None}
    assert store.tables.columns("departures")["gate"].metadata == {"comment": "Where it left"}


def test_a_source_whose_stamp_is_the_same_is_not_read_again_and_one_with_another_stamp_or_columns_is(store):
    read = []

    def stamped(stamp, rows=ROWS, **others):
        return replace(LANDED, read=lambda: read.append(stamp) or rows, stamp=lambda: stamp, **others)

    assert ingest(store, stamped("one"), as_of=JANUARY) == 2
    assert ingest(store, stamped("one"), as_of=datetime(2015, 1, 1, tzinfo=UTC)) == 0
    assert read == ["one"]

    assert ingest(store, stamped("two", ROWS[:1]), as_of=JANUARY) == 1
    assert ingest(store, stamped("two", ROWS[:1], keys=["flight", "delay"]), as_of=JANUARY) == 1
    assert read == ["one", "two", "two"]
    store.tables.drop("departures")
    assert ingest(store, stamped("two"), as_of=JANUARY) == 2


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        (
            ROWS.drop(columns="delay"),
            SchemaMismatch,
            "'departures' gives the columns flight, departed_at, is_late; declared are",
        ),
        (ROWS.assign(delay="many"), SchemaMismatch, "'departures' does not fit its declared types: .*delay"),
        (
            ROWS.assign(flight=None),
            SchemaMismatch,
            "'departures' does not fit its declared types: .*flight.* 2 null values",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_the_table_stays_as_it_was(store, rows, error, text):
    ingest(store, LANDED, as_of=JANUARY)
    version = store.tables.version("departures")
    with pytest.raises(error, match=text):
        ingest(store, changed(rows), as_of=JANUARY)
    assert store.tables.version("departures") == version


def test_a_project_that_does_not_exist_is_an_error_of_one_sentence(spark, tmp_path):
    project = discover(features, LandedTable).projects[0]
    done = CliRunner().invoke(main, [f"{project}s", "--workspace", str(tmp_path)])
    assert done.exit_code == 1
    assert f"No sources are declared in features/{project}s/. Did you mean {project}?" in done.output
    assert "Traceback" not in done.output
