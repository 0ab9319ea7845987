"""The page of a service, as people use it: in Chromium, on a real service of models trained on real rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.prediction.writing import inert
from textgraft.serving.feedback import Feedback

from ..report.browsers import MISSING
from .browsing import chromium, opened
from .running import serving

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's pipes
]
HARM = "<img src=x onerror=\"document.title='harmed'\"><script>document.title='harmed'</script>"
HAPPY = "i feel happy and loved today"


def rows_of(file: Path) -> list[list[str]]:
    return [line.rpartition(";")[::2] for line in file.read_text("utf-8").splitlines()[1:]]  # type: ignore[misc]


@pytest.fixture(scope="module")
def places(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    texts, labels = zip(*rows_of(shared_data / "emotion" / "train.txt")[:2000], strict=True)
    emotion = tg.NgramClassifier(abstain=0.9).fit(list(texts), list(labels))
    emotion.save(folder / "emotion")
    card = folder / "emotion" / "README.md"
    card.write_text(card.read_text("utf-8") + f"\n## {HARM}\n\n- {HARM} **bold** `code` [a](javascript:alert(1))\n")
    (folder / "emotion.report.html").write_text("<!doctype html><title>The report of it</title>")
    tweets = tg.read_table(shared_data / "semeval2018_ec" / "train.tsv")
    tg.NgramClassifier(metric="f1_macro").fit(tweets.select(range(1000))).save(folder / "feelings")
    return {"emotion": folder / "emotion", "feelings": folder / "feelings"}


@pytest.fixture(scope="module")
def emotion(places: dict[str, Path]) -> Any:
    return tg.load(places["emotion"])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback") / "corrections.sqlite"


@pytest.fixture(scope="module")
def address(places: dict[str, Path], kept: Path) -> Iterator[str]:
    with serving(*(f"{name}={place}" for name, place in places.items()), "--feedback", kept) as found:
        yield found.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with opened(browser, address) as page:
        page.locator("#tabs").wait_for()
        yield page
        assert page.heard == []  # no error, no dialog, nothing asked of any other place
        assert "harmed" not in page.title()


def expect(page: Any, place: str) -> Any:
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)  # on a machine that has other things to do
    return expect(page.locator(place))


def ask(page: Any, text: str) -> None:
    """Until everything is said of a text: that of its words comes last."""
    page.locator("#words").fill(text)
    expect(page, "#said").to_have_text(re.compile(r"\S"))
    expect(page, "#marked").to_have_text(text)


def shown(page: Any) -> dict[str, str]:
    labels, values = (page.locator(f"#bars .{part}").all_inner_texts() for part in ("label", "value"))
    return dict(zip(labels, values, strict=True))


def share(p: float) -> str:
    return "<0.001" if 0 < p < 0.0005 else ">0.999" if 0.9995 <= p < 1 else f"{p:.3f}"


def test_bars_are_the_probabilities_and_an_edit_says_what_moved(page: Any, emotion: Any) -> None:
    page.locator("#abstain").uncheck()
    ask(page, HAPPY)
    [before] = emotion.predict_proba([HAPPY])
    labels = emotion.task_.labels
    assert shown(page) == {labels[i]: share(before[i]) for i in np.argsort(-before, kind="stable")}
    assert page.locator("#label bdi").inner_text() == emotion.predict([HAPPY])[0]
    page.wait_for_timeout(2100)  # what comes after two seconds of rest is another edit
    text = "i feel sad and lonely today"
    ask(page, text)
    [after] = emotion.predict_proba([text])
    moved = {row.locator(".label").inner_text(): row.locator(".moved").inner_text() for row in rows(page)}
    for label, was, now in zip(labels, before, after, strict=True):
        change = float(now) - float(was)
        assert moved[label] == ("" if abs(change) < 5e-4 else f"{'−' if change < 0 else '+'}{abs(change):.3f}")
    assert "the answer was" in page.locator("#change").inner_text()


def rows(page: Any) -> list[Any]:
    found: list[Any] = page.locator("#bars > li").all()
    return found


def test_the_newest_text_is_answered_however_fast_one_types(page: Any, emotion: Any) -> None:
    page.locator("#words").press_sequentially("i was sad, no, i am really so very happy now", delay=15)
    for text in ("i am angry", "i am afraid of you", "what a surprise, how strange and funny"):
        page.locator("#words").fill(text)
    expect(page, "#marked").to_have_text(text)
    assert shown(page)[emotion.predict([text])[0]] == share(float(emotion.predict_proba([text]).max()))
    page.locator("#words").fill("  ")
    expect(page, "#answer").to_be_hidden()


@pytest.mark.parametrize("text", [HAPPY, "😀👩‍👩‍👧 so 😀 happy 𝒶nd loved", "مرحبا i feel שלום happy", HARM + " happy"])
def test_the_words_that_mattered_are_those_of_explain(page: Any, emotion: Any, text: str) -> None:
    ask(page, text)
    found = tg.explain(emotion, text)
    most = max(abs(span.weight) for span in found.spans)
    strong = [text[span.start : span.end] for span in found.spans if round(3 * abs(span.weight) / most + 1e-9)]
    assert page.locator("#marked mark").all_text_contents() == strong
    assert page.locator("#meaning").inner_text().startswith(found.meaning)
    assert page.locator("#marked img, #marked script").count() == 0


def test_a_text_of_50_000_characters_fits(page: Any) -> None:
    text = "happy " * 8_333 + "x" * 2
    ask(page, text)
    expect(page, "#words-note").to_have_text("50,000 characters")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_answer_is_given_where_the_model_is_unsure_and_it_is_said_why(
    page: Any, emotion: Any, shared_data: Path
) -> None:
    texts = [text for text, _ in rows_of(shared_data / "emotion" / "test.txt")[:200]]
    text = texts[list(emotion.answers(texts).reasons).index("unsure")]
    ask(page, text)
    assert page.locator("#label").inner_text() == "No answer: unsure"
    assert "answers are given from" in page.locator("#why").inner_text()
    assert page.locator("#bars .mark:visible").count() == len(emotion.task_.labels)
    page.locator("#abstain").uncheck()
    expect(page, "#label bdi").to_have_text(emotion.predict([text])[0])


def test_another_model_is_chosen_and_several_labels_have_their_thresholds(page: Any, places: dict[str, Path]) -> None:
    feelings = tg.load(places["feelings"])
    ask(page, HAPPY)
    page.locator("#model").select_option("feelings")
    expect(page, "#name").to_have_text("feelings")
    expect(page, "#bars > li").to_have_count(11)
    [given] = feelings.predict([HAPPY])
    assert set(page.locator("#bars .given .label").all_inner_texts()) == set(given)
    marks = {
        row.locator(".label").inner_text(): row.evaluate("e => e.style.getPropertyValue('--mark-at')")
        for row in rows(page)
    }
    assert {name: float(mark) for name, mark in marks.items()} == pytest.approx(
        dict(zip(feelings.task_.labels, feelings.thresholds_.tolist(), strict=True)), abs=1e-6
    )


def test_a_correction_is_kept_where_the_service_keeps_any(page: Any, kept: Path) -> None:
    ask(page, HAPPY)
    page.locator("#right select").select_option("fear")
    page.locator("#correct button").click()
    expect(page, "#correct-note").to_have_text("Kept: fear.")
    page.locator("#model").select_option("feelings")
    expect(page, "#bars > li").to_have_count(11)
    for label in ("anger", "joy"):
        page.locator(f"#right input[value={label}]").set_checked(label == "joy")
    several = [box.get_attribute("value") for box in page.locator("#right input:checked").all()]
    page.locator("#correct button").click()
    expect(page, "#correct-note").to_have_text(f"Kept: {', '.join(several)}.")
    found = [(each.text, list(each.labels), each.model) for each, _ in Feedback(kept)]
    assert found == [(HAPPY, ["fear"], "emotion"), (HAPPY, several, "feelings")]


def choose(page: Any, name: str, content: str) -> None:
    page.locator("#tab-table").click()
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content.encode()})


def downloaded(page: Any) -> list[list[str]]:
    with page.expect_download() as saving:
        page.locator("#download").click()
    content = Path(saving.value.path()).read_text("utf-8")
    return list(csv.reader(io.StringIO(content, newline="")))


def table(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def test_a_dropped_table_comes_back_labelled_in_its_order(page: Any, emotion: Any, shared_data: Path) -> None:
    texts = [text for text, _ in rows_of(shared_data / "emotion" / "test.txt")][:2000]
    texts[3], texts[5], texts[7] = '=HYPERLINK("http://example.org")', 'a "quoted"\nline, and more', ""
    names, body = ["id", "message", "label"], [[str(-i), text, "old"] for i, text in enumerate(texts)]
    page.locator("#words").fill(HAPPY)  # it is dropped beside another tab
    page.evaluate(
        """(content) => {
            const files = new DataTransfer();
            files.items.add(new File([content], "tweets.csv", { type: "text/csv" }));
            const drop = { bubbles: true, cancelable: true, dataTransfer: files };
            document.body.dispatchEvent(new DragEvent("drop", drop));
        }""",
        table([names, *body]),
    )
    expect(page, "#file-name").to_have_text("tweets.csv: 2,000 rows")
    assert page.locator("#column option:checked").inner_text() == "message"
    page.locator("#every").check()
    page.locator("#start").click()
    expect(page, "#outcome").to_have_text("2,000 rows labelled")
    assert "1 cell begins with an apostrophe" in page.locator("#outcome-notes").inner_text()
    header, *found = downloaded(page)
    every = [f"p({label})" for label in emotion.task_.labels]
    assert header == ["id", "message", "input.label", "label", "probability", "abstained", *every]
    assert [row[:3] for row in found] == [[inert(cell) for cell in row] for row in body]
    answers = emotion.answers(texts)
    reasons = list(answers.reasons)
    assert [row[5] for row in found] == reasons
    assert [row[3] for row in found] == [
        "" if r else label for label, r in zip(answers.predicted, reasons, strict=True)
    ]
    numbers = np.array([[float(cell) for cell in row[6:]] for row in found])
    np.testing.assert_allclose(numbers, emotion.predict_proba(texts), atol=1e-6)


def test_a_table_goes_slower_where_the_service_is_busy_and_in_parts_where_it_takes_no_more(
    browser: Any, places: dict[str, Path], emotion: Any
) -> None:
    texts = [f"i feel happy, number {i}" for i in range(300)]
    texts[100] = "x" * 2001
    limits = ("--max-queue", "30", "--max-texts", "20", "--max-characters", "2000")
    with serving(places["emotion"], *limits) as running, opened(browser, running.url) as page:
        ask(page, HAPPY)
        expect(page, "#correct").to_be_hidden()  # this one keeps none
        choose(page, "long.txt", "\n".join(texts))
        page.locator("#table-abstain").uncheck()
        page.locator("#delimiter").select_option(label="their line")
        page.locator("#start").click()
        expect(page, "#outcome").to_have_text("300 rows labelled")
        header, *found = downloaded(page)
        assert header == ["column 1", "label", "probability", "refused"]
        assert [row[0] for row in found] == texts
        assert "2,000" in found[100][3]
        assert [row[1] for row in found] == [
            "" if i == 100 else label for i, label in enumerate(emotion.predict(texts))
        ]
        heard = [said for said in page.heard if "Failed to load resource" not in said]  # what Chromium says of refusals
        assert heard == []


def test_a_table_is_stopped_and_goes_on(page: Any) -> None:
    number = 30_000
    choose(page, "many.tsv", "text\tid\n" + "".join(f"i feel happy {i}\t{i}\n" for i in range(number)))
    page.locator("#start").click()
    page.locator("#cancel").click()
    expect(page, "#outcome").to_have_text(re.compile(r"^Stopped: the first [\d,]+ rows of 30,000 are labelled"))
    some = 0
    if page.locator("#download").is_visible():
        _, *found = downloaded(page)
        some = len(found)
        assert [row[1] for row in found] == [str(i) for i in range(some)]
    assert some < number
    page.locator("#resume").click()
    expect(page, "#outcome").to_have_text("30,000 rows labelled")
    _, *found = downloaded(page)
    assert [row[1] for row in found] == [str(i) for i in range(number)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", 'text\n"never ends', "begins with a quotation mark and never ends"),
        ("t.jsonl", '{"text": "a"}\n{"text": ', "Line 2 is no JSON"),
        ("t.csv", "", "has no rows"),
        ("t.csv", "a\0b", "null bytes"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(page: Any, name: str, content: str, said: str) -> None:
    choose(page, name, content)
    expect(page, "#table-trouble").to_contain_text(said)
    expect(page, "#reading").to_be_hidden()


def test_the_model_has_its_card_as_text_its_figures_and_its_report(page: Any) -> None:
    page.locator("#tab-text").focus()
    page.keyboard.press("End")
    expect(page, "#tab-about").to_be_focused()
    expect(page, "#card").to_contain_text("Gives a text one of 6 labels")
    assert page.locator("#card h2").filter(has_text=HARM).count() == 1
    assert page.locator("#card").get_by_text("bold", exact=True).evaluate("e => e.tagName") == "STRONG"
    assert page.locator("#card :is(img, script, a)").count() == 0
    expect(page, "#drift").to_contain_text("No window is over yet")
    with page.expect_popup() as opening:
        page.locator("#report").click()
    assert opening.value.title() == "The report of it"


def test_a_key_is_asked_for_and_kept_in_the_tab_alone(browser: Any, places: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("right-key\n")
    with (
        serving(places["emotion"], "--api-key-file", tmp_path / "keys") as running,
        opened(browser, running.url) as page,
    ):
        for key, note in (("wrong-key", "does not take this key"), ("right-key", "")):
            page.locator("#key-field").fill(key)
            page.keyboard.press("Enter")
            if note:
                expect(page, "#key-note").to_contain_text(note)
        expect(page, "#key").to_be_hidden()
        ask(page, HAPPY)
        kept = page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
        assert kept == [["right-key"], [], ""]
        page.locator("#tab-about").click()
        with page.expect_download() as saving:  # a link cannot carry a key
            page.locator("#report").click()
        assert "The report of it" in Path(saving.value.path()).read_text()
        assert [said for said in page.heard if "401" not in said] == []


def test_nothing_can_be_asked_before_the_model_is_there(browser: Any, address: str) -> None:
    with opened(browser, "about:blank") as page:
        held: list[Any] = []
        page.route("**/v1/models/emotion", lambda route: held.append(route))  # noqa: PLW0108 - a built-in method cannot be marked
        page.heard.clear()
        page.goto(address)
        while not held:
            page.wait_for_timeout(20)
        expect(page, "#words").to_be_hidden()
        page.evaluate("""() => {
            const data = new DataTransfer();
            data.items.add(new File(["text\\nhappy\\n"], "t.csv", { type: "text/csv" }));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
            const words = document.getElementById("words");
            words.value = "happy";
            words.dispatchEvent(new Event("input"));
        }""")
        page.wait_for_timeout(300)  # longer than the page waits for another key
        for route in held:
            route.continue_()
        expect(page, "#marked").to_have_text("happy")
        assert [said for said in page.heard if not said.startswith(address)] == []


def test_it_fits_a_phone_and_follows_the_dark_setting(browser: Any, address: str) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, address, viewport={"width": 390, "height": 800}, color_scheme=scheme) as page:
            ask(page, "x" * 500 + " happy " + HARM)
            choose(page, "t.csv", table([["text", "other"], ["x" * 500, "y" * 500], [HARM, "z" * 300]]))
            page.locator("#start").click()
            expect(page, "#outcome").to_have_text("2 rows labelled")
            for tab in ("text", "table", "about"):
                page.locator(f"#tab-{tab}").click()
                assert page.evaluate("document.documentElement.scrollWidth") <= 390
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert page.heard == []
    assert colours[0] != colours[1]


def test_all_of_it_is_reached_by_keyboard_and_focus_is_seen(page: Any) -> None:
    ask(page, HAPPY)
    page.locator("#tab-text").focus()
    seen = []
    for _ in range(6):
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Tab")
    assert seen == ["tab-text", "words", "abstain", "SELECT", "BUTTON", "marked"]
    page.locator("#tab-text").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-table"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"


def test_nothing_moves_where_that_is_wished(browser: Any, address: str) -> None:
    with opened(browser, address, reduced_motion="reduce") as page:
        ask(page, HAPPY)
        times = page.locator("#bars .fill").first.evaluate("e => getComputedStyle(e).transitionDuration")
        assert times == "0s"
        assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, address: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with opened(browser, address, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce") as page:
        ask(page, HAPPY)
        choose(page, "t.csv", table([["text", "id"], [HAPPY, "1"], ["i am sad", "2"]]))
        page.locator("#start").click()
        expect(page, "#outcome").to_have_text("2 rows labelled")
        for tab in ("text", "table", "about"):
            page.locator(f"#tab-{tab}").click()
            violations = axe.Axe().run(page).response["violations"]
            serious = [each for each in violations if each["impact"] in ("serious", "critical")]
            assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []
