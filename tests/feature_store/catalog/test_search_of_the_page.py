"""The page's script and ``show-features`` find the same, in the same order, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from feature_store import open_store
from feature_store.catalog.model import FEATURE_TABLE, Catalog, Table
from feature_store.catalog.page.contents import contents
from feature_store.catalog.page.writing import page_of
from feature_store.catalog.reading import read_catalog
from feature_store.catalog.search import Index
from feature_store.tables.commit import Commit
from tests.chromium import chromium
from tests.feature_store.catalog.shelves import at, register, shelve
from tests.feature_store.catalog.test_search import AIRCRAFT, SAID, TYPOS, WEATHER

ASKED = [
    *(" ".join(words) for words, _ in SAID), *TYPOS,
    "flight_delay", "weather", "airportweather", "weather gust", "wind gust zebra", "wind wind gust", "zebra", "set", "<> '",
    "w", "know", "wether", "register weather", "gsut", "per", "mph hour air", "Über", "fluge", "3h",
]  # fmt: skip
NOTHING = ["zebra", "set", "<> '"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, dict]:
    """The catalog of ``test_search.py`` as tables, with one more whose words have letters of other languages; and the page's data."""
    workspace: Path = tmp_path_factory.mktemp("search")
    store = open_store(catalog="dev", schema="flights", workspace=workspace)
    for table in (WEATHER, AIRCRAFT):
        columns = {
            column.name: f"{column.type}: {column.description}".replace("bigint", "long") for column in table.columns
        }
        shelve(
            store, table.short, columns, keys=table.keys, time=table.time, description=table.description, owner=table.owner,
            commit=table.commit, **table.tags,
        )  # fmt: skip
    shelve(store, "overflights_3h", {"id": "string", "Zahl_3h": "double: Flüge über dem Ort, in 3h"}, keys=["id"])
    register(store, workspace / "v1", "flight_delay", {WEATHER.short: ["wind_gust_mph"]}, alias="champion")
    checked = Commit(verb="check-drift", as_of=at(5), sources={AIRCRAFT.name: 1}, details={"monitor": "schedule"})
    shelve(store, "measured", {"id": "string"}, commit=checked)
    found = read_catalog(store, as_of=at(6))
    return found, contents(store, found, as_of=at(6))


@pytest.fixture(scope="module")
def on_the_page(
    browser: Browser, catalog: tuple[Catalog, dict], tmp_path_factory
) -> Iterator[Callable[[str], list[str]]]:
    """Type, and read which feature tables and features are found: the page finds models, monitors and other tables, too."""
    path: Path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page_of(catalog[1]), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    tables = [node["short"] for node in catalog[1]["nodes"] if node["kind"] == FEATURE_TABLE]

    def typed(text: str) -> list[str]:
        page.get_by_role("searchbox").fill(text)
        expect(page.get_by_role("heading", level=1)).to_contain_text("ound")
        return [name for name in page.locator("a.found").all_inner_texts() if name.split(".")[0] in tables]

    yield typed
    page.close()


def test_the_page_finds_what_show_features_finds_in_the_same_order(on_the_page, catalog) -> None:
    index = Index(catalog[0])
    here = {text: [one.name for one in index.search(text.split())] for text in ASKED}
    assert {text: on_the_page(text) for text in ASKED} == here
    assert [text for text, names in here.items() if not names] == NOTHING


def test_the_tables_are_those_of_the_other_test(catalog) -> None:
    read: dict[str, Table] = dict(catalog[0].tables)
    for table in (WEATHER, AIRCRAFT):
        assert (read[table.name].columns, read[table.name].tags, read[table.name].keys) == (
            table.columns,
            table.tags,
            table.keys,
        )
    assert {one.name for one in catalog[0].readers} >= {"dev.flights.flight_delay/1", "schedule"}
