from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.encoders import TextTokenizer, resolve
from textgraft.text.batches import pad, shuffled_batches, token_batches

pytest.importorskip("tokenizers")


@settings(max_examples=60)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=5), st.integers(8, 40))
def test_windows_cover_every_token_of_a_text_in_order(tiny_encoder: Path, sizes: list[int], most: int) -> None:
    tokenizer = TextTokenizer(resolve(str(tiny_encoder)))
    words = ["film", "book", "game", "good", "bad", "goal", "match", "bank"]
    texts = [" ".join(words[(i * 5 + i // 7) % 8] for i in range(size)) for size in sizes]
    windows = tokenizer.windows(texts, most, "window")
    assert windows.lengths.max() <= most
    np.testing.assert_allclose(np.bincount(windows.text, windows.weight), 1, atol=1e-5)
    for i, whole in enumerate(tokenizer.encode(texts)):
        seen: list[int] = []
        for ids, weight in zip(
            (w[1:-1] for w, t in zip(windows.ids, windows.text, strict=True) if t == i),
            windows.weight[windows.text == i],
            strict=True,
        ):
            new = round(float(weight) * max(len(whole), 1)) if len(whole) else 0
            seen.extend(ids[len(ids) - new :].tolist())
        assert seen == whole.tolist()


def test_every_text_begins_and_ends_with_the_encoders_special_tokens(tiny_encoder: Path) -> None:
    windows = TextTokenizer(resolve(str(tiny_encoder))).windows(["", "film", "film " * 50], 10, "window")
    assert {(int(ids[0]), int(ids[-1])) for ids in windows.ids} == {(2, 3)}


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 2000))
def test_token_batches_hold_every_row_once_within_the_budget(lengths: list[int], tokens: int) -> None:
    sizes = np.array(lengths, np.int64)
    batches = token_batches(sizes, tokens)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    assert all(len(batch) == 1 or sizes[batch].max() * len(batch) <= tokens for batch in batches)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(300, 2000), st.integers(0, 60))
def test_token_batches_pad_no_more_than_another_call_costs(lengths: list[int], tokens: int, call: int) -> None:
    sizes = np.array(lengths, np.int64)

    def cost(batches: list[NDArray[np.intp]]) -> int:
        return sum(int(sizes[batch].max()) * len(batch) + call for batch in batches)

    batches = token_batches(sizes, tokens, call=call)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    assert all(len(batch) == 1 or sizes[batch].max() * len(batch) <= tokens for batch in batches)
    order = np.argsort(-sizes, kind="stable")
    fours = [order[i : i + 4] for i in range(0, len(order), 4)]
    if len(lengths) * max(lengths) <= tokens:
        assert cost(batches) <= min(cost([order]), cost(fours))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=300), st.integers(1, 40), st.integers(0, 9))
def test_shuffled_batches_hold_every_row_once_and_differ_by_seed(lengths: list[int], rows: int, seed: int) -> None:
    batches = shuffled_batches(np.array(lengths), rows, np.random.RandomState(seed))
    again = shuffled_batches(np.array(lengths), rows, np.random.RandomState(seed))
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    assert [b.tolist() for b in batches] == [b.tolist() for b in again]
    assert len(batches) == -(-len(lengths) // rows)


def test_a_batch_of_equal_lengths_needs_no_mask() -> None:
    rows = [np.array([1, 2], np.int32), np.array([3, 4], np.int32)]
    ids, mask = pad(rows, 0)
    assert mask is None
    assert ids.tolist() == [[1, 2], [3, 4]]
    ids, mask = pad([*rows, np.array([5], np.int32)], 9)
    assert ids.tolist()[2] == [5, 9]
    assert mask is not None
    assert mask.tolist()[2] == [1, 0]
