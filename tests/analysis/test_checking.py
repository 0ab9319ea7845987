from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from textgraft import NgramClassifier
from textgraft.analysis.checking import Pair, check, read_pairs, save_pairs
from textgraft.errors import DataError

TEXTS = ["a great goal", "the goal", "a match", "the bank", "a rate", "rates of a bank"] * 3
LABELS = (["sport"] * 3 + ["money"] * 3) * 3


@pytest.fixture(scope="module")
def model() -> NgramClassifier:
    return NgramClassifier().fit(TEXTS, LABELS)


def written(folder: Path, content: str, name: str = "pairs.csv") -> str:
    (folder / name).write_text(content, "utf-8")
    return str(folder / name)


@pytest.mark.parametrize(
    ("text", "changed", "expect", "passes"),
    [
        ("the goal", "THE GOAL", "same", True),
        ("the goal", "the bank", "same", False),
        ("the goal", "the bank", "different", True),
        ("the goal", "THE GOAL", "different", False),
        ("the goal", "", "sport", True),
        ("the goal", "the bank", "money", True),
        ("the goal", "the bank", "sport", False),
    ],
)
def test_a_pair_passes_where_the_answers_are_as_expected(
    model: NgramClassifier, text: str, changed: str, expect: str, passes: bool
) -> None:
    [found] = check(model, [Pair(text, changed, expect, "row 1")])
    assert found.passes is passes


def test_a_label_is_one_of_several(model: NgramClassifier) -> None:
    several = NgramClassifier().fit(TEXTS, [(label, "short") for label in LABELS])
    assert check(several, [Pair("the goal", "", "short", "row 1")])[0].passes


@pytest.mark.parametrize("header", ["text,changed,expect", "text_a,text_b,expect", "Expect,note,Text,Changed"])
def test_columns_are_found_by_their_names(tmp_path: Path, header: str) -> None:
    row = {"text": "a", "text_a": "a", "changed": "b", "text_b": "b", "expect": "same", "note": "n"}
    line = ",".join(row[name.lower()] for name in header.split(","))
    [pair] = read_pairs(written(tmp_path, f"{header}\n{line}\n"))
    assert (pair.text, pair.changed, pair.expect) == ("a", "b", "same")


def test_pairs_come_back_as_they_were_saved(tmp_path: Path) -> None:
    pairs = [
        Pair('a "quoted",\r\n\ntext', "=SUM(1)", "same", ""),
        Pair("b", "", "sport", ""),
        Pair("é🙂", " x ", "different", ""),
    ]
    save_pairs(pairs, tmp_path / "kept.csv")
    read = read_pairs(tmp_path / "kept.csv")
    assert [(each.text.replace("\r\n", "\n"), each.changed, each.expect) for each in read] == [
        (each.text.replace("\r\n", "\n"), each.changed, each.expect) for each in pairs
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,label\na,b\n", "A file of pairs has the columns text, changed and expect"),
        (
            "text,changed,expect\na,,same\n",
            "pairs.csv row 1 expects same, which is about two texts, and has no changed",
        ),
        ("text,changed,expect\na,b,same\na,b,\n", "pairs.csv row 2 expects nothing; write same, different or a label"),
        ("text,changed,expect\na,b,sprt\n", "expects 'sprt', which is neither same nor different nor a label"),
        ("text,changed,expect\na,b,sprt\n", "Did you mean 'sport'?"),
    ],
)
def test_what_is_no_file_of_pairs_is_said(model: NgramClassifier, tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        check(model, read_pairs(written(tmp_path, content)))
    assert said in str(caught.value)


def test_no_pairs_are_no_test(model: NgramClassifier) -> None:
    with pytest.raises(DataError, match="There are no pairs"):
        check(model, [])


def test_equal_texts_are_predicted_once(model: NgramClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    predict = NgramClassifier._proba
    monkeypatch.setattr(NgramClassifier, "_proba", lambda self, texts: (given.extend(texts), predict(self, texts))[1])
    check(model, [Pair("a", "b", "same", ""), Pair("b", "a", "same", "")])
    assert sorted(given) == ["a", "b"]
