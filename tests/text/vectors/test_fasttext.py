from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft.text.vectors import open_vectors
from textgraft.text.vectors.fasttext import ngram_hashes
from textgraft.text.vectors.packed import PackedWords

from .files import Floats, fasttext

WORDS = ["</s>", "hund", "straße", "猫猫", "a"]
STRANGERS = ["hunde", "ß", "犬と猫", "x", "😀", "", "é" * 40, "</s"]


def ngrams(word: str, least: int, most: int) -> list[bytes]:
    """As ``Dictionary::computeSubwords`` has them, character by character."""
    whole = f"<{word}>"
    return [
        whole[i : i + n].encode()
        for i in range(len(whole))
        for n in range(least, most + 1)
        if i + n <= len(whole) and not (n == 1 and (i == 0 or i + n == len(whole)))
    ]


def fnv(piece: bytes) -> int:
    """FNV-1a with signed bytes, as ``Dictionary::hash``."""
    value = 2166136261
    for byte in piece:
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


@pytest.mark.parametrize("sizes", [(1, 1), (1, 4), (3, 6), (5, 5), (2, 2)])
def test_hashes_are_those_of_all_ngrams(sizes: tuple[int, int]) -> None:
    words = [*WORDS, *STRANGERS]
    owner, hashes = ngram_hashes(PackedWords.of(words), *sizes)
    for i, word in enumerate(words):
        assert sorted(hashes[owner == i].tolist()) == sorted(map(fnv, ngrams(word, *sizes))), word


@pytest.mark.parametrize("sizes", [(3, 6), (1, 3), (5, 5)])
def test_a_vector_is_the_mean_of_the_words_row_and_of_its_ngrams(sizes: tuple[int, int], tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows: Floats = generator.standard_normal((len(WORDS), 7), np.float32)
    buckets: Floats = generator.standard_normal((50, 7), np.float32)
    vectors = open_vectors(fasttext(tmp_path, WORDS, rows, buckets, sizes, labels=["__label__a"]))
    assert len(vectors) == len(WORDS)
    words = [*WORDS, *STRANGERS]
    found, given_back = vectors.find(words)
    for i, word in enumerate(words):
        parts = [buckets[fnv(piece) % 50] for piece in ngrams(word, *sizes) if word != "</s>"]
        parts += [rows[i]] if i < len(WORDS) else []
        assert found[i] == bool(parts), word
        np.testing.assert_allclose(given_back[i], np.mean(parts, axis=0) if parts else np.zeros(7), atol=1e-6)
    assert vectors.known(words).tolist() == [True] * len(WORDS) + [False] * len(STRANGERS)
    alone = np.concatenate([vectors.find([word])[1] for word in words])
    np.testing.assert_array_equal(alone, given_back)  # whatever else is looked up with it


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("supervised", [False, True])
def test_vectors_are_those_of_the_fasttext_package(supervised: bool, tmp_path: Path) -> None:
    package = pytest.importorskip("fasttext")
    text = tmp_path / "text.txt"
    lines = ["der hund und die katze", "straße und café", "猫 und 犬", "ein hund läuft"] * 20
    text.write_text("\n".join(f"__label__{i % 2} {line}" for i, line in enumerate(lines)), "utf-8")
    options = {"dim": 10, "bucket": 300, "minn": 2, "maxn": 5, "minCount": 1, "thread": 1, "verbose": 0, "epoch": 1}
    model = (package.train_supervised if supervised else package.train_unsupervised)(str(text), **options)
    model.save_model(str(tmp_path / "model.bin"))
    vectors = open_vectors(tmp_path / "model.bin")
    words = model.get_words()
    assert len(vectors) == len(words)
    strangers = ["hunde", "straßen", "犬犬", "unbekannt", "😀", "x"]
    found, rows = vectors.find([*words, *strangers])
    assert found.all()
    expected = [model.get_word_vector(word) for word in [*words, *strangers]]
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    near = vectors.nearest("hund", 3)
    if not supervised:
        assert [word for word, _ in near] == [word for _, word in model.get_nearest_neighbors("hund", 3)]
    text.unlink()
