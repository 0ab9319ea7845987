from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from textgraft.data.inspecting import Audit, inspect
from textgraft.data.splits import given_splits
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.labels import label_order
from textgraft.task import Task


def dataset(texts: list[str], labels: list[str], name: str = "table.csv", **columns: object) -> Dataset:
    task = Task(label_order(labels))
    arrays = {key: np.array(values, dtype=object) for key, values in columns.items()}
    return Dataset(texts, task.encode(labels), task, Rows.numbered(len(texts), name), **arrays)


def multi_label(texts: list[str], labels: list[tuple[str, ...]], names: tuple[str, ...]) -> Dataset:
    task = Task(names, multi_label=True)
    return Dataset(texts, task.encode(labels), task, Rows.numbered(len(texts), "table.csv"))


def emotion(folder: Path, part: str) -> Dataset:
    lines = (folder / "emotion" / f"{part}.txt").read_text(encoding="utf-8").splitlines()[1:]
    texts, labels = zip(*(line.rsplit(";", 1) for line in lines), strict=True)
    return dataset(list(texts), list(labels), f"{part}.txt")


def semeval(folder: Path, part: str) -> Dataset:
    with (folder / "semeval2018_ec" / f"{part}.tsv").open(encoding="utf-8", newline="") as file:
        names, *rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    task = Task(tuple(names[2:]), multi_label=True)
    targets = np.array([row[2:] for row in rows]) == "1"
    return Dataset([row[1] for row in rows], targets, task, Rows.numbered(len(rows), f"{part}.tsv"))


def advice(audit: Audit) -> str:
    return " ".join(audit.advice)


def test_rows_labels_and_lengths_are_counted() -> None:
    audit = inspect(dataset(["ab", "abcd", "abcdef", ""], ["x", "y", "x", "x"]))
    part = audit.parts["all"]
    assert part.rows == 4
    assert part.labels == {"x": 3, "y": 1}
    assert part.shares == {"x": 0.75, "y": 0.25}
    assert (part.characters.median, part.characters.longest) == (3, 6)
    assert part.tokens is None
    assert part.cut is None


def test_empty_texts_are_named() -> None:
    audit = inspect(dataset(["some text", " \n", "other text", ""], ["x", "y", "x", "y"]))
    assert audit.parts["all"].empty == 2
    assert audit.parts["all"].empty_rows == ("table.csv row 2", "table.csv row 4")
    assert "table.csv row 2, table.csv row 4" in advice(audit)


def test_tokens_are_counted_with_the_tokenizer_and_the_cut_is_said() -> None:
    texts = [" ".join(["word"] * n) for n in range(1, 11)]
    audit = inspect(
        dataset(texts, ["x", "y"] * 5), tokenizer=lambda block: [len(t.split()) for t in block], max_tokens=8
    )
    part = audit.parts["all"]
    assert part.tokens is not None
    assert (part.tokens.median, part.tokens.longest) == (5.5, 10)
    assert part.cut == pytest.approx(0.2)
    assert "20.0% of the texts are longer than the 8 tokens" in advice(audit)


def test_same_text_with_different_labels_is_named_with_its_rows() -> None:
    texts = ["what a fine film", "What a fine FILM", "what a fine film", "quite another text", "quite another text"]
    audit = inspect(dataset(texts, ["good", "good", "bad", "bad", "bad"]))
    conflicts = audit.conflicts
    assert (conflicts.texts, conflicts.rows, conflicts.outvoted) == (1, 3, 1)
    assert conflicts.examples[0].labels == (("good",), ("good",), ("bad",))
    assert conflicts.examples[0].rows == ("table.csv row 1", "table.csv row 2", "table.csv row 3")
    assert "no classifier can be right on 1 of them" in advice(audit)


