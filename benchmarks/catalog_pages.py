"""Time the catalog's pages in Chromium: the file that ``write-catalog`` writes, and the features' pages of ``review-alerts serve``."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from browsing import IDLE, Spent, pressed, review_page, serving, shown, timed
from playwright.sync_api import BrowserContext, Page

PLACE = "dev.flights"
TYPED = ["wind speed airport", "wether", "share late crew", "queue lenght gate", "model_3 runway"]
CODE = """
import streamlit as st
at = int(st.query_params.get("at", 0))
if st.button("on"):
    st.query_params["at"] = at + 1
    st.rerun()
st.title(f"page {at}")
"""
Seconds = Mapping[str, list[Spent]]
Names = Callable[[int], tuple[str, list[str]]]


def the_file(browser: BrowserContext, workspace: Path, folder: Path, names: Names, *, times: int) -> Seconds:
    """The catalog as one file: opened, searched letter by letter, and read by pressing links."""
    program = [str(Path(sys.executable).with_name("write-catalog")), "--to", str(folder), "--workspace", str(workspace)]
    found: Seconds = defaultdict(list)
    found["write-catalog"].append(timed(lambda: subprocess.run(program, check=True, stdout=subprocess.DEVNULL)))
    address, page = (folder / "index.html").as_uri(), browser.new_page()
    page.goto(address)
    summed = page.locator("h1").inner_text()

    def opened(where: str, heading: str) -> Spent:
        page.goto("about:blank")
        return timed(lambda: page.goto(address + where), lambda: shown(page, {"h1": heading}))

    def followed(link: str, heading: str, within: str = "main") -> Spent:
        press = pressed(page, page.locator(within).get_by_role("link", name=link, exact=True).first)
        return timed(press, lambda: shown(page, {"h1": f"={heading}"}))

    for number in range(times):
        table, columns = names(number)
        model = f"model_{number // 5 % 10}/5"
        found["opened"].append(opened("", "features in"))
        found["a table"].append(followed(table, table))
        found["a feature"].append(followed(columns[3], columns[3]))
        found["a model"].append(followed(f"model, champion {model}", model, ".lineage"))
        found["the list again"].append(followed(f"Features of {PLACE}", summed, "header"))
        page.get_by_role("searchbox").focus()
        text = TYPED[number % len(TYPED)]
        for letters in range(1, len(text) + 1):
            page.evaluate("document.querySelector('h1').textContent = ''")
            press = page.keyboard.press
            found["a letter typed"].append(
                timed(lambda: press(text[letters - 1]), lambda: shown(page, {"h1": "found"}))  # noqa: B023
            )
        found["opened at a feature"].append(opened(f"#/{PLACE}.{table}/{columns[5]}", columns[5]))
    page.close()
    return found


def review_pages(browser: BrowserContext, workspace: Path, names: Names, *, times: int) -> Seconds:
    """The features' pages: loaded, and gone through by pressing links: what is the first of its kind after a load is told apart."""
    found: Seconds = defaultdict(list)
    with serving(review_page(workspace)) as address:
        page = browser.new_page()

        def opened(name: str, heading: str, graph: str = "") -> Spent:
            page.goto("about:blank")
            query = f"?page=features&name={quote(name)}" if name else "?page=features"
            return timed(lambda: page.goto(address + query), lambda: _settled(page, heading, graph))

        def followed(name: str, heading: str, graph: str = "", role: str = "link") -> Spent:
            press = pressed(page, page.get_by_role(role, name=name, exact=True).first)
            return timed(press, lambda: _settled(page, heading, graph))

        def gone_through(number: int, note: str = "") -> None:
            table, columns = names(number)
            model = f"model_{number // 5 % 10}/5"
            found[f"a table not seen before{note}"].append(followed(table, table, table))
            found[f"a feature{note}"].append(followed(columns[3], columns[3], f"{table}.{columns[3]}"))
            found[f"a table seen before{note}"].append(followed(f"feature of {table}", table, table, "button"))
            found[f"a model{note}"].append(followed(model, model, model))
            found[f"the list again{note}"].append(followed("All features", "Features", role="button"))
            for text, best in _searches(names(number)):
                page.get_by_label("Search").fill(text)
                enter = lambda: page.get_by_label("Search").press("Enter")  # noqa: E731
                wanted = IDLE | {".links a": f"={best}", "[data-testid=stText]": "found"}
                found[f"a search{note}"].append(timed(enter, lambda wanted=wanted: shown(page, wanted)))
            page.get_by_label("Search").fill("")
            page.get_by_label("Search").press("Enter")
            shown(page, IDLE | {".links a": f"={names(0)[0]}", "[data-testid=stText]": "features of"})

        found["first load of all"].append(opened("", "Features"))
        gone_through(times + 1, ", first of a load")
        for number in range(times):
            gone_through(number)
        for number in range(times):
            table, columns = names(number)
            found["loaded: the list"].append(opened("", "Features"))
            found["loaded: a table"].append(opened(f"{PLACE}.{table}", table, table))
            found["loaded: a feature"].append(
                opened(f"{PLACE}.{table}.{columns[3]}", columns[3], f"{table}.{columns[3]}")
            )
        page.close()
    return found


def _searches(table: tuple[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Words, and what they must find first: a feature by its table's and its own, and by its exact hours."""
    name, columns = table
    for column in (columns[7], columns[9]):
        yield f"{name} {column.partition('_')[2]}".replace("_", " "), f"{name}.{column}"


def an_empty_page(browser: BrowserContext, folder: Path, *, times: int) -> Seconds:
    """What Streamlit takes for a page with a title and a button, loaded, and gone on by pressing it."""
    script = folder / "empty.py"
    script.write_text(CODE)
    program = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port"]
    found: Seconds = defaultdict(list)
    with serving(lambda port: [*program, str(port)]) as address:
        page = browser.new_page()
        for number in range(times):
            page.goto("about:blank")
            seconds = timed(lambda: page.goto(f"{address}?at={number}"), lambda: _settled(page, f"page {number}"))  # noqa: B023
            found["an empty page, loaded"].append(seconds)
            press = pressed(page, page.get_by_role("button", name="on"))
            found["an empty page, gone on"].append(timed(press, lambda: _settled(page, f"page {number + 1}")))  # noqa: B023
        page.close()
    return found


def _settled(page: Page, heading: str, graph: str = "") -> None:
    drawn = {"[data-testid=stGraphVizChart] svg text": graph} if graph else {}
    shown(page, IDLE | {"h1": f"={heading}"} | drawn)
