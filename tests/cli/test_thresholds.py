"""``textgraft thresholds``, and what train, evaluate and the card make of a wanted precision or recall."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .commands import refused, said

RNG = np.random.default_rng(0)
WORDS = {"joy": ["fine", "great", "happy"], "anger": ["rage", "furious", "mad"], "fear": ["dread", "panic", "scare"]}
EVERY = [word for words in WORDS.values() for word in words]


def table(path: Path, n: int, *, several: bool) -> Path:
    lines = ["text,label"]
    for i in range(n):
        carried = [label for label in WORDS if RNG.random() < 0.4] if several else [RNG.choice(list(WORDS))]
        words = [RNG.choice(WORDS[label]) if RNG.random() < 0.8 else "day" for label in carried]
        noise = [RNG.choice(EVERY)] if RNG.random() < 0.3 else []
        lines.append(f"{' '.join([*words, *noise])} {i} {RNG.integers(10**6)},{';'.join(carried)}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thresholds")
    for name, n in (("train", 600), ("new", 600), ("test", 200), ("few", 12)):
        table(folder / f"{name}.csv", n, several=False)
        table(folder / f"{name}s.csv", n, several=True)
    return folder


def words(shown: str) -> str:
    return " ".join(shown.split())


def test_one_label_gets_a_precision_with_train_and_another_later(folder: Path) -> None:
    model = folder / "one"
    train = ["train", folder / "train.csv", "--test", folder / "test.csv", "--out", model, "--no-report"]
    shown = words(said(*train, "--method", "ngrams", "--thresholds", "joy=precision 0.8", "--abstain", "0.7"))
    assert "What thresholds were chosen for (95 % intervals)" in shown
    content = json.loads((model / "textgraft.json").read_text())
    assert [goal["label"] for goal in content["goals"]] == ["joy"]
    assert "On test data its precision is " in (model / "README.md").read_text()
    assert content["abstention"]
    shown = json.loads(said("thresholds", model, folder / "new.csv", "--recall", 0.9, "--of", "fear", "--json"))
    assert [(goal["label"], goal["measure"], goal["wanted"]) for goal in shown["goals"]] == [("fear", "recall", 0.9)]
    content = json.loads((model / "textgraft.json").read_text())
    assert (content["abstention"], content["evaluation"]) == (None, None)
    assert content["thresholds"] == list(shown["thresholds"].values())
    found = json.loads(said("evaluate", model, folder / "test.csv", "--json"))
    assert found["goals"] == shown["goals"]
    assert found["per_label"]["fear"]["recall"]["high"] > 0.9
    assert "chosen on these very rows" in words(said("evaluate", model, folder / "new.csv"))


def test_all_of_several_labels_get_a_recall_and_others_stay(folder: Path) -> None:
    model = folder / "several"
    said("train", folder / "trains.csv", "--test", folder / "tests.csv", "--out", model, "--method", "ngrams")
    shown = words(said("thresholds", model, folder / "news.csv", "--recall", 0.9))
    for label in WORDS:
        assert f"'{label}' is given from a probability of 0." in shown
    before = json.loads((model / "textgraft.json").read_text())
    shown = words(said("thresholds", model, folder / "news.csv", "--precision", 0.7, "--of", "joy"))
    after = json.loads((model / "textgraft.json").read_text())
    assert [goal["measure"] for goal in after["goals"]] == ["recall", "recall", "precision"]
    assert after["thresholds"][:2] == before["thresholds"][:2]
    assert after["thresholds"][2] != before["thresholds"][2]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["news.csv"], "Nothing is wanted; say either --precision 0.9 (precision=0.9) or --recall 0.9"),
        (["news.csv", "--precision", "0.9", "--recall", "0.9"], "Both a precision and a recall are wanted"),
        (["news.csv", "--precision", "90"], "precision must be a number above 0 and below 1, such as 0.9; got 90.0."),
        (["news.csv", "--recall", "0.9", "--of", "jy"], "'jy', which is no label; the labels are anger, fear, joy."),
        (["fews.csv", "--recall", "0.9"], "that takes 29 rows that carry it. The highest that they show is"),
        (["news.csv", "--precision", "0.999", "--of", "joy"], "and no error. The highest that they show is"),
        (["trains.csv", "--recall", "0.9"], "was trained on all 600 rows"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence_and_leaves_the_model_as_it_was(
    folder: Path, given: list[str], sentence: str
) -> None:
    model = folder / "refusing"
    if not model.exists():
        said("train", folder / "trains.csv", "--test", folder / "tests.csv", "--out", model, "--method", "ngrams")
    before = (model / "textgraft.json").read_bytes()
    assert sentence in refused("thresholds", model, folder / given[0], *given[1:])
    assert (model / "textgraft.json").read_bytes() == before


def test_train_refuses_before_any_work_what_a_text_with_one_label_cannot_have(folder: Path) -> None:
    train = ["train", folder / "train.csv", "--out", folder / "none", "--method", "ngrams", "--thresholds"]
    assert "can be wanted of one label" in refused(*train, "precision 0.9")
    assert "which is no label" in refused(*train, "jou=precision 0.9")
    assert "must be like spam='precision 0.95'" in refused(*train, "joy=0.9")
    assert not (folder / "none").exists()