def test_sets_of_labels_conflict_when_they_differ() -> None:
    data = multi_label(
        ["one text here"] * 2 + ["another text there"] * 2, [("a",), ("a", "b"), ("b",), ("b",)], ("a", "b")
    )
    audit = inspect(data)
    assert (audit.conflicts.texts, audit.conflicts.rows) == (1, 2)


def test_labels_per_row_and_rows_without_label() -> None:
    audit = inspect(multi_label(["one", "two", "three", "four"], [("a",), ("a", "b"), (), ()], ("a", "b")))
    part = audit.parts["all"]
    assert part.labels_per_row == 0.75
    assert part.without_label == 2


def test_rare_and_absent_labels_are_named() -> None:
    train = dataset([f"text {i}" for i in range(30)], ["a"] * 14 + ["b"] * 14 + ["c"] * 2)
    valid = dataset([f"other {i}" for i in range(4)], ["a", "a", "b", "b"]).with_task(train.task)
    audit = inspect(Splits(train, valid))
    assert audit.rare == {"c": 2}
    assert audit.absent == {"valid": ("c",)}
    assert "'c' has 2" in advice(audit)
    assert "Labels without a row in valid" in advice(audit)


def test_labels_that_look_alike_are_pointed_at_with_counts_and_what_merges_them() -> None:
    labels = ["Spam", "spam", "spam", "ham", "good bye", "goodbye", "tr\u00e8s", "tre\u0300s"]
    said = advice(inspect(dataset([f"text {i}" for i in range(8)], labels)))
    assert "differ only in case or blanks or Unicode form" in said
    assert "'Spam' (1 row) and 'spam' (2 rows)" in said
    assert "'good bye' (1 row) and 'goodbye' (1 row)" in said
    assert r"'tre\u0300s' (1 row) and 'tr\u00e8s' (1 row)".replace(r"\u00e8", "\u00e8") in said
    assert "--merge-labels case,space,unicode (merge_labels=['case', 'space', 'unicode'])" in said
    only = advice(inspect(dataset([f"text {i}" for i in range(4)], ["Spam", "spam", "ham", "ham"])))
    assert "--merge-labels case (merge_labels=['case'])" in only
    assert "alike" not in advice(inspect(dataset(["one text", "two texts"], ["a", "b"])))


def test_one_label_only_is_a_warning() -> None:
    audit = inspect(dataset(["a text", "b text"], ["same", "same"]))
    assert "at least two labels" in audit.advice[0]


def test_a_label_that_stands_in_its_texts_is_flagged() -> None:
    texts = [f"ticket {i} about billing" for i in range(30)] + [f"ticket {i} about the weather" for i in range(30)]
    audit = inspect(dataset(texts, ["Billing"] * 30 + ["other"] * 30))
    (giveaway,) = audit.giveaways
    assert (giveaway.label, giveaway.rows, giveaway.share, giveaway.lift) == ("Billing", 30, 1.0, 2.0)
    assert giveaway.flagged
    assert "'Billing'" in advice(audit)


def test_a_label_that_stands_in_all_texts_alike_is_not_flagged() -> None:
    texts = [f"the sports page says {i}" for i in range(60)]
    (giveaway,) = inspect(dataset(texts, ["sports", "news"] * 30)).giveaways
    assert giveaway.lift == pytest.approx(1)
    assert not giveaway.flagged


@pytest.mark.parametrize(
    ("label", "text", "said"),
    [
        ("joy", "#joy to the world", True),
        ("joy", "enjoy yourself", False),
        ("credit_card", "my Credit  card is lost", True),
        ("Sci/Tech", "news of sci tech", True),
        ("1", "1 of them", False),
        ("体育", "今天的体育新闻", True),
    ],
)
def test_a_label_counts_as_said_when_it_stands_as_words(label: str, text: str, said: bool) -> None:
    audit = inspect(dataset([text, "nothing here"], [label, "zzz"]))
    assert [giveaway.label for giveaway in audit.giveaways] == [label] * said


