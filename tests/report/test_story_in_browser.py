from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from textgraft import charts

from .browsers import MISSING, opened
from .stories import HARM, written

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.skipif(not charts.is_installed(), reason="the extra report is not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's pipes
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("report"))[0]


@pytest.fixture
def page(path: Path) -> Iterator[Any]:
    with opened(path) as page:
        yield page
        assert page.heard == []  # no error, no dialog, nothing asked of any other place
        assert "harmed" not in page.title()


def wait(page: Any, start: str) -> None:
    """Until the status begins so; the page's own policy forbids to wait for an expression."""
    from playwright.sync_api import expect

    expect(page.locator("#status")).to_have_text(re.compile(f"^{start}"))


def status(page: Any) -> int:
    text = page.locator("#status").inner_text()
    found = re.match(r"([\d,]+) of 310 rows", text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_a_cell_lists_its_texts_by_mouse_and_by_keyboard(page: Any) -> None:
    cell = page.locator("button.cell.wrong").first
    count = int(cell.inner_text())
    cell.click()
    assert status(page) == count
    assert page.locator("#found li").count() == min(count, 10)
    true, predicted = (cell.get_attribute(f"data-{name}") for name in ("true", "predicted"))
    assert (page.locator("#true").input_value(), page.locator("#predicted").input_value()) == (true, predicted)
    other = page.locator("button.cell.right").first
    other.focus()
    page.keyboard.press("Enter")
    assert status(page) == int(other.inner_text())
    assert page.evaluate("document.activeElement.id") == "status"


def test_rows_are_searched_filtered_ordered_and_paged(page: Any) -> None:
    wrong = status(page)
    page.locator("#kind").select_option("")
    wait(page, "310 of")
    page.locator("#more").click()
    assert page.locator("#found li").count() == 20
    page.locator("#words").fill("UNIQUE0X7 soso")
    wait(page, r"\d{1,2} of")
    texts = page.locator("#found .text").all_inner_texts()
    assert texts
    assert all("unique0x7" in text and "soso" in text for text in texts)
    page.locator("button[type=reset]").click()
    wait(page, f"{wrong} of")
    losses = [float(each.split()[-1]) for each in page.locator("#found .meta span:nth-child(4)").all_inner_texts()]
    assert losses == sorted(losses, reverse=True)


def test_texts_that_mean_harm_are_shown_as_text(page: Any) -> None:
    page.locator("#kind").select_option("")
    for text in ("harmed", "img src=x", "{{7*7}}"):
        page.locator("#words").fill(text)
        page.locator("#found").get_by_text(text).first.wait_for()
    assert page.locator("#found img, #found script").count() == 0
    page.locator("#words").fill("xxxxxxxxxx")
    page.locator("#found").get_by_text("xxxxxxxxxx").first.wait_for()
    assert len(page.locator("#found .text").inner_text()) == 301
    page.locator(".whole").click()
    assert len(page.locator("#found .text").inner_text()) == 5_000
    assert len(HARM[7]) == 50_005
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_fits_a_phone_follows_the_dark_setting_and_prints(whole: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened(whole, viewport={"width": 390, "height": 800}, color_scheme=scheme) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            text = page.locator(".drawn text").first
            colours.append(text.evaluate("each => getComputedStyle(each).fill"))
            page.emulate_media(media="print")
            assert not page.locator("nav, #map-tools").first.is_visible()
            assert page.heard == []
    assert colours[0] != colours[1]


def test_a_mark_says_its_figures_beside_the_pointer(page: Any) -> None:
    page.locator("button.cell").first.hover()
    assert "are taken for" in page.locator("#tip").inner_text()
    page.locator(".drawn .mark-symbol [aria-label]").first.hover(force=True)
    assert re.search(r"\[0\.\d+, [01]\.\d+\]", page.locator("#tip").inner_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every chapter."""
    return written(tmp_path_factory.mktemp("whole"), every=True)[0]


def test_the_map_of_a_report_and_its_list_of_rows_are_used_side_by_side(whole: Path) -> None:
    from playwright.sync_api import expect

    with opened(whole) as page:
        expect(page.locator("#map-status")).to_have_text("310 of 310 texts")
        page.locator("#map-words").fill("unique0x7 soso")
        expect(page.locator("#map-status")).to_have_text(re.compile(r"^\d{1,2} of 310 texts match"))
        texts = page.locator("#map-found .text").all_inner_texts()
        assert texts
        assert all("unique0x7" in text for text in texts)
        page.locator("#map-words").fill("xxxxxxxxxx")
        expect(page.locator("#map-status")).to_have_text("1 of 310 texts match")
        expect(page.locator("#map-found .text")).to_have_text(re.compile("^x{200}…$"))
        page.locator("#map-words").fill("")
        expect(page.locator("#map-status")).to_have_text("310 of 310 texts")
        canvas = page.locator("#map-canvas")
        canvas.scroll_into_view_if_needed()
        canvas.focus()
        page.keyboard.press("+")
        page.keyboard.press("Enter")
        expect(page.locator("#map-hint")).to_contain_text("beside where you pointed")
        page.locator("#map-by").select_option(label="right")
        expect(page.locator("#map-legend button")).to_have_count(2)
        wrong = int(page.locator("#map-legend button", has_text="wrong").locator("small").inner_text())
        assert page.locator("#status").inner_text().startswith(f"{wrong} of")
        page.locator("#map-legend button", has_text="right").click()
        expect(page.locator("#map-status")).to_have_text(f"{wrong} of 310 texts")
        page.locator("#map-whole").click()
        box = canvas.bounding_box()
        for x, y in product(range(10, int(box["width"]), 20), range(10, int(box["height"]), 20)):  # until beside a text
            page.mouse.move(box["x"] + x, box["y"] + y)
            if page.locator("#tip").is_visible():
                break
        expect(page.locator("#tip")).to_contain_text("wrong: ")
        assert page.heard == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(whole: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with opened(whole, color_scheme=scheme, bypass_csp=True) as page:
        found = axe.Axe().run(page).response["violations"]
        assert [
            (each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")
        ] == []
