"""Texts as a recurrent network reads them word by word: a vocabulary, and a vector for each of its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.errors import ArtifactError, DataError, listed
from textgraft.json_files import is_whole, read_object
from textgraft.recurrent.material import Material
from textgraft.recurrent.numpy_network import Plain
from textgraft.runtimes import Batch, Runtime, check_output, padded_batches, run_windows
from textgraft.tensors import Tensors
from textgraft.text.batches import Windows
from textgraft.text.tokenizers import tokenizer
from textgraft.text.vocabulary import PAD, SPECIALS, UNKNOWN, Vocabulary
from textgraft.training import processes
from textgraft.unicode import quoted

Floats = NDArray[np.float32]
Unknown = Literal["zero", "mean", "normal"]
WORDS = len(SPECIALS)  # where the words of a vocabulary start


class WordReader:
    """Texts as the numbers of their words; their vectors stand with the tensors of the network.

    Args:
        vocabulary: the words that are known.
        tokenizer_name: see ``text.tokenizers.tokenizer``.
        max_tokens: longer texts are cut there; None cuts none.
        runtime: computes the whole network, if not NumPy.
    """

    outside_bytes = 0

    def __init__(
        self, vocabulary: Vocabulary, tokenizer_name: str, max_tokens: int | None, runtime: Runtime | None = None
    ) -> None:
        self.vocabulary, self.tokenizer_name = vocabulary, tokenizer_name
        self.max_tokens, self.runtime = max_tokens, runtime

    @classmethod
    def of(
        cls, texts: Sequence[str], tokenizer_name: str, max_tokens: int | None, *, max_size: int, min_count: int
    ) -> WordReader:
        """One that knows the words of some texts.

        Raises:
            DataError: no word is frequent enough.
        """
        vocabulary = Vocabulary.count(texts, tokenizer(tokenizer_name), max_size=max_size, min_count=min_count)
        if len(vocabulary) == WORDS:
            raise DataError(
                f"No word occurs {min_count} times in the training texts, so all texts look alike; lower min_count "
                "(--min-count) or give more texts."
            )
        return cls(vocabulary, tokenizer_name, max_tokens)

    def windows(self, texts: Sequence[str]) -> Windows:
        """The numbers of the words of each text."""
        return self.vocabulary.numericalise(texts, tokenizer(self.tokenizer_name), self.max_tokens)

    @property
    def pad_id(self) -> int:
        """The number of padding."""
        return PAD

    def names(self, ids: NDArray[np.integer]) -> list[str]:
        """The words of numbers."""
        return self.vocabulary.tokens(ids)

    def scratch(self, texts: Sequence[str], *, width: int, seed: int) -> Material:
        """Texts, and small random vectors of ``width`` components: what is learned soon outweighs what was drawn."""
        rng = np.random.default_rng(seed)
        table = rng.uniform(-0.05, 0.05, (len(self.vocabulary), width)).astype(np.float32)
        table[[PAD, UNKNOWN]] = 0
        return Material(table, self.windows(texts), {}, {"words": len(self.vocabulary) - WORDS}, ())

    def pretrained(self, texts: Sequence[str], name: str, *, unknown: Unknown, seed: int) -> Material:
        """Texts, and the vectors that a name, file or URL has for their words; what they cover is told."""
        from textgraft.text.vectors import WordVectors, embedding_matrix, open_vectors, vector_coverage

        # The others find on disk what the first one has downloaded and read, if it could be kept there.
        of_first: list[WordVectors] = []
        processes.first_does(lambda: of_first.append(open_vectors(name)))
        vectors = of_first[0] if of_first else open_vectors(name)
        table = embedding_matrix(self.vocabulary.words, vectors, unknown=unknown, seed=seed)
        # The texts that are trained on may hold no word of which nothing is known; later ones do.
        table[PAD] = 0
        table[UNKNOWN] = 0 if unknown == "zero" else table[WORDS:].mean(axis=0)
        covered = vector_coverage(self.vocabulary, vectors)
        note = str(covered)
        if covered.missing:
            note += f" Most frequent without one: {listed(word for word, _ in covered.missing)}."
        if covered.warning is not None:
            note = f"Warning: {covered.warning}"
            progress.say(note)
        chosen = {
            "words": len(self.vocabulary) - WORDS,
            "vectors": vectors.name,
            "words_with_vector": round(covered.share_of_words, 4),
            "tokens_with_vector": round(covered.share_of_tokens, 4),
        }
        identity = {"vectors": vectors.fingerprint}
        return Material(table, self.windows(texts), identity, chosen, (*vectors.notes, note))

    def logits(self, network: Plain, texts: list[str]) -> Floats:
        """(n, k) logits, of the network or of the runtime that computes it."""
        windows = self.windows(texts)
        if self.runtime is not None:
            return run_windows(self.runtime, windows, PAD, "predicting")
        return network.logits(windows.ids)

    def inputs(self, table: Any, windows: Windows) -> list[NDArray[Any]]:  # noqa: ARG002 - the network has the table
        """What the network reads of windows of ``table``: their ids."""
        return list(windows.ids)

    def batches(self, texts: list[str]) -> Iterator[Batch]:
        """Texts as the inputs of the exported network."""
        return padded_batches(self.windows(texts), PAD)

    def through(self, runtime: Runtime, labels: int) -> WordReader:
        """The same, with ``runtime`` computing the whole network.

        Raises:
            ArtifactError: it gives no logits of so many labels.
        """
        check_output(runtime, labels)
        return WordReader(self.vocabulary, self.tokenizer_name, self.max_tokens, runtime)

    def write_for_runtime(self, folder: Path) -> None:
        """Nothing: what ``write`` writes is enough."""

    def write(self, folder: Path) -> dict[str, Any]:
        """Writes the vocabulary; returns what else is to be remembered."""
        self.vocabulary.save(folder / "vocabulary.json")
        return {"max_tokens": self.max_tokens}

    @classmethod
    def read(cls, path: Path, tokenizer_name: str, tensors: Tensors) -> WordReader:
        """From the JSON file that holds what ``write`` returned, and the vocabulary beside it.

        Raises:
            ArtifactError: they are damaged, or the tensors hold other words.
        """
        longest = read_object(path, {"max_tokens"})["max_tokens"]
        if not (longest is None or is_whole(longest, 1)):
            raise ArtifactError(f"{path} is damaged: max_tokens is {quoted(longest)}.")
        vocabulary = Vocabulary.read(path.parent / "vocabulary.json")
        tensors("embedding", len(vocabulary), None, dtypes=("float32", "float16"))
        return cls(vocabulary, tokenizer_name, longest)
