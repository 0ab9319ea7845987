"""An exported page in Chromium, served as any web server serves a folder; and its JavaScript in Node."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.loopback import serving
from tests.report.browsers import CHROMIUM, MISSING

from textgraft import load

SOURCE = Path(str(files("textgraft.web").joinpath("page")))
in_chromium = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's pipes
]
in_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, path: str = "/", **context: Any) -> Iterator[Any]:
    """The page of a folder. What it complains of, and what it asks of any other place, are its list ``heard``."""
    from playwright.sync_api import sync_playwright

    answer = functools.partial(_Silent, directory=str(folder))
    with serving(answer) as address, sync_playwright() as playwright:  # type: ignore[arg-type]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_context(**context).new_page()
            page.heard = heard = []
            page.on("console", lambda said: heard.append(said.text))
            page.on("pageerror", lambda error: heard.append(str(error)))
            here = f"{address}/"
            page.on("request", lambda asked: None if asked.url.startswith(here) else heard.append(asked.url))
            page.goto(address + path)
            yield page
        finally:
            browser.close()


ANSWERS = """async (texts) => {
  const { load } = await import("./classifier.js"), model = await load(), found = [];
  for (const text of texts) found.push(await model.answer(text));
  return found;
}"""


def check_like_answers(folder: Path, texts: list[str]) -> None:
    """As ``check_same_answers``, of int8, which each build rounds otherwise; texts are read one at a time in both."""
    model = load(folder / "model")
    wanted = np.concatenate([model.predict_proba([text]) for text in texts])
    with served(folder) as page:
        found = page.evaluate(ANSWERS, texts)
    by_label = [{each["label"]: each["probability"] for each in one["probabilities"]} for one in found]
    probabilities = np.array([[of[label] for label in model.task_.labels] for of in by_label])
    assert np.abs(probabilities - wanted).max() <= 0.1
    same = model.decision.targets(probabilities, model.task_) == model.decision.targets(wanted, model.task_)
    assert same.mean() >= 0.97


def check_same_answers(folder: Path, texts: list[str], *, most: float = 1e-6) -> list[str]:
    """What Chromium computes of texts against the model of the page in Python; gives the reasons for no answer."""
    model = load(folder / "model")
    wanted = model.answers(texts)
    with served(folder) as page:
        found = page.evaluate(ANSWERS, texts)
        assert [heard for heard in page.heard if not heard.startswith("data:")] == []
    by_label = [{each["label"]: each["probability"] for each in one["probabilities"]} for one in found]
    probabilities = np.array([[of[label] for label in model.task_.labels] for of in by_label])
    assert np.abs(probabilities - wanted.probabilities).max() <= most
    kind, plain = ("labels", list) if model.task_.multi_label else ("label", str)
    assert [one[kind] for one in found] == [None if label is None else plain(label) for label in wanted.labels]
    assert [one["reason"] for one in found] == wanted.reasons
    np.testing.assert_allclose([one["confidence"] for one in found], wanted.confidence, atol=most)
    assert [one.get("possible") for one in found] == (
        [None] * len(texts) if wanted.sets is None else [list(each) for each in wanted.sets]
    )
    return wanted.reasons


def node(script: str, given: Any) -> Any:
    """What a module prints as JSON that gets ``given``; ``SOURCE`` in it is where the page's modules are."""
    code = script.replace("SOURCE", SOURCE.as_uri())
    code = f'import {{ readFileSync }} from "node:fs"; const given = JSON.parse(readFileSync(0, "utf8"));\n{code}'
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
