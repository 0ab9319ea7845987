"""Services as processes, and their page in Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

from ..report.browsers import CHROMIUM

STARTED = re.compile(r" on (http://\S+) with ")
PATIENCE = 60  # seconds until a service is up


@contextmanager
def service(*arguments: str) -> Iterator[str]:
    """The address of ``textgraft serve`` with these arguments, at a free port, for as long as the block lasts."""
    command = [sys.executable, "-m", "textgraft", "serve", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    said: Queue[str] = Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: [said.put(line) for line in process.stdout or ()], daemon=True)
    reader.start()
    lines = ""
    try:
        while (started := STARTED.search(" ".join(lines.split()))) is None:
            assert process.poll() is None or not said.empty(), lines
            try:
                lines += said.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(lines) from None
        yield started[1]
    finally:
        process.terminate()
        process.wait(PATIENCE)
        reader.join()
        process.stdout.close()


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
