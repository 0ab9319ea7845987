"""A page in Chromium, where that and Playwright are installed."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "" if CHROMIUM and importlib.util.find_spec("playwright") else "Chromium or Playwright is not installed"


@contextmanager
def opened(path: Path, **context: Any) -> Iterator[Any]:
    """The page of a file. What it complains of, and what it asks of any other place, are lists of it: ``heard``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | context).new_page()
            page.heard = heard = []
            page.on("console", lambda said: heard.append(said.text))
            page.on("pageerror", lambda error: heard.append(str(error)))
            page.on("dialog", lambda dialog: heard.append(dialog.message))
            page.on("request", lambda asked: None if asked.url == path.as_uri() else heard.append(asked.url))
            page.goto(path.as_uri())
            yield page
        finally:
            browser.close()
