"""Pages in a browser, for the benchmarks that time them: served, opened in Chromium, waited for frame by frame."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import click
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright

IDLE = {"h1": "", "[data-testid=stApp][data-test-script-state=notRunning]": ""}
"""What Streamlit's page has when it shows what the server last said."""
_CHROMIUM = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
_SHOWN = """wanted => new Promise((done, fail) => {
  const end = performance.now() + 30000, isSame = (text, told) => (told.startsWith("=") ? text === told.slice(1) : text.includes(told));
  const components = () => [...document.querySelectorAll("[data-testid^=stBidi], [data-testid^=stBidi] *")];
  const places = () => [document, ...components().flatMap((one) => one.shadowRoot ?? [])];
  const texts = (where) => places().flatMap((one) => [...one.querySelectorAll(where)]).map((one) => one.textContent.trim());
  const isThere = ([where, told]) => texts(where).some((text) => isSame(text, told));
  const look = () => {
    const missing = Object.entries(wanted).filter((one) => !isThere(one));
    if (!missing.length) requestAnimationFrame(() => setTimeout(done));
    else if (performance.now() > end) fail(new Error(`not shown: ${JSON.stringify(missing)}`));
    else requestAnimationFrame(look);
  };
  look();
})"""


@contextmanager
def serving(program: Callable[[int], Sequence[str]]) -> Iterator[str]:
    """The address of a page of Streamlit, while it is served by this program, which is given a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(program(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address, end = f"http://127.0.0.1:{port}/", time.monotonic() + 60
    try:
        while True:
            try:
                urllib.request.urlopen(address + "_stcore/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def review_page(workspace: Path, *options: str) -> Callable[[int], Sequence[str]]:
    """What serves the review page of a workspace."""
    program = [sys.executable, "-m", "monitoring.review", "serve", "--workspace", str(workspace), *options]
    return lambda port: [*program, "--port", str(port)]


@contextmanager
def chromium(profile: Path) -> Iterator[BrowserContext]:
    """A browser that keeps files, and what it has compiled of them, as a person's does."""
    program = shutil.which("chromium")
    if program is None:
        raise click.ClickException("Pages are timed in a browser: apt-get install chromium")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=_CHROMIUM.split(), viewport={"width": 1280, "height": 900}
        )
        yield browser
        browser.close()


def shown(page: Page, wanted: Mapping[str, str]) -> None:
    """Wait until each of these selectors has an element with that text (after ``=``: that text alone), and it is painted."""
    page.evaluate(_SHOWN, dict(wanted))


def pressed(page: Page, what: Locator) -> Callable[[], None]:
    """A press on what the mouse has come to before: what a person waits for begins with the press."""
    what.hover()

    def press() -> None:
        page.mouse.down()
        page.mouse.up()

    return press


class Spent(NamedTuple):
    """Seconds by the clock, and of CPU in this process and all that it started: server, browser, and what drives it."""

    seconds: float
    cpu: float


def timed(*work: Callable[[], Any]) -> Spent:
    """What all of it takes."""
    used, began = _cpu(), time.perf_counter()
    for part in work:
        part()
    seconds = time.perf_counter() - began
    return Spent(seconds, _cpu() - used)


def _cpu() -> float:
    """Seconds of CPU until now, in whole ticks."""
    parents, used = dict[int, int](), dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            used[int(path.parent.name)] = sum(map(int, fields[11:15]))
    ours, new = {os.getpid()}, {os.getpid()}
    while new:
        new = {one for one, parent in parents.items() if parent in new}
        ours |= new
    return sum(used.get(one, 0) for one in ours) / os.sysconf("SC_CLK_TCK")


def summary(spent: Sequence[Spent]) -> str:
    """The median and the 95th percentile in words."""
    seconds = [one.seconds for one in spent]
    last = quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    cpu = median(one.cpu for one in spent)
    return f"median {median(seconds):.3f} s, 95th percentile {last:.3f} s, CPU {cpu:.2f} s, of {len(seconds)}"
