"""What is said of a model's errors: rows, tags, phrases, pairs and neighbours, on tables whose errors are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

import textgraft as tg
from textgraft.analysis.errors import Errors, find_errors
from textgraft.analysis.one_word import Pair, find_pairs
from textgraft.analysis.phrases import find_phrases
from textgraft.analysis.tags import bins, column_feature, language_feature, length_tags, rare_words
from textgraft.errors import DataError

GOOD, BAD = "good great fine lovely", "bad awful poor dull"
THINGS = "film book song play meal game"


def sentences(word_of: dict[str, str], endings: str) -> tuple[list[str], list[str]]:
    rows = [
        (f"a {word} {thing} {ending}", label)
        for label, words in word_of.items()
        for word in words.split()
        for thing in THINGS.split()
        for ending in endings.split()
    ]
    return [text for text, _ in rows], [label for _, label in rows]


@pytest.fixture(scope="module")
def model() -> tg.NgramClassifier:
    return tg.NgramClassifier(C=1.0).fit(*sentences({"good": GOOD, "bad": BAD}, "today again here"))


@pytest.fixture(scope="module")
def found(model: tg.NgramClassifier, tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """Errors on other texts, of which all from one source are labelled the wrong way round."""
    texts, labels = sentences({"good": GOOD, "bad": BAD}, "now then there indeed")
    other = {"good": "bad", "bad": "good"}
    rows = [
        {"text": text, "label": other[label] if i % 4 == 0 else label, "source": "abcd"[i % 4], "n": i, "id": f"x{i}"}
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    path = tmp_path_factory.mktemp("errors") / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    train = tg.read_table([*zip(*sentences({"good": GOOD, "bad": BAD}, "today again here"), strict=True)])
    return find_errors(model, tg.read_table(str(path), label="label", text="text", keep_cells=True), train=train)


def test_rows_stand_in_the_order_of_their_losses(found: Errors) -> None:
    assert (found.rows, found.wrong) == (192, 48)
    losses = [row.loss for row in found.highest]
    assert losses == sorted(losses, reverse=True)
    assert all(row.wrong for row in found.highest[:48])
    assert not any(row.wrong for row in found.lowest)
    assert found.lowest[0].loss == min(losses)
    first = found.highest[0]
    assert first.probabilities[first.predicted[0]] > first.probabilities[first.given[0]]
    assert first.loss == pytest.approx(-np.log(first.probabilities[first.given[0]]), rel=1e-5)


def test_the_source_that_is_worse_is_the_one_slice(found: Errors) -> None:
    assert [each.conditions for each in found.slices.found] == [(("source", "a"),)]
    assert "id" not in found.slices.features
    assert "n" in found.slices.features


def test_a_row_has_the_values_of_its_columns_and_what_is_like_it_in_training(found: Errors) -> None:
    row = found.highest[0]
    assert row.values["source"] == "a"
    word = row.text.split()[1]
    assert word in row.nearest[0].text
    assert row.nearest[0].similarity >= row.nearest[-1].similarity > 0


def test_all_of_it_is_json(found: Errors) -> None:
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["wrong"] == 48
    assert len(content["highest"]) == 192


def test_pairs_with_one_other_word_and_another_answer_are_shown(found: Errors) -> None:
    assert found.pairs
    for pair in found.pairs:
        assert pair.first.predicted != pair.second.predicted
        assert {pair.word, pair.other} == set(pair.first.text.split()) ^ set(pair.second.text.split())


def test_a_label_that_the_model_does_not_know_is_named(model: tg.NgramClassifier) -> None:
    with pytest.raises(DataError, match="'middling'"):
        find_errors(model, ["a film", "a book"], ["good", "middling"])


@pytest.mark.parametrize("labels", [["good"] * 10, ["good", "bad"] * 5, ["good"]])
def test_few_rows_and_one_class_give_wide_intervals(model: tg.NgramClassifier, labels: list[str]) -> None:
    few = find_errors(model, [f"a good film {i}" for i in range(len(labels))], labels)
    assert few.slices.found == ()
    assert few.phrases.found == ()
    assert few.rate.high - few.rate.low > 0.2
    json.dumps(few.to_dict(), allow_nan=False)


def test_several_labels_are_wrong_where_any_is() -> None:
    texts, labels = sentences({"good": GOOD, "bad": BAD}, "today again here")
    sets = [[label, "film"] if "film" in text else [label] for text, label in zip(texts, labels, strict=True)]
    several = tg.NgramClassifier(C=1.0).fit(texts, sets)
    sets[0] = ["bad"]
    found = find_errors(several, texts, sets)
    assert found.highest[0].row == 0
    assert found.highest[0].given == ("bad",)
    assert set(found.highest[0].predicted) == {"good", "film"}
    assert found.wrong == 1


def test_pairs_differ_by_a_word_that_is_other_more_or_less() -> None:
    texts = ["it is good", "it is bad", "it is not good", "It is GOOD", "", "good", "it was not bad at all", "it is"]
    answers = np.array([0, 1, 1, 1, 0, 1, 0, 1])
    assert find_pairs(texts, answers) == [
        Pair(0, 1, "good", "bad"),
        Pair(0, 2, "", "not"),
        Pair(0, 7, "good", ""),
        Pair(4, 5, "", "good"),
    ]
    assert find_pairs([], np.zeros(0, np.int64)) == []


def test_pairs_are_those_that_comparing_all_with_all_finds() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["a", "b", "c"], rng.integers(0, 5))) for _ in range(60)]
    texts = sorted(set(texts))
    answers = np.arange(len(texts))

    def one_apart(a: list[str], b: list[str]) -> bool:
        if len(a) == len(b):
            return sum(x != y for x, y in zip(a, b, strict=True)) == 1
        short, long = sorted((a, b), key=len)
        return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))

    words = [text.split() for text in texts]
    wanted = {(i, j) for i in range(len(texts)) for j in range(i + 1, len(texts)) if one_apart(words[i], words[j])}
    assert {(pair.first, pair.second) for pair in find_pairs(texts, answers, most=10_000)} == wanted


def test_a_phrase_of_errors_is_found_and_none_where_errors_are_anywhere() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([f"w{i}" for i in range(50)], 8)) for _ in range(600)]
    strata = np.arange(600) % 2
    anywhere = rng.random(600) < 0.2
    assert find_phrases(texts, anywhere, strata, moves=199).found == ()
    there = np.array(["w7" in text.split() for text in texts])
    phrases = find_phrases(texts, anywhere | (there & (rng.random(600) < 0.6)), strata, moves=199)
    assert phrases.found[0].phrase == "w7"
    assert phrases.found[0].rows == there.sum()


def test_words_of_a_label_that_is_often_wrong_are_no_phrases_of_errors() -> None:
    rng = np.random.default_rng(0)
    strata = np.arange(400) % 2
    texts = [f"{'ball' if label else 'soup'} {' '.join(rng.choice(list('abcdefgh'), 3))}" for label in strata]
    wrong = rng.random(400) < np.where(strata == 1, 0.6, 0.1)
    assert "ball" not in [each.phrase for each in find_phrases(texts, wrong, strata, moves=199).found]
    assert "ball" in [each.phrase for each in find_phrases(texts, wrong, 0 * strata, moves=199).found]


def test_tags_of_lengths_hold_the_outer_tenths_and_none_of_equal_texts() -> None:
    tags, _ = length_tags(["x" * i for i in range(1, 101)])
    assert [(tag.name, tag.rows.sum()) for tag in tags] == [("short", 10), ("long", 10)]
    assert length_tags(["xyz"] * 20)[0] == []


def test_rare_words_are_those_that_training_did_not_have() -> None:
    train = ["the cat sat", "the dog sat"]
    texts = ["the cat sat on", *["the dog sat"] * 8, "zebra quagga okapi"]
    tag = rare_words(texts, None, train)
    assert tag is not None
    assert np.flatnonzero(tag.rows).tolist() == [9]
    assert "no training text" in tag.meaning
    assert rare_words(["the cat"] * 10, None, train) is None


def test_columns_make_groups_of_few_values_or_quarters_of_numbers() -> None:
    numbers = column_feature("n", [str(i) for i in range(100)] + [""])
    assert numbers is not None
    assert np.bincount(numbers.codes).tolist() == [25, 25, 25, 25, 1]
    names = column_feature("s", ["a", "b", None, "a"])
    assert names is not None
    assert names.values == ("a", "b", "(missing)")
    assert names.codes.tolist() == [0, 1, 2, 0]
    assert column_feature("id", [f"x{i}" for i in range(100)]) is None
    assert column_feature("objects", [{"a": 1}, {"a": 2}]) is None
    assert column_feature("none", [None, None]) is None
    assert bins("same", np.ones(9)).codes.tolist() == [0] * 9


def test_a_second_language_of_a_large_table_is_a_feature_and_stray_ones_are_not() -> None:
    english, german = (
        "this is what the weather was like and we did not know",
        "das ist nicht so wie wir es haben wollten",
    )
    for share, names in ((0.02, ("English", "German")), (0.001, None)):
        texts = [german if i % round(1 / share) == 0 else english for i in range(5_000)]
        found = language_feature(texts)
        assert (None if found is None else found.values) == names
