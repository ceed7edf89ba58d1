"""Words find tables and features by all that is said of them, misspelt or not, the best first."""

import pytest

from feature_store.catalog.model import FEATURE_TABLE, MODEL, MONITOR, Catalog, Column, Reader, Table
from feature_store.catalog.search import Index
from feature_store.tables.commit import Commit
from tests.feature_store.catalog.shelves import at

WEATHER = Table(
    "dev.flights.airport_weather", FEATURE_TABLE, "The latest observation at the airport", "meteo@example.com",
    {"domain": "nature"}, keys=["origin", "known_at"], time="known_at",
    columns=[
        Column("origin", "string"), Column("known_at", "timestamp"),
        Column("wind_gust_mph", "double", "Speed of gusts, in miles per hour"),
        Column("temperature_f", "double", "Air temperature"),
    ],
    commit=Commit(verb="publish-features", as_of=at(1), sources={"dev.flights.noaa": 3}, details={"views": ["readings"]}),
)  # fmt: skip
AIRCRAFT = Table(
    "dev.flights.aircraft", FEATURE_TABLE, "What the register knows", "fleet@example.com", keys=["tailnum"],
    columns=[Column("tailnum", "string"), Column("seats", "bigint", "How many sit in it, whatever the weather")],
)  # fmt: skip
READERS = [
    Reader("dev.flights.flight_delay/3", MODEL, "models@example.com", {WEATHER.name: {"wind_gust_mph"}}, ["champion"]),
    Reader("schedule", MONITOR, "ops@example.com", {AIRCRAFT.name: None}),
]
CATALOG = Catalog("dev.flights", {one.name: one for one in (WEATHER, AIRCRAFT)}, READERS)


SAID = [
    (["temperature"], "airport_weather.temperature_f"),
    (["miles", "per", "hour"], "airport_weather.wind_gust_mph"),
    (["meteo"], "airport_weather"),
    (["nature"], "airport_weather"),
    (["noaa"], "airport_weather"),
    (["readings"], "airport_weather"),
    (["schedule"], "aircraft"),
    (["tailnum"], "aircraft"),
    (["fleet@example.com"], "aircraft"),
]
TYPOS = ["temprature", "tempertaure", "temperatur", "temperaturre", "TEMPERATURE", "tempera"]


def found(*words: str) -> list[str]:
    return [one.name for one in Index(CATALOG).search(words)]


@pytest.mark.parametrize(("words", "what"), SAID)
def test_a_word_is_found_wherever_it_is_said(words: list[str], what: str) -> None:
    assert found(*words)[0] == what


def test_the_model_that_reads_a_feature_finds_it_and_its_table_and_no_other_feature() -> None:
    assert set(found("flight_delay")) == {"airport_weather", "airport_weather.wind_gust_mph"}


@pytest.mark.parametrize("typo", TYPOS)
def test_a_typo_does_no_harm(typo: str) -> None:
    assert found(typo) == ["airport_weather.temperature_f"]


def test_a_name_counts_more_than_a_description() -> None:
    assert found("weather") == ["airport_weather", "aircraft.seats"]


def test_a_name_may_be_written_together() -> None:
    assert found("airportweather") == ["airport_weather"]


def test_all_words_must_be_found_and_the_tables_count_for_their_features() -> None:
    assert found("weather", "gust") == ["airport_weather.wind_gust_mph"]


def test_if_nothing_has_all_words_that_which_has_most_of_them_is_found() -> None:
    assert found("wind", "gust", "zebra") == ["airport_weather.wind_gust_mph"]


def test_what_is_like_nothing_finds_nothing_and_the_closest_names_are_there_to_be_suggested() -> None:
    assert found("zebra") == []
    assert found("set") == []
    assert Index(CATALOG).closest(["set"]) == ["seats"]


def test_words_of_signs_only_find_nothing() -> None:
    assert found("<>", "'") == []


def test_ten_thousand_features_are_searched_and_the_one_that_is_meant_comes_first() -> None:
    columns = [Column(f"feature_{number}", "double", f"What number {number} says") for number in range(10_000)]
    wide = Table(
        "dev.flights.wide", FEATURE_TABLE, "Very wide", keys=["id"], columns=[Column("id", "string"), *columns]
    )
    catalog = Catalog("dev.flights", {wide.name: wide, WEATHER.name: WEATHER})

    assert Index(catalog).search(["feature", "7301"])[0].name == "wide.feature_7301"
    assert Index(catalog).search(["wether"])[0].name == "airport_weather"
