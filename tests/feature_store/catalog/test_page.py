"""The catalog's page in a real browser, opened from disk: search, tables, features, lineage, code; and what it must never do."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, Page, expect

from feature_store import FeatureStore, open_store
from feature_store.catalog.page.contents import LONGEST, contents
from feature_store.catalog.page.history import History
from feature_store.catalog.page.writing import page_of, write_page
from feature_store.catalog.reading import read_catalog
from feature_store.tables.commit import Commit
from tests.chromium import chromium
from tests.feature_store.catalog.shelves import at, publishing, register, shelve

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"quoted\" 'too' & <b>bold</b>"
HOSTILE_NAME = "<b>mood</b>\"'&"
LOAD = "test.couriers.courier_load"
LOADED = {
    "courier": "string",
    "known_at": "timestamp",
    "open_orders": "long: Orders in the bag",
    "bag_kilograms": "double: Weight of the bag",
    HOSTILE_NAME: f"string: {HOSTILE}",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Orders, two feature tables made of them, a champion that reads one, its scores, and a model of a column that is gone."""
    workspace = tmp_path_factory.mktemp("page")
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    shelve(
        store, "orders", {"order_id": "string"}, [("1",)], commit=Commit(verb="ingest-sources", as_of=at(5)), description="All orders"
    )  # fmt: skip
    checks = [{"check": "open_orders >= 0", "on_failure": "warn", "passed": False, "found": "1 row"}]
    rows = [("ann", at(1), 2, 1.5, "glad"), ("bob", at(2), None, 2.5, "glad"), ("ann", at(4), 7, 9.0, "sad")]
    shelve(
        store, "courier_load", LOADED, rows, keys=["courier", "known_at"], time="known_at", domain="bikes",
        description="What a courier carries", owner=HOSTILE, commit=publishing(at(5), checks=checks, module="features.load"),
    )  # fmt: skip
    shelve(
        store, "district", {"district": "string", "kilometres": "double: How far it is"}, [("old town", 1.5)], keys=["district"]
    )  # fmt: skip
    register(store, workspace / "v1", "late_order", {"courier_load": ["open_orders", "speed"]}, alias="champion")
    details = {"model": "test.couriers.late_order", "model_version": "1"}
    scored = Commit(verb="score-batch", as_of=at(5), sources={LOAD: 1}, details=details)
    shelve(store, "late_scores", {"order_id": "string", "prediction": "double"}, [("1", 0.5)], commit=scored)
    return store