def test_a_table_with_a_split_column_is_audited_by_its_parts() -> None:
    texts = ["one text that is here", "two texts that are there", "one text that is here"]
    audit = inspect(dataset(texts, ["a", "b", "a"], parts=["train", "train", "test"]))
    assert list(audit.parts) == ["train", "test"]
    assert audit.overlaps[0].verbatim == 1


def test_the_audit_is_plain_json_and_its_lines_fit_its_parts() -> None:
    train = dataset([f"text number {i}" for i in range(40)], ["a", "b"] * 20)
    audit = inspect(given_splits(train, test=train.select(range(10))))
    again = json.loads(json.dumps(audit.to_dict()))
    assert again["parts"]["test"]["labels"] == {"a": 5, "b": 5}
    assert again["overlaps"][0]["verbatim"] == 10
    assert again["advice"] == list(audit.advice)
    assert all(len(finding.values) in (1, 2) for finding in audit.findings)


def test_an_empty_table_can_be_looked_at() -> None:
    data = dataset(["a text"], ["a"]).select([])
    assert inspect(data).parts["all"].rows == 0
    assert inspect(data).findings


def test_what_is_known_about_emotion_is_found(shared_data: Path) -> None:
    splits = given_splits(*(emotion(shared_data, part) for part in ("train", "val", "test")))
    audit = inspect(splits)
    assert [part.rows for part in audit.parts.values()] == [16_000, 2_000, 2_000]
    assert [part.repeats.verbatim for part in audit.parts.values()] == [31, 2, 0]
    assert len(splits.leaks) == len(audit.overlaps) == 3


