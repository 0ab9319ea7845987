from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from textgraft.report.map import write_map

from .browsers import MISSING, opened
from .test_map_page import content

HARM = "<img src=x onerror=\"document.title='harmed'\"><script>document.title='harmed'</script>"
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's pipes
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("map") / "map.html"
    data = content()
    data["texts"][0] = HARM
    data["hills"][0]["words"] = [HARM]
    data["colourings"][0]["categories"][0] = HARM
    write_map(data, f"Map {HARM}", page)
    return page


@pytest.fixture(params=[1280, 390])
def page(path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    with opened(path, viewport={"width": request.param, "height": 900}) as page:
        yield page
        assert page.heard == []  # no error, no dialog, nothing asked of any other place
        assert "harmed" not in page.title() or "<img" in page.title()


def test_every_part_of_the_map_does_what_it_says(page: Any) -> None:
    from playwright.sync_api import expect

    status, found, box = (
        page.locator("#map-status"),
        page.locator("#map-found li"),
        page.locator("#map-canvas").bounding_box(),
    )
    expect(status).to_have_text("3 of 3 texts")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # the second point is in the middle
    expect(page.locator("#tip")).to_contain_text("two")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(found).to_have_count(1)
    expect(found).to_contain_text("two")

    page.locator("#map-words").fill("img SCRIPT")
    expect(status).to_have_text("1 of 3 texts match")
    expect(found).to_contain_text(HARM)
    page.locator("#map-words").fill("nowhere")
    expect(page.locator("#map-hint")).to_have_text("No text that is shown matches.")
    page.locator("#map-words").fill("")

    page.locator("#map-legend button").first.click()
    expect(status).to_have_text("1 of 3 texts")
    page.locator("#map-legend button").first.click()
    expect(status).to_have_text("3 of 3 texts")
    page.locator("#map-by").select_option(label="loss")
    expect(page.locator("#map-legend .ramp")).to_have_count(1)

    page.locator("#map-canvas").focus()
    page.keyboard.press("Enter")
    expect(found.first).to_contain_text("two")
    page.keyboard.press("+")
    expect(page.locator("#map-canvas")).to_have_class(re.compile("near"))
    page.keyboard.press("ArrowLeft")
    page.locator("#map-whole").click()
    expect(page.locator("#map-canvas")).not_to_have_class(re.compile("near"))
    page.locator("#map-in").click()
    page.locator("#map-out").click()
    page.locator("#map-names").uncheck()


def test_axe_finds_nothing_serious(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
