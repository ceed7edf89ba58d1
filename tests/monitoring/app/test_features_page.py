"""The features' pages beside the alerts', in a real browser: search, table, feature, lineage in both directions, lookup code."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from feature_store import open_store
from feature_store.catalog.lookups import lookup_code
from feature_store.catalog.model import Column, Table
from feature_store.tables.commit import Commit
from monitoring.app.feature_history import drawn
from tests.chromium import PATIENCE_MS
from tests.feature_store.catalog.shelves import at, publishing, register, shelve
from tests.monitoring.app.conftest import ROOT, Reviewer, serving

HOSTILE = '<img src=x onerror=alert(1)> **bold** [here](http://evil.example) "quoted" :red[red]'
HOSTILE_NAME = "<b>mood</b>\"'&"
LOAD = "test.couriers.courier_load"
LOADED = {
    "courier": "string", "known_at": "timestamp", "open_orders": "long: Orders in the bag",
    "bag_kilograms": "double: Weight of the bag", HOSTILE_NAME: f"string: {HOSTILE}",
}  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace: Path = tmp_path_factory.mktemp("features") / "workspace"
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    shelve(store, "orders", {"order_id": "string"}, [("1",)], commit=Commit(verb="ingest-sources", as_of=at(5)))
    checks = [{"check": "open_orders >= 0", "on_failure": "warn", "passed": False, "found": "1 row"}]
    shelve(
        store, "courier_load", LOADED, [("ann", at(1), 2, 1.5, "glad"), ("bob", at(2), None, 2.5, "sad")],
        keys=["courier", "known_at"], time="known_at", description="What a courier carries", owner=HOSTILE,
        commit=publishing(at(5), checks=checks, module="features.load"),
    )  # fmt: skip
    register(store, workspace / "v1", "late_order", {"courier_load": ["open_orders", "speed"]}, alias="champion")
    details = {"model": "test.couriers.late_order", "model_version": "1"}
    scored = Commit(verb="score-batch", as_of=at(5), sources={LOAD: 1}, details=details)
    shelve(store, "late_scores", {"order_id": "string", "prediction": "double"}, [("1", 0.5)], commit=scored)
    with serving(workspace, "--catalog", "test", "--schema", "couriers", LOGNAME="ann") as found:
        yield found


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Callable[..., Reviewer]]:
    """Somebody who looks for features; that nothing of what others wrote ran, and no other host was asked, is seen at the end."""
    context, said, asked = browser.new_context(), [], []
    context.set_default_timeout(PATIENCE_MS)

    def one(*, width: int = 1280) -> Reviewer:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        return Reviewer(page, address)

    yield one
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_features_are_searched_opened_and_followed_up_and_down(reader):
    ann = reader().open()
    ann.page.get_by_role("button", name="Features").click()
    ann.sees("3 features of 1 table in test.couriers")
    expect(ann.page.get_by_text("Streamlit's own")).to_have_count(0)
    ann.page.get_by_label("Search").fill("bag wieght")
    ann.page.get_by_label("Search").press("Enter")
    ann.sees("1 found")
    ann.follow("courier_load.bag_kilograms")
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("bag_kilograms")
    ann.sees("Nobody that is recorded reads it.")
    ann.page.get_by_role("button", name="feature of courier_load").click()
    for text in (
        "owner: ",
        "keys: courier, known_at (time)",
        "made by: features.load",
        "failed: open_orders >= 0: 1 row",
    ):
        ann.sees(text)
    ann.sees("speed is no column of it; made with it: late_order/1")
    ann.follow("late_order/1")
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("late_order/1")
    ann.sees("A change reaches late_scores. Ask couriers@example.com first.")
    ann.follow("courier_load")
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("courier_load")
    ann.settled().page.locator("svg a").filter(has_text="orders").first.click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("orders")
    ann.page.get_by_role("button", name="Drift alerts").click()
    ann.sees("There are no alerts.")


def test_chosen_features_are_code_to_copy(reader):
    ann = reader().open(f"?page=features&name={LOAD}")
    field = ann.page.get_by_role("combobox", name="Features to look up")
    field.press_sequentially("open_ord")
    offered = ann.page.get_by_role("option", name="open_orders")
    expect(offered).to_be_visible()
    offered.click()
    expect(ann.page.locator("pre")).to_contain_text('feature_names=["open_orders"]')
    ann.settled().page.keyboard.press("Escape")  # as long as names are offered, they hide all else
    expect(ann.page.get_by_test_id("stMultiSelectDropdown")).to_have_count(0)
    ann.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ann.page.get_by_role("button", name="Copy").click()
    expect(ann.page.get_by_role("button", name="Copied")).to_be_visible()
    assert 'feature_names=["open_orders"]' in ann.page.evaluate("navigator.clipboard.readText()")


def test_who_has_just_copied_reads_so_until_there_is_something_else_to_copy(reader):
    said = reader().page.evaluate(
        """async script => {
            const { default: draw } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
            const parentElement = document.createElement("div");
            const drawn = data => (draw({ data, parentElement }), parentElement.textContent);
            const before = drawn("one");
            parentElement.querySelector("button").textContent = "Copied";
            return [before, drawn("one"), drawn("two")];
        }""",
        (ROOT / "monitoring" / "app" / "copyable.js").read_text(),
    )
    assert said == ["Copyone", "Copiedone", "Copytwo"]


def test_what_others_wrote_is_shown_as_it_stands_and_never_runs(reader):
    ann = reader()
    for query in ("?page=features", f"?page=features&name={LOAD}", "?page=features&name=<img src=x onerror=alert(2)>"):
        ann.open(query)
        assert ann.page.locator("img[src=x], a[href*=evil], main b, strong:text-is('bold')").count() == 0
    ann.sees("There is nothing called '<img src=x onerror=alert(2)>' in test.couriers.")
    ann.open("?page=features&name=" + LOAD).settled().page.get_by_role("link", name="mood").click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    ann.sees(HOSTILE)


def test_a_narrow_screen_shows_all_without_scrolling_sideways(reader):
    for query in ("?page=features", f"?page=features&name={LOAD}", f"?page=features&name={LOAD}.open_orders"):
        ann = reader(width=390).open(query)
        widths = ann.page.evaluate(
            "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"
        )
        assert max(widths) <= 390, query


def test_code_has_the_features_in_the_tables_order_and_the_time_where_there_is_one():
    columns = [Column("key", "string"), Column("one", "long"), Column('"two"', "long")]
    tables = {"a.b.c": Table("a.b.c", keys=["key"], columns=columns)}
    names: dict = {}
    exec(lookup_code({"a.b.c": {'"two"', "one"}}, tables), names)
    [lookup] = names["lookups"]
    assert (lookup.table_name, lookup.lookup_key, lookup.feature_names) == ("a.b.c", ("key",), ("one", '"two"'))
    assert lookup.timestamp_lookup_key is None


def test_a_history_is_a_line_without_what_was_not_measured_and_its_limit():
    chart = drawn(["2024-01-01", "2024-01-08"], [0.5, None], 0.25)
    assert chart["data"] == {"values": [{"at": "2024-01-01", "value": 0.5}]}
    assert [layer["encoding"]["y"].get("datum") for layer in chart["layer"]] == [None, 0.25]
    assert len(drawn(["2024-01-01"], [0.5], None)["layer"]) == 1


def test_all_can_be_done_by_keyboard_alone(reader):
    ann = reader().open("?page=features")
    page, press = ann.page, ann.page.keyboard.press

    def tab_to(role: str, name: str, *, key: str = "Tab") -> None:
        wanted = page.get_by_role(role, name=name, exact=True).first
        for _ in range(40):
            press(key)
            if wanted.count() and wanted.evaluate("element => element.matches(':focus')"):
                return
        raise AssertionError(f"{key} does not lead to the {role} {name!r}")

    def opened(heading: str) -> None:
        press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        ann.settled()

    tab_to("searchbox", "Search")
    page.keyboard.type("carreis")
    press("Enter")
    ann.sees("found")
    tab_to("link", "courier_load")
    opened("courier_load")
    tab_to("link", "open_orders")
    opened("open_orders")
    tab_to("link", "late_order/1", key="Shift+Tab")
    opened("late_order/1")
    page.go_back()  # Alt and the left arrow are the browser's own, and never reach a page
    expect(page.get_by_role("heading", level=1)).to_have_text("open_orders")
    ann.settled()
    tab_to("button", "feature of courier_load")
    opened("courier_load")
    tab_to("button", "All features", key="Shift+Tab")
    opened("Features")
