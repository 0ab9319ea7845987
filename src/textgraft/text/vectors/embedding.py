"""The matrix that an embedding layer starts from: a row per word of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix
from textgraft.errors import SettingError, did_you_mean
from textgraft.extras import import_scipy
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import Floats
from textgraft.text.vectors.vectors import WordVectors
from textgraft.unicode import quoted

Unknown = Literal["zero", "mean", "normal"]
STEP = 0x9E3779B97F4A7C15  # of splitmix64


def embedding_matrix(
    words: Sequence[str], vectors: WordVectors, *, unknown: Unknown = "normal", seed: int = 0
) -> Floats:
    """Vectors of n words, and something for those that have none.

    Args:
        words: of a vocabulary; padding is a word like others here, its row is for the caller to clear.
        vectors: where words are looked up.
        unknown: rows of words without a vector: ``"zero"``, ``"mean"`` of those found, or ``"normal"``, drawn with the
            mean and the spread that each component has among those found. A draw depends on the word and the seed and
            on no other word. Where nothing is found the mean is 0 and the spread ``1 / sqrt(d)``.
        seed: of the draws.

    Returns:
        (n, d) rows.

    Raises:
        SettingError: ``unknown`` is none of these.
    """
    if unknown not in get_args(Unknown):
        raise SettingError(
            f"unknown must be one of {', '.join(get_args(Unknown))}; got {quoted(unknown)}."
            + did_you_mean(str(unknown), get_args(Unknown))
        )
    known_words, rows = vectors.find(words)
    missing = np.flatnonzero(~known_words)
    if unknown == "zero" or not len(missing):
        return rows
    known = rows[known_words].astype(np.float64)
    mean = known.mean(axis=0) if len(known) else np.zeros(vectors.dimensions)
    rows[missing] = mean
    if unknown == "normal":
        spread = known.std(axis=0) if len(known) else np.full(vectors.dimensions, vectors.dimensions**-0.5)
        draws = _normal([words[i] for i in missing.tolist()], vectors.dimensions, seed)
        rows[missing] += (spread * draws).astype(np.float32)
    return rows


def _normal(words: Sequence[str], dimensions: int, seed: int) -> NDArray[np.float64]:
    """(n, d) standard normal draws: splitmix64 (Steele et al. 2014) started at the hash of word and seed."""
    ndtri = import_scipy("Drawing vectors of unknown words").special.ndtri
    start = mix(PackedWords.of(words).hashes() ^ mix(np.array([seed % (1 << 64)], np.uint64)))
    steps = np.arange(1, dimensions + 1, dtype=np.uint64) * np.uint64(STEP)
    bits = mix(start[:, None] + steps) >> np.uint64(11)
    return np.asarray(ndtri((bits + 0.5) / 2.0**53))
