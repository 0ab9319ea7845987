"""A table with very many labels: memory grows with what its rows carry, and findings are those of few labels."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from textgraft.data import giveaways, inspect, split
from textgraft.data.duplicates import find_duplicates
from textgraft.data.folding import fold
from textgraft.data.stratify import stratify
from textgraft.dataset import Dataset, Rows
from textgraft.label_sets import LabelSets
from textgraft.task import Task

N = 20_000  # rows, and labels


def of_many_labels(multi_label: bool) -> Dataset:
    rng = np.random.default_rng(0)
    task = Task(tuple(f"item {i}" for i in range(N)), multi_label=multi_label)
    texts = [f"text {i} of {a} and {b}" for i, (a, b) in enumerate(rng.integers(0, N, (N, 2)).tolist())]
    if multi_label:
        targets: Any = LabelSets.of_rows(rng.integers(0, N, (N, 3)).tolist(), N)
    else:
        targets = rng.integers(0, N // 2, N)
    return Dataset(texts, targets, task, Rows.numbered(N))


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("work", [inspect, split])
def test_memory_is_far_below_a_byte_for_each_row_and_label(work: Callable[[Dataset], Any], multi_label: bool) -> None:
    data = of_many_labels(multi_label)
    inspect(data.select(np.arange(100)))  # what is imported on the way is not of the data
    tracemalloc.start()
    try:
        work(data)
        assert tracemalloc.get_traced_memory()[1] < N * N / 4
    finally:
        tracemalloc.stop()


WORDS = [
    "red",
    "wine",
    "apple",
    "a",
    "42",
    "cafe",
    "ice cream",
    "rock-n-roll",
    "手机",
    "手",
    "iphone 手机",
    "x_y",
    "Red",
]


@given(
    st.lists(
        st.lists(st.sampled_from([*WORDS, "redwine", "ice", "cream", ",", "机"]), max_size=8), min_size=1, max_size=12
    ),
    st.sampled_from(["", " ", "-"]),
)
def test_names_are_found_in_texts_alike_among_few_and_many_labels(rows: list[list[str]], between: str) -> None:
    texts = [between.join(row) for row in rows]
    labels = (*WORDS, *(f"label {i} of many" for i in range(giveaways.FEW)))
    targets = LabelSets.of_rows([[i % len(WORDS)] for i in range(len(texts))], len(labels))
    few = giveaways.giveaways(
        Task(labels[: len(WORDS)], True), targets.only(np.arange(len(WORDS))), find_duplicates(texts)
    )
    many = giveaways.giveaways(Task(labels, True), targets, find_duplicates(texts))
    assert few == many


@given(
    st.lists(
        st.lists(st.sampled_from([*WORDS, *"a手机 -._", "ﬁlm", "İ"]), max_size=6).map("".join) | st.text(), max_size=6
    ),
    st.lists(st.lists(st.sampled_from([*WORDS, *" -_a"]), max_size=3).map("".join), max_size=6, unique=True),
)
def test_a_name_stands_where_an_expression_of_its_words_matches(texts: list[str], labels: list[str]) -> None:
    folded = find_duplicates(texts).distinct
    expected = {}
    for i, label in enumerate(labels):
        words = re.findall(r"[^\W_]+", fold(label))
        if len("".join(words)) > 1 and not "".join(words).isnumeric():
            name = r"[\W_]+".join(words)
            spaced = not giveaways.UNSPACED_CHARACTER.search(name)
            pattern = re.compile(rf"(?<![^\W_]){name}(?![^\W_])" if spaced else name)
            if found := [place for place, text in enumerate(folded) if pattern.search(text)]:
                expected[i] = found
    for few in (0, giveaways.FEW):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(giveaways, "FEW", few)
            assert giveaways._naming(labels, folded) == expected


@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=30), st.integers(0, 9))
def test_every_label_stands_in_the_first_part(sets: list[set[int]], seed: int) -> None:
    labels = csr_matrix(np.asarray(LabelSets.of_rows(sets, 6)).astype(np.int64))
    keys = np.random.default_rng(seed).integers(0, 2**63, len(sets)).astype(np.uint64)
    part = stratify(labels, np.ones(len(sets), np.int64), keys, [0.7, 0.3])
    in_first, carried = (np.asarray(of.sum(axis=0)).ravel() > 0 for of in (labels[part == 0], labels))
    assert (in_first == carried).all()


def test_lines_about_names_in_texts_are_few_and_the_suspects_come_first() -> None:
    names = [f"word{i}" for i in range(60)]
    texts = [f"{name} and more {i}" for name in names for i in range(12)]
    right = np.repeat(np.arange(60), 12)
    mixed = np.where(np.arange(720) < 600, np.roll(right, 1), right)  # the last ten names give their label away
    data = Dataset(
        texts, np.where(mixed < 50, (mixed + np.arange(720)) % 50, mixed), Task(tuple(names)), Rows.numbered(720)
    )
    said = [finding for finding in inspect(data).findings if finding.what.startswith("texts that say")]
    assert len(said) == 20
    assert [finding.level for finding in said[:10]] == ["look"] * 10
    assert any(f.what == "more labels that texts say" and f.values == ("40",) for f in inspect(data).findings)