def test_what_is_known_about_climate_is_found(shared_data: Path) -> None:
    with (shared_data / "climate" / "tweets.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    audit = inspect(dataset([row["message"] for row in table], [row["sentiment"] for row in table]))
    assert list(audit.parts["all"].labels) == ["-1", "0", "1", "2"]
    assert audit.parts["all"].repeats.verbatim == 1_590
    assert audit.conflicts.texts > 0
    assert audit.parts["all"].repeats.near > audit.parts["all"].repeats.folded > 1_590


def test_what_is_known_about_semeval_is_found(shared_data: Path) -> None:
    audit = inspect(given_splits(semeval(shared_data, "train"), test=semeval(shared_data, "dev")))
    train, test = audit.parts.values()
    assert (train.rows, test.rows) == (6_838, 886)
    assert train.without_label > 0
    assert train.repeats.verbatim == 0


def test_ag_news_repeats_nothing_verbatim(shared_data: Path) -> None:
    parts = []
    for name in ("train", "test"):
        with (shared_data / "ag_news" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        parts.append(dataset([row["text"] for row in table], [row["label"] for row in table]))
    audit = inspect(given_splits(parts[0], test=parts[1]))
    assert [part.repeats.verbatim for part in audit.parts.values()] == [0, 0]
    assert all(overlap.verbatim == 0 for overlap in audit.overlaps)


@pytest.mark.slow
def test_what_is_known_about_imdb_is_found(shared_data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    tables = [parquet.read_table(shared_data / "imdb" / f"{name}.parquet") for name in ("train", "test")]
    train, test = (dataset(t["text"].to_pylist(), list(map(str, t["label"].to_pylist()))) for t in tables)
    audit = inspect(Splits(train, test=test))
    assert [part.repeats.verbatim for part in audit.parts.values()] == [96, 199]
    assert audit.overlaps[0].verbatim == 123


def test_a_small_table_is_told_how_little_it_can_say() -> None:
    audit = inspect(dataset([f"text number {i} of all" for i in range(60)], ["a", "b"] * 30))
    assert audit.basis is not None
    assert (audit.basis.folds, audit.basis.rows, audit.basis.enough) == (True, 60, 246 - 1)
    assert "compare will cross-validate 60 rows: an accuracy of 80%" in audit.advice[0]
    assert "no better than from 68% to 88%" in audit.advice[0]
    assert "245 rows give ± 5 points" in audit.advice[0]
    held = inspect(dataset([f"text number {i} of all" for i in range(60)], ["a", "b"] * 30), folds=0)
    assert "compare holds out about 12 rows once" in held.advice[0]
    assert "1,225 rows in all" in held.advice[0]


def test_what_is_too_little_for_a_recommendation_is_said_before_anything_is_trained() -> None:
    audit = inspect(dataset([f"text number {i} of all" for i in range(15)], ["a", "b", "c"] * 4 + ["a", "b", "d"]))
    assert "compare will recommend nothing: 15 rows are fewer than 20, and fewer than 3 rows carry 'd' (1)." in advice(
        audit
    )


def test_a_test_part_is_judged_as_it_is_given() -> None:
    train = dataset([f"text {i} of training" for i in range(300)], ["a", "b"] * 150)
    small, large = (dataset([f"text {i} of testing" for i in range(n)], ["a", "b"] * (n // 2)) for n in (20, 400))
    assert "The test part has 20 rows" in advice(inspect(Splits(train, test=small)))
    audit = inspect(Splits(train, test=large))
    assert "known no better" not in advice(audit)
    assert audit.basis is not None
    assert audit.basis.labels == {"a": 200, "b": 200}


def test_a_skewed_table_is_told_which_labels_cannot_be_measured() -> None:
    labels = ["a"] * 300 + ["b"] * 300 + ["c"] * 20 + ["d"]
    data = dataset([f"text number {i} of all" for i in range(621)], labels)
    held = inspect(data, test=0.2)
    assert held.basis is not None
    assert held.basis.labels == {"a": 60, "b": 60, "c": 4, "d": 0}
    assert "No row is left for test of 'd'" in advice(held)
    assert "(about 'c' 4)" in advice(held)
    folded = inspect(data)
    assert folded.basis is not None
    assert folded.basis.labels == {"a": 300, "b": 300, "c": 20, "d": 1}
    assert "fewer than 10 rows each ('d' 1)" in advice(folded)


def test_what_is_too_small_to_hold_out_is_said_and_trained_without() -> None:
    audit = inspect(dataset(["one text", "two texts"], ["a", "b"]), command=["t.csv"], test=0.2)
    assert "too small to hold out test rows" in advice(audit)
    assert audit.next == ("textgraft train t.csv --test-size 0 --out model",)
    json.dumps(audit.to_dict(), allow_nan=False)


def test_the_next_commands_have_the_options_that_were_given_and_those_that_are_needed() -> None:
    train = dataset([f"text number {i} of all" for i in range(40)] + [" "], ["a", "b"] * 20 + ["a"])
    splits = given_splits(train, test=train.select(range(10)))
    words = ["my films.csv", "--text", "it's", "--test", "other.csv"]
    assert inspect(splits, command=words).next == (
        "textgraft compare 'my films.csv' --text 'it'\"'\"'s' --test other.csv --drop-leaks --drop-empty",
        "textgraft train 'my films.csv' --text 'it'\"'\"'s' --test other.csv --drop-leaks --drop-empty --out model",
    )
    assert inspect(dataset(["a text", "b text"], ["same", "same"]), command=words).next == ()


def test_the_next_lines_of_python_run() -> None:
    texts = [f"text number {i} of all is {'fine' if i % 2 else 'poor'}" for i in range(40)]
    train = dataset(texts, ["a", "b"] * 20)
    for given in (train, given_splits(train, test=train.select(range(10)))):
        lines = inspect(given).next
        assert lines[0] == "import textgraft as tg"
        names: dict[str, object] = {"data": given, "splits": given}
        exec("\n".join(line for line in lines if line.startswith(("import", "splits ="))), names)
        assert any(line.startswith("splits =") for line in lines) == isinstance(given, Splits)
        assert any("tg.compare(" in line for line in lines)
        compile("\n".join(lines), "next", "exec")
