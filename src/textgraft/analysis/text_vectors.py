"""Vectors of texts to look at: those of a model's own encoder, of an encoder by name, or of their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.layout import REDUCED, lengths_of_one, principal_components
from textgraft.encoders.choosing import AUTO, choose_encoder
from textgraft.encoders.opening import open_encoder
from textgraft.errors import EncoderError, MissingExtraError
from textgraft.extras import import_scipy
from textgraft.methods import TextClassifier
from textgraft.text.ngrams import WordNgrams
from textgraft.unicode import in_form, quoted_path

Floats = NDArray[np.float32]
WORDS = "words"
BY_WORDS = "TF-IDF of their words and pairs of words"
MOST_TERMS = 50_000  # of each length
OVERSAMPLED = 10  # components more than are wanted
PASSES = 4  # of power iterations


@dataclass(frozen=True, eq=False)
class TextVectors:
    """What texts are laid out by.

    Attributes:
        values: (n, 50) float32, their 50 principal components.
        of: what they are of, to be read after "by".
        notes: sentences about how that came.
    """

    values: Floats
    of: str
    notes: tuple[str, ...] = ()


def text_vectors(
    texts: Sequence[str], model: TextClassifier | None = None, encoder: str | None = None, seed: int = 0
) -> TextVectors:
    """The vectors of n texts.

    Args:
        texts: at least two.
        model: whose encoder is taken where none is named; one without an encoder has the texts laid out by words.
        encoder: by name, ``"auto"`` by the language of the texts; or ``"words"``, which is TF-IDF of words and pairs of
            words. Without a name and a model it is the one for their language, or words where none is installed.
        seed: of the draws by which words are reduced.

    Raises:
        EncoderError: the encoder is not there or is damaged.
        MissingExtraError: what it needs is not installed.
    """
    notes: tuple[str, ...] = ()
    if encoder is None and model is not None:
        own = model.encode(texts)
        if own is not None:
            return TextVectors(_reduced(own), "the vectors of the model's own encoder")
        notes = ("The model has no encoder whose vectors could be had, so texts are laid out by their words.",)
    if encoder == WORDS or (encoder is None and model is not None):
        return TextVectors(_reduced(word_vectors(texts, seed)), BY_WORDS, notes)
    try:
        name, _ = choose_encoder(encoder or AUTO, texts, with_network=False)
        opened = open_encoder(name, None, pooling="mean", long="window", precision="auto")
        values = _reduced(opened.encode(in_form(texts, "nfc")))
        return TextVectors(values, f"the vectors of {quoted_path(name)}")
    except (EncoderError, MissingExtraError) as error:
        if encoder is not None:
            raise
        notes = (f"Texts are laid out by their words, since there is no encoder for them: {error}",)
    return TextVectors(_reduced(word_vectors(texts, seed)), BY_WORDS, notes)


def own_vectors(vectors: Floats) -> TextVectors:
    """(n, w) vectors that a caller has made."""
    return TextVectors(_reduced(vectors), "vectors that were given")


def word_vectors(texts: Sequence[str], seed: int) -> Floats:
    """(n, at most 50) TF-IDF of words and pairs of words, reduced by a randomised SVD (Halko et al. 2011).

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    import_scipy("Drawing a map by words")
    terms, counts = WordNgrams.fit(in_form(texts, "nfkc"), 2, 1 if len(texts) < 200 else 2, MOST_TERMS)
    w = len(terms.words)
    from scipy import sparse

    X = sparse.hstack((counts.words.scaled(terms.idf[:w]).csr(), counts.longer.scaled(terms.idf[w:]).csr()), "csr")
    if not X.nnz:
        return np.zeros((len(texts), 1), np.float32)
    squares = np.asarray(X.power(2).sum(axis=1)).ravel()
    X = sparse.diags(np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)) @ X
    k = min(REDUCED, *X.shape)
    rng = np.random.default_rng(seed)
    Q = X @ rng.standard_normal((X.shape[1], min(k + OVERSAMPLED, *X.shape))).astype(np.float32)
    for _ in range(PASSES):
        Q, _ = np.linalg.qr(Q)
        Q = X @ (X.T @ Q)
    Q, _ = np.linalg.qr(Q)
    U, S, _ = np.linalg.svd((X.T @ Q).T, full_matrices=False)
    return np.asarray((Q @ U)[:, :k] * S[:k], np.float32)


def _reduced(vectors: Floats) -> Floats:
    return principal_components(lengths_of_one(vectors), min(REDUCED, vectors.shape[1]))
