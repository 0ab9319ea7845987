"""The page of a service in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..report.browsers import CHROMIUM


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, address: str, **context: Any) -> Iterator[Any]:
    """The page of a service. What it complains of, and what it asks of any other place, are in its list ``heard``."""
    with browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | context) as opening:
        page = opening.new_page()
        page.heard = heard = []
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: heard.append(dialog.message))
        page.on("request", lambda asked: None if asked.url.startswith((address, "blob:")) else heard.append(asked.url))
        page.goto(address)
        yield page
