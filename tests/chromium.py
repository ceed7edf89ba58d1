"""A real browser for tests of pages: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE_MS = 20_000
_OPTIONS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, started once for a module."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("The tests of pages need a browser: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=_OPTIONS.split())
        yield started
        started.close()