@pytest.fixture(scope="module")
def document(store: FeatureStore) -> dict:
    measured = History(
        of="late_scores, 1 week", windows=["2024-01-01", "2024-01-08"], mean=[2.0, 3.0], low=[0.0, 1.0], high=[4.0, 5.0],
        drift=[0.1, None], limit=0.25, alerts=[f"critical: open_orders {HOSTILE}"],
    )  # fmt: skip
    return contents(store, read_catalog(store, as_of=at(6)), as_of=at(6), histories={(LOAD, "open_orders"): [measured]})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def reader(browser: Browser, document: dict, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page from disk; that nothing was asked of another host, and no script but its own ran, is seen at the end."""
    context, asked, said = browser.new_context(), [], []
    context.grant_permissions(["clipboard-read", "clipboard-write"])

    def opened(where: str = "", *, shown: dict = document, width: int = 1280) -> Page:
        path = tmp_path / "index.html"
        path.write_text(page_of(shown), encoding="utf-8")
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text))
        page.goto(path.as_uri() + where)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        return page

    yield opened
    context.close()
    assert [url for url in asked if not url.startswith("file:")] == []
    assert said == []


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_features_are_found_while_one_types_typos_forgiven(reader):
    page = reader()
    heading(page, "4 features in 2 tables")
    page.get_by_role("searchbox").press_sequentially("bag wieght")
    heading(page, "1 found")
    expect(page.locator("a.found")).to_have_text("courier_load.bag_kilograms")
    expect(page.get_by_role("status")).to_have_text("1 found")
    page.get_by_role("searchbox").fill("zzzz")
    heading(page, "Nothing found")
    page.get_by_role("searchbox").fill("late")
    page.reload()
    assert {"late_order/1", "late_scores", "courier_load"} <= set(page.locator("a.found").all_inner_texts())
    page.get_by_role("searchbox").fill("")
    heading(page, "4 features in 2 tables")


def test_a_table_a_feature_and_what_is_above_and_below_are_a_click_away(reader):
    page = reader()
    page.get_by_role("link", name="courier_load").first.click()
    heading(page, "courier_load")
    for text in ("features.load", "domain=bikes", "courier, known_at (time)", "open_orders >= 0", "failed"):
        expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_role("cell").get_by_role("link", name="open_orders").click()
    heading(page, "open_orders")
    expect(page.get_by_text("A change reaches 1 model, 1 score table. Ask couriers@example.com")).to_be_visible()
    assert page.locator(".lineage path").count() == 4
    expect(page.get_by_role("img", name=re.compile("^Mean, and the middle"))).to_be_visible()
    expect(page.get_by_text("limit 0.25")).to_be_visible()

    lineage = page.locator(".lineage")
    lineage.get_by_role("link", name="late_order/1").click()
    heading(page, "late_order/1")
    lineage.get_by_role("link", name="late_scores").click()
    heading(page, "late_scores")
    lineage.get_by_role("link", name="courier_load").click()
    lineage.get_by_role("link", name="orders", exact=False).first.click()
    heading(page, "orders")
    expect(page.get_by_text("A change reaches")).to_contain_text("2 feature tables, 1 model, 1 score table")
    page.go_back()
    heading(page, "courier_load")


def test_a_column_that_is_gone_says_who_was_made_with_it(reader):
    page = reader("#/" + LOAD)
    expect(page.get_by_text("is no column of it; made with it: late_order/1")).to_be_visible()
    page.get_by_role("link", name="speed").click()
    expect(page.get_by_text("It is no longer a column of the table.")).to_be_visible()
    expect(page.locator(".lineage").get_by_role("link", name="late_order/1")).to_be_visible()


def test_code_for_the_chosen_features_is_copied_and_is_python(reader):
    page = reader("#/" + LOAD)
    page.get_by_role("checkbox", name="Choose courier_load.open_orders").check()
    page.get_by_role("checkbox", name=f"Choose courier_load.{HOSTILE_NAME}").check()
    page.get_by_role("searchbox").fill("kilometres")
    page.get_by_role("checkbox", name="Choose district.kilometres").check()
    page.get_by_role("link", name="Code for 3 features").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    names: dict = {}
    exec(page.evaluate("navigator.clipboard.readText()"), names)
    load, district = names["lookups"]
    assert (load.table_name, load.lookup_key, load.timestamp_lookup_key) == (LOAD, ("courier",), "known_at")
    assert load.feature_names == ("open_orders", HOSTILE_NAME)
    assert (district.feature_names, district.timestamp_lookup_key) == (("kilometres",), None)
    page.get_by_role("button", name="Leave out district.kilometres").click()
    expect(page.get_by_role("link", name="Code for 2 features")).to_be_visible()


def test_what_others_wrote_is_shown_as_it_stands_and_never_runs(reader, document):
    evil = {
        "id": HOSTILE, "short": HOSTILE, "kind": HOSTILE, "about": HOSTILE, "owner": HOSTILE, "problem": HOSTILE,
        "facts": [["tags", HOSTILE]], "checks": [[False, HOSTILE, HOSTILE]],
    }  # fmt: skip
    edges = [*document["edges"], [LOAD, HOSTILE, [HOSTILE_NAME]]]
    shown = document | {"place": HOSTILE, "nodes": [*document["nodes"], evil], "edges": edges}
    page = reader(shown=shown)
    places = [
        "", "#/" + LOAD, "#?bold", "#?" + HOSTILE, "#/" + HOSTILE, "#/%", f"#/{LOAD}/open_orders", "#/__proto__", f"#/{LOAD}/constructor",
        page.evaluate("names => '#/' + names.map(encodeURIComponent).join('/')", [LOAD, HOSTILE_NAME]),
        page.evaluate("name => '#/' + encodeURIComponent(name)", HOSTILE),
    ]  # fmt: skip
    for place in places:
        page.evaluate("hash => { location.hash = hash; }", place)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert page.locator("main img, main script, main b:text-is('bold'), a[href^='javascript']").count() == 0
    heading(page, HOSTILE)
    expect(page.get_by_text(HOSTILE).nth(1)).to_be_visible()


def test_all_can_be_done_by_keyboard_alone(reader):
    page = reader()
    keyboard = page.keyboard

    def tab_to(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name).first
        for _ in range(40):
            keyboard.press("Tab")
            if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to the {role} {name!r}")

    keyboard.press("/")
    keyboard.type("open orders")
    heading(page, "1 found")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    heading(page, "open_orders")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    tab_to("link", "late_order/1")
    keyboard.press("Enter")
    heading(page, "late_order/1")
    tab_to("link", "courier_load")
    keyboard.press("Enter")
    heading(page, "courier_load")
    tab_to("checkbox", "Choose courier_load.open_orders")
    keyboard.press("Space")
    keyboard.press("/")
    tab_to("link", "Code for 1 feature")
    keyboard.press("Enter")
    tab_to("button", "Copy")
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()


def test_a_narrow_screen_shows_all_without_scrolling_sideways(reader, document):
    broad = {"id": "w" * 200, "short": "w" * 200, "kind": "table", "about": "w" * 200, "owner": "w" * 200}
    shown = document | {"nodes": [*document["nodes"], broad], "edges": [*document["edges"], [LOAD, "w" * 200]]}
    for where in (
        "",
        "#/" + LOAD,
        f"#/{LOAD}/open_orders",
        "#/test.couriers.late_order%2F1",
        "#?courier",
        "#/" + "w" * 200,
    ):
        page = reader(where, shown=shown, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, where


def test_ten_thousand_features_are_found_within_a_tenth_of_a_second(reader):
    subjects, measures = (
        ["airport", "carrier", "route", "gate"],
        ["delay_minutes", "departures", "share_late", "wind_speed"],
    )

    def table(number: int) -> dict:
        names = [f"{subjects[number % 4]}_{measures[one % 4]}_{one}h_{number}" for one in range(50)]
        columns = [
            {
                "name": name,
                "type": "double",
                "about": f"The {name}, as known by then",
                "nulls": "0.0 %",
                "values": "0.1 to 99.9",
            }
            for name in names
        ]
        return {
            "id": f"dev.flights.table_{number}", "short": f"table_{number}", "kind": "feature table", "keys": ["entity", "known_at"],
            "time": "known_at", "owner": f"team-{number % 7}@example.com", "columns": columns,
        }  # fmt: skip

    nodes = [table(number) for number in range(200)]
    models = [
        {"id": f"dev.flights.model/{number}", "short": f"model/{number}", "kind": "model"} for number in range(100)
    ]
    edges = [["dev.flights.table_0", model["id"]] for model in models]
    shown = {"place": "dev.flights", "as_of": "2024-01-06 00:00", "nodes": [*nodes, *models], "edges": edges}
    assert len(page_of(shown)) < 3_000_000
    page = reader(shown=shown)
    heading(page, "10,000 features in 200 tables")
    taken = page.evaluate(
        """words => words.map(word => {
            const field = document.getElementById('search'), start = performance.now();
            field.value = word;
            field.dispatchEvent(new Event('input'));
            return performance.now() - start;
        })""",
        [
            "w",
            "wi",
            "wind",
            "wnid",
            "wind spede",
            "share late airport",
            "team-3 departures",
            "carrier_share_late_14h_53",
            "zzzzzz",
        ],
    )
    assert median(taken) < 100
    page.get_by_role("searchbox").fill("carrier_share_late_14h_53")
    expect(page.locator("a.found").first).to_have_text("table_53.carrier_share_late_14h_53")
    page.evaluate("location.hash = '#/dev.flights.table_0'")
    expect(page.locator(".lineage a")).to_have_count(12)
    page.get_by_role("button", name="88 more").click()
    expect(page.locator(".lineage a")).to_have_count(100)


def test_half_a_name_is_found_by_its_words_and_an_address_that_leads_nowhere_says_so(reader):
    page = reader("#?curier%20laod")
    expect(page.locator("a.found").first).to_have_text("courier_load")
    page = reader("#/test.couriers.curier_laod")
    heading(page, "Not found")
    expect(page.get_by_text("There is nothing called test.couriers.curier_laod.")).to_be_visible()
    page.get_by_role("link", name="All tables").click()
    heading(page, "4 features in 2 tables")


def test_the_file_has_all_that_can_be_read_and_names_what_cannot(store, reader, tmp_path):
    folder = store.tables.path("late_scores")
    log = max((folder / "_delta_log").glob("*.json"))
    text = log.read_text()
    try:
        log.write_text("torn")
        path = write_page(store, read_catalog(store, as_of=at(6)), tmp_path / "new" / "folder", as_of=at(6))
    finally:
        log.write_text(text)
    found = re.search(r'<script type="application/json" id="catalog">(.*?)</script>', path.read_text(), re.DOTALL)
    nodes = {node["short"]: node for node in json.loads(found[1])["nodes"]}
    assert nodes["late_scores"]["problem"]
    assert nodes["courier_load"]["rows"] == 3
    page = reader(shown=json.loads(found[1]))
    expect(page.get_by_text("late_scores: Table test.couriers.late_scores is damaged")).to_be_visible()
    page.get_by_role("link", name="late_scores").first.click()
    expect(page.get_by_text("Cannot be read in full")).to_be_visible()


def test_no_tables_yet_is_a_page_too(reader, tmp_path):
    store = open_store(catalog="test", schema="nothing", workspace=tmp_path)
    page = reader(shown=contents(store, read_catalog(store), as_of=at(6)))
    heading(page, "0 features in 0 tables")
    expect(page.get_by_text("There are no feature tables yet")).to_be_visible()


def test_long_descriptions_are_cut(tmp_path):
    store = open_store(catalog="test", schema="long", workspace=tmp_path)
    shelve(store, "told", {"key": "string", "one": "long: " + "x" * 5000}, keys=["key"], description="y" * 5000)
    node = contents(store, read_catalog(store), as_of=at(6))["nodes"][0]
    assert {len(node["about"]), len(node["columns"][1]["about"])} == {LONGEST}
