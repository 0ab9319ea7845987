"""Label errors of small tables whose errors are known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.analysis.label_errors import LabelErrors, find_label_errors, judge_labels
from textgraft.dataset import Dataset
from textgraft.errors import SettingError

WORDS = {"good": "good great fine lovely", "bad": "bad awful poor dull", "odd": "odd strange weird queer"}
THINGS = ("film", "book", "song", "play", "meal")
ENDS = ("now", "then", "today", "again")
TEXTS = [
    f"a {word} {thing} {end}" for words in WORDS.values() for word in words.split() for thing in THINGS for end in ENDS
]
LABELS = [label for label, words in WORDS.items() for _ in words.split() for _ in THINGS for _ in ENDS]
FLIPPED = [3, 50, 100, 170, 230]


def moved(label: str) -> str:
    return {"good": "bad", "bad": "odd", "odd": "good"}[label]


@pytest.fixture(scope="module")
def found() -> LabelErrors:
    labels = [moved(label) if i in FLIPPED else label for i, label in enumerate(LABELS)]
    return find_label_errors(TEXTS, labels, model=tg.NgramClassifier(C=1.0), folds=4)


def test_flipped_labels_come_first_with_the_right_ones_suggested(found: LabelErrors) -> None:
    assert sorted(found.order[:5].tolist()) == FLIPPED
    assert sorted(suspect.row for suspect in found.suspects[:5]) == FLIPPED
    for suspect in found.suspects[:5]:
        assert suspect.suggested == (LABELS[suspect.row],)
        assert suspect.given == (moved(LABELS[suspect.row]),)
        assert suspect.similar[1] > suspect.similar[0]
    assert {move[:2] for move in found.moves} >= {(moved(LABELS[i]), LABELS[i]) for i in FLIPPED}


def test_all_of_it_is_json(found: LabelErrors) -> None:
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["suspected"] == len(found.suspects)
    assert sum(label["rows"] for label in content["labels"]) == len(TEXTS)


def given(labels: list[str], texts: list[str]) -> Dataset:
    return tg.read_table([{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)])


def test_a_model_of_other_rows_finds_the_flipped_labels_without_training() -> None:
    trained = tg.NgramClassifier(C=1.0).fit(TEXTS[::2], LABELS[::2])
    texts = TEXTS[1::2]
    labels = [moved(label) if i in FLIPPED else label for i, label in enumerate(LABELS[1::2])]
    flipped = [i for i in FLIPPED if i < len(texts)]
    found = find_label_errors(given(labels, texts), probabilities=trained.predict_proba(texts))
    assert found.folds == 0
    assert sorted(suspect.row for suspect in found.suspects[: len(flipped)]) == flipped


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"probabilities": np.zeros((3, 2))}, "240 texts by 3 labels"),
        ({"probabilities": np.full((240, 3), np.nan)}, "from 0 to 1"),
        ({"probabilities": np.zeros((240, 3)), "folds": 4}, "leave out model and folds"),
    ],
)
def test_probabilities_that_do_not_go_with_the_data_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingError, match=reason):
        find_label_errors(TEXTS, LABELS, **options)


def test_of_copies_with_different_labels_the_one_less_likely_right_is_suspected() -> None:
    texts = [f"text number {i} of many" for i in range(40)] + ["The same text", "the same  text"]
    data = given(["a", "b"] * 20 + ["a", "b"], texts)
    p = np.full((42, 2), 0.3, np.float32)
    p[np.arange(42), np.asarray(data.targets)] = 0.7
    p[-2:] = [[0.6, 0.4], [0.45, 0.55]]  # each label is the likelier one where it stands
    found = judge_labels(data, p, method="hand", folds=2)
    assert found.conflicts == 2
    (suspect,) = [each for each in found.suspects if each.row >= 40]
    assert suspect.suggested != suspect.given
    assert suspect.copies == (data.rows.name(81 - suspect.row),)


def test_several_labels_are_judged_one_by_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((300, 3)) < 0.4
    carried = truth.copy()
    carried[7, 1] ^= True
    carried[9, 0] ^= True
    names = np.array(["x", "y", "z"], dtype=object)
    texts = [f"{' '.join(names[row])} text {i}" for i, row in enumerate(truth)]
    rows = [{"text": text, "labels": names[row].tolist()} for text, row in zip(texts, carried, strict=True)]
    p = np.where(truth, 0.9, 0.1).astype(np.float32)
    found = judge_labels(tg.read_table(rows), p, method="hand", folds=2)
    assert sorted(suspect.row for suspect in found.suspects) == [7, 9]
    for suspect in found.suspects:
        assert set(suspect.suggested) == set(names[truth[suspect.row]])
    assert {move for *move, _ in map(list, found.moves) for move in [tuple(move)]} == {
        ("", "y") if truth[7, 1] else ("y", ""),
        ("", "x") if truth[9, 0] else ("x", ""),
    }
