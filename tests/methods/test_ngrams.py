"""The n-gram classifier, on made-up texts and on the real tables."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.dataset import Dataset, Rows
from textgraft.errors import SettingError
from textgraft.methods.ngrams import NgramClassifier
from textgraft.task import Task

SPORT = ["the match was won in the last minute", "a great goal", "they lost the game :(", "the team scored a goal"]
MONEY = ["the bank raised its rate", "shares fell at the bank", "profits rose by a third", "the rate of interest rose"]
FOOD = ["bread and soup 😀", "we cooked soup", "the bread was fresh 😀", "fresh fish and bread"]
TEXTS = (SPORT + MONEY + FOOD) * 5
LABELS = (["sport"] * 4 + ["money"] * 4 + ["food"] * 4) * 5
ANY_TEXT = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(" ".join(TEXTS).split()), max_size=12).map(" ".join)
)


@pytest.fixture(scope="module")
def model() -> NgramClassifier:
    return NgramClassifier().fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def emotion(shared_data: Path) -> dict[str, Dataset]:
    parts = {}
    task = Task(("anger", "fear", "joy", "love", "sadness", "surprise"))
    for name in ("train", "val", "test"):
        lines = (shared_data / "emotion" / f"{name}.txt").read_text("utf-8").split("\n")[1:]
        texts, labels = zip(*(line.rsplit(";", 1) for line in lines if line), strict=True)
        parts[name] = Dataset(list(texts), task.encode(labels), task, Rows.numbered(len(texts)))
    return parts


@pytest.fixture(scope="module")
def tweets(shared_data: Path) -> tuple[Dataset, Dataset]:
    parts = []
    for name in ("train", "dev"):
        with (shared_data / "semeval2018_ec" / f"{name}.tsv").open(encoding="utf-8", newline="\n") as file:
            header, *rows = csv.reader((line.rstrip("\r\n") for line in file), "excel-tab", quoting=csv.QUOTE_NONE)
        targets = np.array([row[2:] for row in rows]) == "1"
        parts.append(
            Dataset([row[1] for row in rows], targets, Task(tuple(header[2:]), True), Rows.numbered(len(rows)))
        )
    return parts[0], parts[1]


def saved_and_read(model: NgramClassifier, folder: Path) -> NgramClassifier:
    model.write_state(folder)
    other = NgramClassifier()
    for name in ("task_", "classes_", "thresholds_", "chosen_"):
        setattr(other, name, getattr(model, name))
    other.read_state(folder)
    return other


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    place = np.minimum((confidence * 15).astype(int), 14)
    return sum(abs((confidence - right)[place == i].sum()) for i in range(15)) / len(right)


@settings(max_examples=60)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=8))
def test_a_texts_probabilities_do_not_depend_on_the_other_texts(model: NgramClassifier, texts: list[str]) -> None:
    together = model.predict_proba(texts)
    np.testing.assert_array_equal(together, np.concatenate([model.predict_proba([text]) for text in texts]))
    np.testing.assert_array_equal(together[::-1], model.predict_proba(texts[::-1]))
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


MANY = [f"{label}{i % 9}" for i, label in enumerate(LABELS)]
SEVERAL = np.array([[label == "sport", "the" in text, "a" in text] for text, label in zip(TEXTS, LABELS, strict=True)])
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "words": ({"words": (1, 1), "characters": None}, LABELS),
    "longer n-grams": ({"words": (1, 3), "characters": None}, LABELS),
    "characters": ({"characters": (2, 5)}, LABELS),
    "characters and no longer n-grams": ({"words": (1, 1), "characters": (1, 10)}, LABELS),
    "two labels": ({"characters": (3, 4)}, [label == "food" for label in LABELS]),
    "many labels": ({}, MANY),
    "several labels a text": ({"words": (1, 4)}, SEVERAL),
    "no n-gram is known": ({"min_count": 1_000}, LABELS),
}
LONG = " ".join(TEXTS * 20)
STRANGE = [
    "",
    " \n\t",
    "<br />",
    "goal" * 500,
    "hahahahaha haha ha",
    "\ud800 \U0010ffff",
    "日本語 😀 😀",
    LONG,
    LONG.upper(),
]


@cache
def fitted(kind: str) -> NgramClassifier:
    parameters, labels = KINDS[kind]
    return NgramClassifier(C=1, **parameters).fit(TEXTS, labels)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.one_of(ANY_TEXT, st.sampled_from(STRANGE)), min_size=1, max_size=8))
@example(texts=STRANGE)
def test_looking_words_up_gives_the_scores_of_the_features(kind: str, texts: list[str]) -> None:
    model = fitted(kind)
    np.testing.assert_allclose(model._scores(texts), model.model_.scores(model._design(texts)), atol=1e-5)


def test_what_was_learnt_is_used(model: NgramClassifier) -> None:
    assert model.predict(["a goal in the game", "the bank's profits", "fish soup", "😀"]).tolist() == [  # type: ignore[union-attr]
        "sport",
        "money",
        "food",
        "food",
    ]


def test_an_unknown_word_is_told_by_its_characters(model: NgramClassifier) -> None:
    assert model.predict(["bankers"]).tolist() == ["money"]  # type: ignore[union-attr]


def test_texts_without_a_known_ngram_get_probabilities_near_the_shares() -> None:
    labels = ["sport" if label == "sport" else "other" for label in LABELS]
    model = NgramClassifier().fit(TEXTS, labels)
    probabilities = model.predict_proba(["", "  ", "ЪЪЪ", "<br />"])
    np.testing.assert_array_equal(probabilities, probabilities[:1].repeat(4, axis=0))
    assert 0.5 < probabilities[0, 0] < 0.95


@pytest.mark.parametrize("characters", [None, "auto"])
def test_a_model_written_and_read_predicts_the_same(tmp_path: Path, characters: None) -> None:
    model = NgramClassifier(characters=characters, words=(1, 3)).fit(TEXTS, LABELS)
    other = saved_and_read(model, tmp_path)
    texts = [*TEXTS, "", "wholly unheard-of bankers", "日本語 😀"]
    np.testing.assert_array_equal(model.predict_proba(texts), other.predict_proba(texts))
    assert model.top_ngrams("food") == other.top_ngrams("food")
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_another_process_fits_the_same_model(model: NgramClassifier) -> None:
    code = (
        "import sys, numpy as np; from textgraft.methods.ngrams import NgramClassifier;"
        f"model = NgramClassifier().fit({TEXTS!r}, {LABELS!r});"
        "print(model.predict_proba(['the goal of the bank 😀']).tobytes().hex())"
    )
    wanted = model.predict_proba(["the goal of the bank 😀"]).tobytes().hex()
    for number in ("1", "2"):
        command = [sys.executable, "-X", "utf8", "-c", code]
        variables = os.environ | {"PYTHONHASHSEED": number, "OMP_NUM_THREADS": number}
        ended = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", check=True)
        assert ended.stdout.strip() == wanted


def test_top_ngrams_are_the_words_of_their_label(model: NgramClassifier) -> None:
    assert {"bread", "soup"} <= {gram for gram, _ in model.top_ngrams("food", 12)}
    assert not {"bread", "soup"} & {gram for gram, _ in model.top_ngrams("sport", 12)}
    weights = [weight for _, weight in model.top_ngrams("food", 20, kind="characters")]
    assert weights == sorted(weights, reverse=True)
    assert any("ban" in gram for gram, _ in model.top_ngrams("money", 30, kind="characters"))
    with pytest.raises(SettingError, match=r"no label 'foot'.*Did you mean 'food'"):
        model.top_ngrams("foot")


def test_the_two_labels_of_a_binary_task_have_opposite_ngrams() -> None:
    labels = ["sport" if label == "sport" else "other" for label in LABELS]
    model = NgramClassifier(characters=None).fit(TEXTS, labels)
    best, worst = dict(model.top_ngrams("sport", 1000)), dict(model.top_ngrams("other", 1000))
    assert "goal" in list(best)[:5]
    assert best == {gram: -weight for gram, weight in worst.items()}


def test_validation_data_is_chosen_on_and_never_trained_on() -> None:
    train = NgramClassifier(C=1)
    task = Task(("food", "money", "sport"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    valid = data.select(range(12))
    wrong = Dataset([f"{text} zebra" for text in valid.texts], valid.targets, task, valid.rows)
    first, second = train.fit(data, valid=valid).model_, NgramClassifier(C=1).fit(data, valid=wrong)
    np.testing.assert_array_equal(first.weights, second.model_.weights)
    assert "zebra" not in second.words_.words


def test_labels_that_never_or_always_occur_and_rows_with_none() -> None:
    targets = np.zeros((len(TEXTS), 4), np.int64)
    targets[:, 0] = [label == "sport" for label in LABELS]
    targets[:, 1] = [label != "food" for label in LABELS]
    targets[:, 2] = 1
    model = NgramClassifier().fit(TEXTS, targets)
    probabilities = model.predict_proba(TEXTS)
    assert (probabilities[:, 3] < 0.5).all()
    assert (probabilities[:, 2] > 0.5).all()
    np.testing.assert_array_equal(model.predict(TEXTS), targets)


@pytest.mark.parametrize("texts", [["", ""], ["one", "two"], ["same words here", "same words here"]])
def test_texts_that_tell_nothing_still_give_a_model(texts: list[str]) -> None:
    probabilities = NgramClassifier().fit(texts, ["a", "b"]).predict_proba([*texts, "new"])
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_languages_without_spaces_are_learnt() -> None:
    nouns = ["这部电影", "这本书", "他的音乐", "今天的天气", "那家饭店", "这个故事", "我的手机", "新的衣服"]
    good, bad = ["很好看", "真不错", "我喜欢"], ["很糟糕", "太差了", "我讨厌"]
    texts = [noun + verdict for noun in nouns for verdict in good + bad]
    model = NgramClassifier().fit(texts, (["好"] * 3 + ["坏"] * 3) * len(nouns))
    assert model.predict(["我喜欢公园", "我讨厌公园"]).tolist() == ["好", "坏"]  # type: ignore[union-attr]
    assert "喜 欢" in [gram for gram, _ in model.top_ngrams("好", 9)]


@pytest.mark.parametrize(
    "setting",
    [
        {"words": (2, 3)},
        {"words": 2},
        {"characters": (5, 2)},
        {"characters": "all"},
        {"min_count": 0},
        {"max_features": 0},
        {"C": -1.0},
        {"C": "best"},
        {"class_weight": "equal"},
        {"seed": -1},
    ],
)
def test_settings_that_cannot_be_used_are_named(setting: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(setting))):
        NgramClassifier(**setting).fit(TEXTS, LABELS)  # type: ignore[arg-type]


def test_emotion_is_told_at_least_as_well_as_by_the_usual_linear_svm(emotion: dict[str, Dataset]) -> None:
    model = NgramClassifier().fit(emotion["train"], valid=emotion["val"])
    probabilities = model.predict_proba(emotion["test"].texts)
    right = probabilities.argmax(axis=1) == emotion["test"].targets
    assert right.mean() >= 0.885
    assert calibration_error(probabilities.max(axis=1), right) < 0.03
    for label in range(6):  # the rarest label, of 3.6 %, included
        assert right[emotion["test"].targets == label].mean() > 0.6
    assert {"lonely", "aching", "gloomy", "heartbroken"} & {gram for gram, _ in model.top_ngrams("sadness", 50)}


def test_tweets_with_several_labels_or_none(tweets: tuple[Dataset, Dataset]) -> None:
    train, test = tweets
    probabilities = NgramClassifier().fit(train).predict_proba(test.texts)
    predicted = probabilities >= 0.5
    truth = np.asarray(test.targets)
    both = (predicted & truth).sum()
    assert 2 * both / (predicted.sum() + truth.sum()) > 0.59
    assert calibration_error(probabilities.ravel(), truth.ravel()) < 0.03  # type: ignore[arg-type]


@pytest.mark.slow
def test_long_reviews_are_told_from_their_words(shared_data: Path) -> None:
    import pyarrow.parquet as pq

    task, parts = Task(("neg", "pos")), []
    for name in ("train", "test"):
        table = pq.read_table(shared_data / "imdb" / f"{name}.parquet")
        texts = table["text"].to_pylist()
        parts.append(Dataset(texts, task.encode(table["label"].to_pylist()), task, Rows.numbered(len(texts))))
    model = NgramClassifier().fit(parts[0])
    assert model.characters_ is None
    assert model.score(parts[1].texts, np.array(task.labels)[parts[1].targets]) >= 0.905
