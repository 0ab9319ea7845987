from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.data import duplicates as module
from textgraft.data import shingles as of_words
from textgraft.data.duplicates import SIMILARITY, connect, duplicate_groups, find_duplicates, repeats, similarities
from textgraft.data.folding import HEAD, FoldedTexts, fold
from textgraft.data.shingles import shingle

VOCABULARY = [f"word{i}" for i in range(5_000)]


def documents(n: int, length: int, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [[VOCABULARY[i] for i in rng.integers(0, len(VOCABULARY), length)] for _ in range(n)]


def partition(groups: np.ndarray, names: list[str]) -> set[frozenset[str]]:
    found: dict[int, set[str]] = {}
    for group, name in zip(groups.tolist(), names, strict=True):
        found.setdefault(group, set()).add(name)
    return {frozenset(members) for members in found.values()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What a FILM", "what a film"),
        ("what\ta \n film ", "what a film"),
        ("what a film https://t.co/AbC1", "what a film http://example.org/x?y=z#a"),
        ("what a film www.example.org", "what a film"),
        ("@ann what a film", "what a film @bob_2"),
        ("RT @ann: what a film", "what a film"),
        ("RT @ann: RT @bob: what a film", "what a film"),
        ("ｗｈａｔ a ﬁlm", "what a film"),
        ("STRASSE", "straße"),
    ],
)
def test_texts_that_differ_in_what_people_change_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a film", "a file"), ("mail me@home", "mail you@home"), ("rtfm now", "now"), ("@ann", "@bob"), ("http://a", "b")],
)
def test_texts_that_say_different_things_do_not_fold_to_one(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_is_done_in_one_go(text: str) -> None:
    assert fold(f"  {text}\n") == fold(text)
    assert (fold(text) == "") == (not text.strip())


def test_a_changed_word_among_thirty_is_found() -> None:
    rng = np.random.default_rng(1)
    originals = documents(2_000, 30)
    copies = [[*words] for words in originals]
    for words in copies:
        words[rng.integers(0, 30)] = "changed"
    texts = [" ".join(words) for words in originals + copies]
    groups = duplicate_groups(texts)
    found = groups[:2_000] == groups[2_000:]
    assert found.mean() > 0.995
    assert len(np.unique(groups[:2_000])) == 2_000


def test_texts_that_share_half_their_words_are_not_near_duplicates() -> None:
    texts = [" ".join(words) for words in documents(1_000, 30)]
    halves = [
        f"{text.rsplit(' ', 15)[0]} {other.split(' ', 15)[15]}" for text, other in zip(texts, texts[::-1], strict=True)
    ]
    assert repeats(duplicate_groups(texts + halves)) == 0


def test_every_group_hangs_together_by_pairs_above_the_threshold() -> None:
    rng = np.random.default_rng(2)
    texts = []
    for words in documents(300, 12):
        for _ in range(3):
            changed = [w if rng.random() > 0.05 else "other" for w in words]
            texts.append(" ".join(changed))
    duplicates = find_duplicates(texts)
    sets = shingle(texts)
    a, b = np.triu_indices(len(texts), 1)
    alike = similarities(sets, a, b) >= SIMILARITY
    exact = connect(np.arange(len(texts)), np.arange(len(texts)))
    for i, j in zip(a[alike].tolist(), b[alike].tolist(), strict=True):
        exact[exact == exact[j]] = exact[i]
    names = [str(i) for i in range(len(texts))]
    assert partition(duplicates.near, names) == partition(exact, names)


def test_similarity_is_that_of_the_sets_of_word_pairs() -> None:
    sets = shingle(["a b c d", "a b c e", "a b a b", "x y z"])
    got = similarities(sets, np.array([0, 0, 0, 2]), np.array([0, 1, 3, 0]))
    np.testing.assert_allclose(got, [1, 2 / 4, 0, 1 / 4])


def test_one_and_two_words_repeat_by_equality_alone() -> None:
    groups = duplicate_groups(["good film", "good film!", "good", "good!", "Good film", ""])
    assert groups[0] == groups[4]
    assert repeats(groups) == 1


def test_characters_count_as_words_where_a_script_has_no_spaces() -> None:
    review = "这部电影的故事非常感人演员的表演也很出色我已经看了三遍还想再看"
    other = "今天的天气很好我们一起去公园散步吧顺便买一点水果回家给孩子们吃"
    groups = duplicate_groups([review, review + "吧", other])
    assert groups[0] == groups[1] != groups[2]


def test_the_three_senses_widen() -> None:
    text = "the quick brown fox jumps over the lazy dog and runs away into the deep dark wood"
    duplicates = find_duplicates([text, text, text.upper(), text.replace("lazy dog", "lazy dog,") + " now"])
    counts = [repeats(ids) for ids in (duplicates.verbatim, duplicates.folded, duplicates.near)]
    assert counts == [1, 2, 3]
    assert [duplicates.distinct[i] for i in duplicates.folded[:3]] == [text] * 3


@given(st.lists(st.text("ab @\n", max_size=12), max_size=20), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_the_rows(texts: list[str], random) -> None:
    shuffled = random.sample(range(len(texts)), len(texts))
    groups = duplicate_groups(texts)
    again = duplicate_groups([texts[i] for i in shuffled])
    assert partition(groups, texts) == partition(again, [texts[i] for i in shuffled])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_connect_joins_rows_that_share_either_number(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    joined = connect(first, second)
    for column in (first, second):
        for value in np.unique(column):
            assert len(np.unique(joined[column == value])) == 1
    # The result is the finest such partition: within each set, one can walk from row to row.
    for value in np.unique(joined):
        rows = set(np.flatnonzero(joined == value).tolist())
        reached, open_ = set(), {min(rows)}
        while open_:
            i = open_.pop()
            reached.add(i)
            open_ |= {j for j in rows if first[j] == first[i] or second[j] == second[i]} - reached
        assert reached == rows


def test_all_texts_made_from_one_template_become_one_group() -> None:
    texts = [
        f"dear customer your order {i} was sent today and will be with you in three days or so unless it rains or snows"
        for i in range(3_000)
    ]
    duplicates = find_duplicates(texts)
    assert repeats(duplicates.folded) == 0
    assert len(np.unique(duplicates.near)) == 1


def test_a_lone_surrogate_is_text_like_any_other() -> None:
    assert repeats(duplicate_groups(["broken \ud83d text here", "broken \ud83d text here"])) == 1


def test_no_texts_have_no_groups() -> None:
    assert duplicate_groups([]).shape == (0,)


def test_groups_are_the_same_in_every_process(said_by_processes: Callable[[str], set[str]]) -> None:
    code = (
        "from textgraft.data.shingles import shingle, minhash\n"
        "s = shingle(['the quick brown fox', 'jumps over the dog'])\n"
        "print(s.hashes.tolist(), minhash(s, range(4)).tolist())"
    )
    outputs = said_by_processes(code)
    assert len(outputs) == 1


def test_repeated_reviews_of_imdb_are_found(shared_data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = [
        parquet.read_table(shared_data / "imdb" / f"{part}.parquet", columns=["text"]) for part in ("train", "test")
    ]
    train, test = (column["text"].to_pylist() for column in columns)
    duplicates = find_duplicates(train + test, near=False)
    assert repeats(duplicates.verbatim[:25_000]) == 96
    assert repeats(duplicates.verbatim[25_000:]) == 199
    assert np.isin(duplicates.verbatim[25_000:], duplicates.verbatim[:25_000]).sum() == 123


STARTS = st.sampled_from(["", "x" * HEAD, "x" * (HEAD - 1), "é" * HEAD, "\0" * HEAD])


@given(st.lists(st.tuples(STARTS, st.text("aB\0é\ud83d\U0001f600 ", max_size=4)).map("".join), max_size=12))
def test_folded_texts_are_those_that_would_be_kept_in_their_order(texts: list[str]) -> None:
    duplicates = find_duplicates(texts, near=False)
    assert list(duplicates.distinct) == sorted({fold(text) for text in texts})
    assert [duplicates.distinct[i] for i in duplicates.folded.tolist()] == [fold(text) for text in texts]


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_the_expression(text: str) -> None:
    assert text.translate(of_words.BLANKED).split() == re.findall(r"\w+", text, re.ASCII)


def test_words_whose_hashes_are_not_kept_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(words) for words in documents(50, 20)]
    kept = shingle(texts)
    monkeypatch.setattr(of_words, "MOST_WORDS", 3)
    np.testing.assert_array_equal(shingle(texts).hashes, kept.hashes)


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=12).map(" ".join), max_size=12, unique=True))
def test_texts_that_share_no_band_are_never_near_duplicates(texts: list[str]) -> None:
    folded = FoldedTexts(texts, np.arange(len(texts)))
    found = module.near_duplicates(folded)
    with pytest.MonkeyPatch.context() as patch:  # all that are long enough are compared
        places = np.flatnonzero(shingle(texts).counts >= module.FEWEST_WORDS - 1)
        patch.setattr(module, "_likely", lambda _: places)
        np.testing.assert_array_equal(module.near_duplicates(folded), found)


@pytest.mark.parametrize(("n", "words"), [(20_000, 10), (4_000, 200)])
def test_memory_beside_the_texts_grows_with_their_number_not_with_their_words(n: int, words: int) -> None:
    texts = [" ".join(text).title() for text in documents(n, words)]
    find_duplicates(texts[:50])  # what is imported on the way is not of the texts
    tracemalloc.start()
    try:
        find_duplicates(texts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * n + 6_000_000  # the hashes of words, and a block of texts
