from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.data.duplicates import duplicate_groups
from textgraft.data.splits import given_splits, hold_out, split
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.errors import DataError, SettingError
from textgraft.labels import label_order
from textgraft.task import Task


def dataset(texts: list[str], labels: list[str], **columns: object) -> Dataset:
    task = Task(label_order(labels))
    arrays = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return Dataset(texts, task.encode(labels), task, Rows.numbered(len(texts), "table.csv"), **arrays)


def multi_label(texts: list[str], targets: np.ndarray) -> Dataset:
    task = Task(tuple(f"label{i}" for i in range(targets.shape[1])), multi_label=True)
    return Dataset(texts, targets.astype(bool), task, Rows.numbered(len(texts), "table.csv"))


def distinct(n: int, seed: int = 0) -> list[str]:
    """Texts of eight words that share hardly a pair of words."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{i}" for i in rng.integers(0, 10_000, 8)) for _ in range(n)]


def rows_of(splits: Splits) -> list[int]:
    return [n for part in splits.parts().values() for n in part.rows.number.tolist()]


def placed(splits: Splits) -> dict[str, str]:
    return {text: name for name, part in splits.parts().items() for text in part.texts}


@st.composite
def tables(draw: st.DrawFn) -> Dataset:
    """Tables with copies, near-copies and up to four labels."""
    base = distinct(draw(st.integers(30, 60)), draw(st.integers(0, 99)))
    copies = draw(
        st.lists(st.tuples(st.sampled_from(base), st.sampled_from(["{}", "{} ", "RT @a: {}", "{} more"])), max_size=12)
    )
    texts = base + [form.format(text) for text, form in copies]
    labels = draw(st.lists(st.sampled_from("abcd"), min_size=len(texts), max_size=len(texts)))
    return dataset(texts, labels)


@given(tables(), st.integers(0, 3))
def test_a_split_is_a_partition_in_which_no_duplicates_straddle(data: Dataset, seed: int) -> None:
    splits = split(data, seed=seed)
    assert sorted(rows_of(splits)) == list(range(1, len(data) + 1))
    part_of_row = {n: name for name, part in splits.parts().items() for n in part.rows.number.tolist()}
    groups = duplicate_groups(data.texts)
    for group in np.unique(groups):
        assert len({part_of_row[i + 1] for i in np.flatnonzero(groups == group).tolist()}) == 1
    assert all(splits.train.counts[data.counts > 0] > 0)


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(data: Dataset, random) -> None:
    order = random.sample(range(len(data)), len(data))
    held, again = hold_out(data, 0.3), hold_out(data.select(order), 0.3)
    assert sorted(held[1].texts) == sorted(again[1].texts)
    assert sorted(held[0].texts) == sorted(again[0].texts)


def test_another_seed_gives_another_split() -> None:
    data = dataset(distinct(200), ["a", "b"] * 100)
    assert placed(split(data, seed=0)) == placed(split(data, seed=0)) != placed(split(data, seed=1))


def test_the_split_is_the_same_in_every_process(said_by_processes: Callable[[str], set[str]]) -> None:
    code = (
        "from textgraft.data.splits import split\n"
        "from textgraft.dataset import Dataset, Rows\n"
        "from textgraft.task import Task\n"
        "texts = [f'text number {i} says {i * i} words' for i in range(60)]\n"
        "task = Task(('a', 'b'))\n"
        "data = Dataset(texts, task.encode(['a', 'b', 'b'] * 20), task, Rows.numbered(60))\n"
        "print(split(data).test.rows.number.tolist())"
    )
    outputs = said_by_processes(code)
    assert len(outputs) == 1


def test_every_label_has_its_share_in_every_part() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(list("abcd"), 5_000, p=[0.6, 0.3, 0.08, 0.02]).tolist()
    splits = split(dataset(distinct(5_000), labels))
    assert [len(part) / 5_000 for part in splits.parts().values()] == pytest.approx([0.7, 0.1, 0.2], abs=0.002)
    for part in splits.parts().values():
        np.testing.assert_allclose(part.counts / len(part), splits.train.counts / len(splits.train), atol=0.004)


def test_every_label_of_a_multi_label_task_has_its_share_and_so_have_rows_without_label() -> None:
    rng = np.random.default_rng(0)
    targets = rng.random((3_000, 6)) < [0.5, 0.3, 0.1, 0.05, 0.03, 0.02]
    splits = split(multi_label(distinct(3_000), targets))
    for part in splits.parts().values():
        np.testing.assert_allclose(part.counts / len(part), targets.mean(axis=0), atol=0.01)
        assert (part.label_sets.sizes == 0).mean() == pytest.approx((~targets.any(axis=1)).mean(), abs=0.02)


def test_stratifying_beats_chance_when_groups_are_large() -> None:
    rng = np.random.default_rng(0)
    authors = rng.integers(0, 60, 2_000)
    leaning = rng.random(60)
    labels = np.where(rng.random(2_000) < leaning[authors], "yes", "no").tolist()
    data = dataset(distinct(2_000), labels, groups=authors.tolist())
    splits = split(data)
    shares = [part.counts[1] / len(part) for part in splits.parts().values()]
    assert max(shares) - min(shares) < 0.08
    where = {name: set(part.groups.tolist()) for name, part in splits.parts().items()}
    assert not where["train"] & where["test"]
    assert not where["train"] & where["valid"]
    assert not where["valid"] & where["test"]


def test_copies_join_groups_that_the_group_column_keeps_apart() -> None:
    texts = distinct(60)
    texts[59] = texts[0].upper()
    splits = split(dataset(texts, ["a", "b"] * 30, groups=[i // 3 for i in range(60)]))
    where = placed(splits)
    assert len({where[texts[i]] for i in (0, 1, 2, 57, 58, 59)}) == 1


def test_rows_without_a_group_are_not_one_group() -> None:
    groups = [None, float("nan"), ""] * 100
    splits = split(dataset(distinct(300), ["a", "b"] * 150, groups=groups))
    assert len(splits.test) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("valid", "test", "names"), [(0, 0.2, ["train", "test"]), (0.3, 0, ["train", "valid"]), (0, 0, ["train"])]
)
def test_a_share_of_nothing_gives_no_part(valid: float, test: float, names: list[str]) -> None:
    splits = split(dataset(distinct(50), ["a", "b"] * 25), valid=valid, test=test)
    assert list(splits.parts()) == names


def test_a_rare_label_is_placed_in_train_first_and_said() -> None:
    data = dataset(distinct(102), ["a"] * 50 + ["b"] * 50 + ["once"] + ["b"])
    splits = split(data, valid=0.3, test=0.6)
    assert "once" in splits.train.task.decode(splits.train.targets)
    (note,) = [note for note in splits.notes if "'once'" in note]
    assert "table.csv row 101" in note
    assert "1 in train" in note
    assert "none in valid or test" in note


def test_by_time_train_is_earliest_and_copies_stay_with_the_earliest() -> None:
    texts = distinct(100)
    texts[95] = texts[3]
    times = [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(100)]
    splits = split(dataset(texts, ["a", "b"] * 50, times=times))
    assert "their own time: 1." in " ".join(splits.notes)
    assert texts[3] in splits.train.texts
    assert texts[3] not in splits.test.texts
    own = [i for i in splits.train.rows.number.tolist() if i != 96]
    assert max(own) < min(splits.valid.rows.number) <= max(splits.valid.rows.number) < min(splits.test.rows.number)
    assert [len(part) for part in splits.parts().values()] == pytest.approx([70, 10, 20], abs=1)


def test_rows_of_one_moment_stay_together() -> None:
    times = np.repeat(np.arange("2024-01", "2024-11", dtype="datetime64[M]"), 10)
    data = replace(dataset(distinct(100), ["a", "b"] * 50), times=times)
    months = [set(part.times.tolist()) for part in split(data).parts().values()]
    assert sum(map(len, months)) == 10


def test_rows_without_time_are_named() -> None:
    times = np.arange("2024-01-01", "2024-01-31", dtype="datetime64[D]")
    times[4] = np.datetime64("NaT")
    data = replace(dataset(distinct(30), ["a", "b"] * 15), times=times)
    with pytest.raises(DataError, match=r"Rows without a time: 1 \(table.csv row 5\)"):
        split(data)


def test_the_split_column_is_followed_and_its_leaks_are_told() -> None:
    texts = distinct(9)
    texts[8] = texts[0]
    parts = ["train"] * 6 + ["valid", "test", "test"]
    splits = split(dataset(texts, list("ababababa"), parts=parts))
    assert [len(part) for part in splits.parts().values()] == [6, 1, 2]
    assert "1 of 2 test texts also stands in train (1 verbatim)" in splits.leaks[0]
    dropped = split(dataset(texts, list("ababababa"), parts=parts), drop_leaks=True)
    assert not dropped.leaks
    assert [len(part) for part in dropped.parts().values()] == [5, 1, 2]


def test_given_parts_tell_their_leaks_by_kind() -> None:
    texts = distinct(40)
    train = dataset(texts, ["a", "b"] * 20)
    near = " ".join([*texts[2].split(), "indeed"])
    test = dataset([texts[0], texts[1].upper(), near, "something new altogether"], ["a", "b", "a", "b"])
    splits = given_splits(train, test=test)
    assert splits.valid is None
    (leak,) = splits.leaks
    assert "3 of 4 test texts also stand in train" in leak
    assert "1 verbatim, 1 with other case, white space, links or user names, 1 as near-duplicates" in leak
    assert "--drop-leaks" in leak


def test_dropping_leaks_takes_them_out_of_train_and_says_which() -> None:
    texts = distinct(10)
    train, test = dataset(texts, ["a", "b"] * 5), dataset(texts[:3], ["a", "b", "a"])
    splits = given_splits(train, test=test, drop_leaks=True)
    assert splits.test.texts == test.texts
    assert splits.train.texts == texts[3:]
    assert splits.leaks == ()
    assert any("3 of 10 train rows were taken out" in note and "table.csv row 1" in note for note in splits.notes)


def test_given_parts_count_labels_in_the_order_of_train() -> None:
    train = dataset(distinct(4), ["x", "y", "z", "x"])
    test = dataset(distinct(2, seed=9), ["z", "y"])
    assert given_splits(train, test=test).test.targets.tolist() == [2, 1]
    with pytest.raises(DataError, match="never seen in the training data"):
        given_splits(test, test=train)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9, 30])
@pytest.mark.parametrize("multi", [False, True])
def test_holding_out_leaves_every_label_in_the_rest(n: int, multi: bool) -> None:
    texts = distinct(n)
    targets = np.array([[i % 2 == 0, i % 3 == 0, i == 0] for i in range(n)])
    data = multi_label(texts, targets) if multi else dataset(texts, [str(i % 3) for i in range(n)])
    rest, held = hold_out(data)
    assert len(held) >= 1
    assert set(np.flatnonzero(rest.counts)) == set(np.flatnonzero(data.counts))


def test_holding_out_takes_the_fraction() -> None:
    rest, held = hold_out(dataset(distinct(500), ["a", "b"] * 250), 0.2)
    assert (len(rest), len(held)) == (400, 100)
    assert held.counts.tolist() == [50, 50]


def test_when_every_label_has_one_text_the_held_out_part_is_all_of_it() -> None:
    data = dataset(["one text here", "another one there"], ["a", "b"])
    rest, held = hold_out(data)
    assert rest.texts == held.texts == data.texts


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"valid": -0.1}, SettingError, "at least 0 and less than 1; got -0.1"),
        ({"test": 1.0}, SettingError, "got 1.0"),
        ({"valid": 0.5, "test": 0.5}, SettingError, "leave rows for train"),
        ({"by": "author"}, SettingError, "'random', 'group', 'time' or 'column'; got 'author'"),
        ({"by": "group"}, DataError, "no group column"),
        ({"by": "time"}, DataError, "no time column"),
        ({"by": "column"}, DataError, "no split column"),
        ({"valid": 0.001}, DataError, "No row is left for valid"),
    ],
)
def test_what_cannot_be_divided_is_told_in_a_sentence(options: dict[str, object], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        split(dataset(distinct(40), ["a", "b"] * 20), **options)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows_for_the_parts_are_refused(n: int) -> None:
    with pytest.raises(DataError, match="cannot be divided into train, valid, test"):
        split(dataset(distinct(n), ["a", "b"][:n]))


def test_as_many_labels_as_rows_are_refused() -> None:
    with pytest.raises(DataError, match="each of the 10 labels goes to train first"):
        split(dataset(distinct(10), [str(i) for i in range(10)]))


def test_an_unknown_part_in_the_split_column_is_named() -> None:
    data = dataset(distinct(3), ["a", "b", "a"], parts=["train", "holdout", "test"])
    with pytest.raises(DataError, match=r"table.csv row 2 with 'holdout'"):
        split(data)


def test_an_empty_given_part_is_refused() -> None:
    data = dataset(distinct(4), ["a", "b"] * 2)
    with pytest.raises(DataError, match="No rows in test"):
        given_splits(data, test=data.select([]))


def test_dropping_leaks_does_not_empty_a_part() -> None:
    data = dataset(distinct(4), ["a", "b"] * 2)
    with pytest.raises(DataError, match="Every train text also stands in test"):
        given_splits(data, test=data, drop_leaks=True)


def test_climate_is_divided_without_leaks(shared_data: Path) -> None:
    with (shared_data / "climate" / "tweets.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    data = dataset([row["message"] for row in table], [row["sentiment"] for row in table])
    splits = split(data)
    assert sum(map(len, splits.parts().values())) == 15_819
    assert given_splits(splits.train, splits.valid, splits.test).leaks == ()
    for part in splits.parts().values():
        np.testing.assert_allclose(part.counts / len(part), data.counts / len(data), atol=0.002)
