"""A feature table's declaration: what contradicts itself is an error at import, in words that say the remedy."""

from datetime import timedelta

import pytest

from feature_store import FeatureLookup, FeatureTable, Misuse, SchemaMismatch, Source, WrongKind

FLIGHTS = Source(
    name="flights", description="Flights", table="flights", columns=["origin", "delay"], known_at="departed_at"
)


def declare(**changes):
    facts = {
        "name": "congestion",
        "description": "How late the airport runs",
        "owner": "flights@example.com",
        "primary_keys": ["origin", "known_at"],
        "timeseries_column": "known_at",
        "sources": [FLIGHTS],
        "features": {"departures": "Departures in the last hour"},
        "compute": lambda flights: flights,
    }
    return FeatureTable(**{**facts, **changes})


def test_columns_are_keys_then_time_then_features():
    table = declare(primary_keys=["known_at", "origin", "dest"], features={"late": "Late", "early": "Early"})

    assert table.columns == ["origin", "dest", "known_at", "late", "early"]
    assert table.entity_keys == ["origin", "dest"]
    assert declare(primary_keys=["origin"], timeseries_column=None).columns == ["origin", "departures"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "../congestion"}, "'../congestion' cannot be the name of a feature table"),
        ({"primary_keys": []}, "'congestion' needs at least one primary key besides the timeseries column"),
        ({"primary_keys": ["known_at"]}, "'congestion' needs at least one primary key besides the timeseries column"),
        ({"primary_keys": ["origin", "origin", "known_at"]}, "a primary key is named twice: origin, origin, known_at"),
        ({"primary_keys": ["origin"]}, r"'known_at' is not among the primary keys \(origin\). Add it as the last one"),
        ({"features": {"origin": "Origin"}}, "origin cannot be a key and a feature at once"),
        ({"features": {}}, "declares no features"),
        ({"sources": []}, "names no sources"),
        ({"features": {"departures": " "}}, "lacks a description of departures"),
        ({"description": None, "owner": ""}, "lacks its own description, an owner"),
        ({"lookback": timedelta(hours=-1)}, "lookback cannot be negative"),
    ],
)  # fmt: skip
def test_a_declaration_that_contradicts_itself_is_refused_by_name(changes, text):
    with pytest.raises(Misuse, match=text):
        declare(**changes)


def test_one_key_given_as_a_text_is_the_wrong_kind_and_the_list_to_write_is_said():
    with pytest.raises(WrongKind, match=r"primary_keys is a list of names. Write \['origin'\]"):
        declare(primary_keys="origin", timeseries_column=None)


def test_all_that_compute_gives_too_little_and_too_much_is_said_at_once():
    table = declare(features={"departures": "Departures", "late": "Late"})

    table.check_columns(["late", "departures", "known_at", "origin"])
    with pytest.raises(SchemaMismatch) as raised:
        table.check_columns(["orign", "known_at", "departures"])

    assert str(raised.value) == (
        "Feature table 'congestion': compute() does not give the declared columns. "
        "The key 'origin' is missing; Did you mean orign? There are: departures, known_at, orign. "
        "The feature 'late' is missing; There are: departures, known_at, orign. "
        "'orign' is not declared; describe it under features=, or drop it in compute()."
    )


def test_a_lookup_takes_a_declaration_or_a_name():
    table = declare()

    assert FeatureLookup(table, "origin", timestamp_lookup_key="decided_at").table_name == "congestion"
    assert FeatureLookup("dev.flights.congestion", "origin").table is None


def test_a_lookup_reads_its_arguments_as_the_vendors_does():
    lookup = FeatureLookup(
        declare(),
        ["origin"],
        feature_names="departures",
        timestamp_lookup_key=["decided_at"],
        rename_outputs={"departures": "d"},
    )

    assert (lookup.lookup_key, lookup.feature_names, lookup.timestamp_lookup_key) == (
        ("origin",),
        ("departures",),
        "decided_at",
    )
    assert lookup.output_name("departures") == "d"
    assert lookup.output_name("late") == "late"
    assert FeatureLookup("t", "k", feature_names="", timestamp_lookup_key=[]).feature_names == ()
