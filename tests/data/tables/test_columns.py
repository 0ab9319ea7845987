"""The text and label columns are found and the reason is said; where two are as likely, the user is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from textgraft.data.tables.columns import find_label, find_text
from textgraft.data.tables.table import read_table
from textgraft.errors import DataError

PROSE = [f"this is sentence number {i} about a film that was {'good' if i % 2 else 'bad'}" for i in range(60)]
SHORT = [f"title of film {i}" for i in range(60)]
NAMES = ["good" if i % 2 else "bad" for i in range(60)]
CODES = [i % 2 for i in range(60)]
IDS = [10_000 + 7 * i for i in range(60)]


@pytest.mark.parametrize(
    ("table", "text", "label"),
    [
        ({"text": PROSE, "label": NAMES}, ("text",), ("label",)),
        ({"Label": CODES, "Message": PROSE, "tweetid": IDS}, ("Message",), ("Label",)),
        ({"id": IDS, "remark": PROSE, "kind": NAMES}, ("remark",), ("kind",)),
        ({"column1": CODES, "column2": SHORT, "column3": PROSE}, ("column3",), ("column1",)),
        ({"title": SHORT, "description": PROSE, "class": CODES}, ("title", "description"), ("class",)),
        ({"headline": SHORT, "article_body": PROSE, "topic": NAMES}, ("headline", "article_body"), ("topic",)),
        ({"title": SHORT, "genre": NAMES}, ("title",), ("genre",)),
        ({"text": PROSE, "label": CODES, "label_text": NAMES}, ("text",), ("label_text",)),
        ({"tweet_id": IDS, "airline_sentiment": NAMES, "airline": SHORT[:6] * 10, "text": PROSE}, ("text",),
         ("airline_sentiment",)),
        ({"text": PROSE, "toxic": CODES, "insult": CODES, "id": IDS}, ("text",), ("toxic", "insult")),
        ({"text": PROSE, "spam": CODES, "insult": CODES}, ("text",), ("spam", "insult")),
        ({"text": PROSE, "is_retweet": CODES, "stance": NAMES}, ("text",), ("stance",)),
        ({"text": PROSE, "created_at": ["2020", "2021"] * 30, "mark": NAMES}, ("text",), ("mark",)),
        ({"text": PROSE, "tags": [["a", "b"], ["c"]] * 30}, ("text",), ("tags",)),
        ({"文": ["这部电影非常好看我很喜欢", "糟糕透顶的电影不推荐给任何人"] * 30, "y": NAMES}, ("文",), ("y",)),
        ({"column1": [f"2009-04-06 22:19:{i % 9:02d}" for i in range(60)], "column2": PROSE, "column3": CODES},
         ("column2",), ("column3",)),
        ({"a": ["great", "poor", "fine", "grand"], "b": ["pos", "neg", "pos", "pos"]}, ("a",), ("b",)),
    ],
)  # fmt: skip
def test_columns_are_found(table: dict[str, list[object]], text: tuple[str, ...], label: tuple[str, ...]) -> None:
    assert find_text(table).columns == text
    assert find_label(table, text).columns == label


def test_two_texts_as_likely_are_asked_for() -> None:
    table = {"question": PROSE, "comment": PROSE, "label": CODES}
    with pytest.raises(
        DataError, match=r"2 columns are equally likely to be the text: 'question' .* 'comment' .*--text"
    ):
        find_text(table)
    assert read_table(table, text=["question", "comment"]).texts[0] == f"{PROSE[0]}\n{PROSE[0]}"


def test_two_labels_as_likely_are_asked_for() -> None:
    table = {"text": PROSE, "topic": NAMES, "sentiment": ["x", "y", "z"] * 20}
    with pytest.raises(
        DataError, match=r"2 columns are equally likely to be the label: 'topic' .*'sentiment'.*--label"
    ):
        read_table(table)
    assert read_table(table, label="sentiment").task.labels == ("x", "y", "z")


def test_flags_do_not_win_over_a_column_of_names() -> None:
    flags = {"urgent": CODES, "solved": ["TRUE", "false"] * 30}
    assert find_label({"text": PROSE, "category": NAMES, **flags}, ("text",)).columns == ("category",)
    assert find_label({"text": PROSE, "is_verified": CODES, "kind": NAMES}, ("text",)).columns == ("kind",)
    with pytest.raises(DataError, match=r"'kind' may be the label, and 'urgent', 'solved' may be .*--label \(label=\)"):
        find_label({"text": PROSE, "kind": NAMES, **flags}, ("text",))
    assert find_label({"text": PROSE, **flags}, ("text",)).columns == ("urgent", "solved")


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([i * 0.013 for i in range(60)], "nearly every row has a label of its own .*60 values in 60 rows.*scores"),
        ([f"{3 + i % 23 / 100:.2f}" for i in range(60)], "numbers with fractions .*23 values in 60 rows.*scores"),
        ([f"user-{i}" for i in range(60)], "nearly every row has a label of its own .*ids or free text.*--label"),
        ([[f"a{i}", f"b{i}"] for i in range(60)], "nearly every row has a label of its own .*ids or free text"),
    ],
)
def test_scores_and_ids_are_refused_as_labels(labels: list[object], what: str) -> None:
    with pytest.raises(DataError, match=what):
        read_table({"text": PROSE, "label": labels})


def test_labels_that_recur_seldom_can_be_used_and_single_label_says_that_scores_are_names() -> None:
    marks = [f"{i % 9 / 2:.1f}" for i in range(60)]
    assert len(read_table({"text": PROSE, "label": marks}).task) == 9
    assert len(read_table({"text": PROSE[:4], "label": ["a", "b", "c", "a"]}).task) == 3
    assert len(read_table({"text": PROSE, "label": [i * 0.013 for i in range(60)]}, single_label=True).task) == 60
    few = read_table({"text": PROSE, "label": [*(["a", "b"] * 25), *map(str, range(10))]})
    assert any(
        note.startswith("10 of the 12 labels have one row each ('0', '1', '2' and 7 more)") for note in few.notes
    )


def test_a_table_without_labels_or_texts_is_asked_about() -> None:
    with pytest.raises(
        DataError, match=r"No column looks like a label beside the text 'text'; there is only 'text'.*--label"
    ):
        read_table({"text": PROSE})
    with pytest.raises(DataError, match=r"No column looks like text; there are 'id', 'label'.*--text"):
        read_table({"id": IDS, "label": CODES})


def test_the_choice_and_its_reason_are_said() -> None:
    said = read_table({"id": IDS, "message": PROSE, "sentiment": [-1, 0, 1, 2] * 15}).notes[0]
    assert said.startswith("Text: 'message' (named so; about ")
    assert said.endswith("characters on average). Label: 'sentiment' (named so; 4 values: -1, 0, 1, 2).")


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(
        DataError, match=r"no column 'mesage'\. Did you mean 'message'\? The columns are 'message', 'y'"
    ):
        read_table({"message": PROSE, "y": CODES}, text="mesage")


@pytest.mark.parametrize(
    ("file", "rows", "text", "labels"),
    [
        ("emotion/train.txt", 16_000, "text", "anger fear joy love sadness surprise"),
        ("climate/tweets.csv", 15_819, "message", "-1 0 1 2"),
        ("ag_news/train.csv", 10_000, "text", "Business Sci/Tech Sports World"),
        ("imdb/train.parquet", 25_000, "text", "neg pos"),
        ("semeval2018_ec/dev.tsv", 886, "Tweet",
         "anger anticipation disgust fear joy love optimism pessimism sadness surprise trust"),
    ],
)  # fmt: skip
def test_real_tables_need_no_options(shared_data: Path, file: str, rows: int, text: str, labels: str) -> None:
    data = read_table(shared_data / file)
    assert len(data) == rows
    assert data.columns is not None
    assert data.columns.text == (text,)
    assert data.task.labels == tuple(labels.split())
    assert data.task.multi_label == file.startswith("semeval")


@pytest.mark.parametrize("name", ["text", "txt", "message"])
def test_a_column_named_text_is_text_even_if_its_cells_look_like_numbers_of_rows(name: str) -> None:
    table = {name: [f"hello {i}" for i in range(30)], "kind": ["a", "b"] * 15}
    assert find_text(table).columns == (name,)
    assert find_label(table, (name,)).columns == ("kind",)
