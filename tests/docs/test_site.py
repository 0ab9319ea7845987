"""The site: every link holds, nothing is asked of any other place, and it is readable on a phone, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ..report.browsers import MISSING
from ..serving.browsing import chromium
from .building import built

PATIENCE = 120_000  # milliseconds, where other work slows the browser down
SHOWN = ("index", "reference/data", "tables", "es/index", "results/2026-11-28-choosing")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return built(tmp_path_factory, worker_id)


class Links(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.loaded: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        address = given.get("href") if tag in ("a", "link") else given.get("src")
        if address is not None:
            self.links.append(address)
        if address and tag != "a":
            self.loaded.append(address)


def test_every_link_and_anchor_leads_somewhere(site: Path) -> None:
    read = cache(Links)
    lost = []
    for page in sorted(site.rglob("*.html")):
        if page.name == "404.html":  # is shown at any address, so its links are from the root
            continue
        for link in read(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchored = not parts.fragment or unquote(parts.fragment) in (
                read(target).places if target.is_file() else ()
            )
            if not target.exists() or (target.suffix == ".html" and not anchored):
                lost.append(f"{page.relative_to(site)}: {link}")
    assert not lost, "\n".join(lost[:30])


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not [address for address in Links(page).loaded if urlsplit(address).netloc], page


def test_every_page_has_a_place_in_the_contents(site: Path) -> None:
    for start, pages in ((site, site.rglob("*.html")), (site / "es", (site / "es").rglob("*.html"))):
        shown = {(start / link).resolve() for link in Links(start / "index.html").links}
        for page in pages:
            name = page.relative_to(start).as_posix()
            if not name.startswith(("es/", "results/")) and page.name != "404.html":
                assert page in shown, name


def test_a_page_leads_to_the_same_one_in_the_other_language(site: Path) -> None:
    for page in (site / "es").rglob("*.html"):
        name = page.relative_to(site / "es")
        if page.name == "404.html":
            continue
        english = site / name
        for here, there in ((page, english), (english, page)):
            links = re.findall(r'class="textgraft-language" href="([^"]+)"', here.read_text("utf-8"))
            assert [(here.parent / link).resolve() for link in links] == [there], name


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if MISSING:
        pytest.skip(MISSING)
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_reads_well_from_a_disk_on_a_phone(site: Path, browser: Any, scheme: str) -> None:
    looks = {"viewport": {"width": 390, "height": 800}, "color_scheme": scheme}
    with browser.new_context(**looks) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        heard: list[str] = []
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(site.as_uri()) else heard.append(asked.url))
        guides = [path.relative_to(site).with_suffix("").as_posix() for path in sorted(site.glob("guides/*.html"))]
        for name in (*SHOWN, *guides):
            page.goto(f"{site.as_uri()}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness = sum(int(part) for part in re.findall(r"\d+", paper)[:3])
            assert (brightness > 600) == (scheme == "light"), paper
        assert not heard, heard


def test_the_search_works_from_a_disk(site: Path, browser: Any) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        for start, word, found in (("index", "calibration", "calibration"), ("es/index", "textgraft", "textgraft")):
            page.goto(f"{site.as_uri()}/{start}.html")
            page.keyboard.press("Control+k")
            page.keyboard.type(word)
            page.locator("mark", has_text=re.compile(found, re.IGNORECASE)).first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(site: Path, browser: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        for name in ("index", "reference/errors", "guides/data"):
            page.goto(f"{site.as_uri()}/{name}.html")
            found = axe.run(page).response["violations"]
            assert not [(each["id"], name) for each in found if each["impact"] in ("serious", "critical")]
