"""What the training data was like, as counts, so that texts of another day can be held against it.

A sketch holds no text: how many training texts have which length, language, share of capitals and share of words that
are not frequent; how often rows that the model was not fitted to get which label, with which confidence; and how
familiar training texts are to the model, each as if it were not among them. Lengths and the like are in intervals with
about as many texts in each. Of words only those are known that several texts share, by hashes of 32 bits.

All is of at most 10,000 rows, evenly drawn, so that it is small and quick for any table. It goes along where a model is
shipped to serve (an export with ``to=``), and is not published, since words can be guessed by their hashes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import Decision, confidence
from textgraft.errors import ArtifactError
from textgraft.heads.distances import evenly
from textgraft.json_files import is_number, is_strings, is_whole, read_object
from textgraft.task import Task
from textgraft.text.hashing import hash_pieces
from textgraft.text.languages import NAMES as LANGUAGES
from textgraft.text.languages import language_of
from textgraft.text.ngrams import token_rows
from textgraft.text.tokens import Tokens, chunks, join, lower_case, tokenize

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Words = NDArray[np.uint32]

FILE: Final = "drift.json"
FORMAT: Final = 1
MOST_ROWS: Final = 10_000
HEAD: Final = 1_000  # characters of a text that its words and capitals are of
INTERVALS: Final = 10
DIGITS: Final = 3  # behind the point
MOST_CATEGORIES: Final = 50  # labels or languages; rarer ones are one
FEWEST_TEXTS, MOST_WORDS = 5, 5_000  # that share a word that is known; such words
HEAVY_SHARE, HEAVY_ROWS = 0.005, 5  # a text that is more than this of all, and so many rows at least, counts once
NAMES: Final = ("label", "confidence", "length", "language", "capitals", "unknown words", "familiarity")


@dataclass(frozen=True)
class Quantity:
    """How many rows are where, of one quantity.

    Attributes:
        name: one of ``NAMES``.
        counts: (k,) rows.
        edges: (k - 1,) ascending, of what is a number: interval i ends with edge i, the last one is open.
        categories: (k - 1,) names of what has names; all others are counted last.
    """

    name: str
    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] | None = None

    @classmethod
    def of_numbers(cls, name: str, values: NDArray[Any]) -> Self:
        """Intervals with about as many of the values in each; values that are equal are in one."""
        x = _rounded(values)
        inner = np.quantile(x, np.arange(1, INTERVALS) / INTERVALS, method="inverted_cdf") if len(x) else x
        edges = np.unique(inner)
        counts = np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1)
        return cls(name, tuple(counts.tolist()), edges=tuple(edges.tolist()))

    @classmethod
    def of_names(cls, name: str, values: Sequence[str | None], known: Sequence[str]) -> Self:
        """The most frequent of the known names, those too that no row has, as far as there is room."""
        rows = Counter(values)
        order = sorted(known, key=lambda each: -rows[each])[:MOST_CATEGORIES]
        counts = [rows[each] for each in order]
        return cls(name, (*counts, len(values) - sum(counts)), categories=tuple(order))

    def places(self, values: Any) -> Places:
        """(n,) the interval or category of each of n values."""
        if self.edges is not None:
            return np.searchsorted(np.array(self.edges), _rounded(values)).astype(np.int64)
        places = {name: i for i, name in enumerate(self.categories or ())}
        return np.array([places.get(value, len(places)) for value in values], np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        kind, values = ("categories", self.categories) if self.edges is None else ("edges", self.edges)
        return {"name": self.name, kind: list(values or ()), "counts": list(self.counts)}


@dataclass(frozen=True)
class ScoredTexts:
    """n texts with what a model says of them.

    Attributes:
        texts: the texts.
        probabilities: (n, k).
        familiarity: (n,); None where it is not known.
    """

    texts: Sequence[str]
    probabilities: NDArray[Any]
    familiarity: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts of the training data.

    Attributes:
        quantities: what was counted.
        words: ascending hashes of the words that are known.
    """

    quantities: tuple[Quantity, ...]
    words: Words

    @classmethod
    def of(
        cls, texts: Sequence[str], predicted: Sequence[Quantity] = (), familiarity: NDArray[Any] | None = None
    ) -> Sketch:
        """That of training data.

        Args:
            texts: of the training data.
            predicted: labels and confidences of rows that the model was not fitted to, see ``of_predictions``.
            familiarity: (m,) of training texts, as if each had not been trained on; None where it is not known.
        """
        some = counting_once([texts[i] for i in evenly(len(texts), MOST_ROWS).tolist()])
        words, unknown = _frequent_words(some)
        found = [
            *predicted,
            Quantity.of_numbers("length", np.array([*map(len, some)])),
            Quantity.of_names("language", [*map(language_of, some)], ["", *LANGUAGES]),
            Quantity.of_numbers("capitals", capitals(some)),
            Quantity.of_numbers("unknown words", unknown),
        ]
        if familiarity is not None:
            found.append(Quantity.of_numbers("familiarity", familiarity))
        return cls(tuple(found), words)

    def __getitem__(self, name: str) -> Quantity:
        return next(quantity for quantity in self.quantities if quantity.name == name)

    def __contains__(self, name: str) -> bool:
        return any(quantity.name == name for quantity in self.quantities)

    def places(self, rows: ScoredTexts, task: Task, decision: Decision) -> NDArray[np.int16]:
        """(n, q) where n rows are in each quantity; -1 where that is not known of them."""
        p, texts = rows.probabilities, rows.texts
        targets = decision.targets(p, task)
        values: dict[str, Any] = {
            "label": first_labels(p, targets, task),
            "confidence": confidence(p, targets),
            "length": [*map(len, texts)],
            "language": [*map(language_of, texts)],
            "capitals": capitals(texts),
            "unknown words": self._unknown(texts),
            "familiarity": rows.familiarity,
        }
        places = np.full((len(texts), len(self.quantities)), -1, np.int16)
        for column, quantity in enumerate(self.quantities):
            if (known := values.get(quantity.name)) is not None:
                places[:, column] = quantity.places(known)
        return places

    def counted(self, places: NDArray[np.int16]) -> list[NDArray[np.int64]]:
        """The counts of each quantity among rows at some ``places``."""
        return [
            np.bincount(column[column >= 0], minlength=len(quantity.counts)).astype(np.int64)
            for column, quantity in zip(places.T, self.quantities, strict=True)
        ]

    def _unknown(self, texts: Sequence[str]) -> Floats:
        tokens = tokenize([text[:HEAD] for text in texts])
        at = np.searchsorted(self.words, hashes := _hashes(tokens))
        known = np.append(self.words, np.uint32(0))[at] == hashes if len(self.words) else np.zeros(len(hashes), bool)
        return _share_of_rows(~known, tokens.indptr)

    def write(self, folder: Path) -> None:
        """Writes ``drift.json``."""
        content = {
            "format": FORMAT,
            "quantities": [quantity.to_dict() for quantity in self.quantities],
            "words": self.words.tolist(),
        }
        (folder / FILE).write_text(json.dumps(content, ensure_ascii=True) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path, task: Task) -> Sketch | None:
        """What ``write`` wrote; None where the model has none, as those of earlier releases.

        Raises:
            ArtifactError: the file is damaged, or of a newer release.
        """
        path = folder / FILE
        if not path.exists():
            return None
        content = read_object(path, {"format", "quantities", "words"})
        if is_whole(content["format"], FORMAT + 1):
            raise ArtifactError(f"{path} is of a newer textgraft; install that.")
        words, entries = content["words"], content["quantities"]
        if (
            not (isinstance(words, list) and all(is_whole(word, 0, 1 << 32) for word in words))
            or len(words) > MOST_WORDS
        ):
            raise ArtifactError(f"{path} is damaged: its words are not at most {MOST_WORDS:,} hashes of 32 bits.")
        if words != sorted(set(words)):
            raise ArtifactError(f"{path} is damaged: its words are not in ascending order.")
        if not isinstance(entries, list) or not all(map(_is_quantity, entries)) or content["format"] != FORMAT:
            raise ArtifactError(f"{path} is damaged: it does not hold the counts of quantities.")
        found = [_quantity(**entry) for entry in entries]
        names = [quantity.name for quantity in found]
        strange = {name for each in found if each.name == "label" for name in each.categories or ()} - set(task.labels)
        if len(set(names)) < len(names) or strange:
            raise ArtifactError(f"{path} is damaged: it counts a quantity twice, or labels that the model lacks.")
        return cls(tuple(found), np.array(words, np.uint32))


def counting_once(texts: Sequence[str]) -> list[str]:
    """Texts without the repetitions of those that are more than a 200th of all, in their order."""
    again = repeated(texts)
    return [text for text, repetition in zip(texts, again, strict=True) if not repetition]


def repeated(texts: Sequence[Any]) -> NDArray[np.bool_]:
    """(n,) which of n texts, or hashes of them, repeat an earlier one that is more than a 200th of all."""
    counts = Counter(texts)
    heavy = {text for text, n in counts.items() if n >= HEAVY_ROWS and n > HEAVY_SHARE * len(texts)}
    seen: set[Any] = set()
    again = np.zeros(len(texts), np.bool_)
    for i, text in enumerate(texts if heavy else ()):
        again[i] = text in seen
        if text in heavy:
            seen.add(text)
    return again


def capitals(texts: Sequence[str]) -> Floats:
    """(n,) the share of capitals among the characters of each text that are no blanks."""
    codes, offsets = join([text[:HEAD] for text in texts])
    kinds = np.stack((lower_case(codes) != codes, codes > ord(" ")))
    sums = np.add.reduceat(kinds, offsets[:-1], axis=1, dtype=np.int64) if len(texts) else np.zeros((2, 0))
    return np.asarray(sums[0] / np.maximum(sums[1], 1), np.float64)


def first_labels(probabilities: NDArray[Any], targets: NDArray[Any], task: Task) -> list[str | None]:
    """The label that is predicted of each row; of several the most probable, and None where there is none."""
    if not task.multi_label:
        return [task.labels[j] for j in targets.tolist()]
    first = np.where(targets, probabilities, -1.0).argmax(axis=1)
    labels: list[str | None] = [None] * len(first)
    for row in np.flatnonzero(targets.any(axis=1)).tolist():
        labels[row] = task.labels[first[row]]
    return labels


def of_predictions(
    texts: Sequence[str], probabilities: NDArray[Any], task: Task, decision: Decision
) -> tuple[Quantity, Quantity]:
    """How many rows get which label, and which confidence.

    Args:
        texts: n texts that the model was not fitted to.
        probabilities: (n, k) of these.
        task, decision: how labels follow from probabilities.
    """
    once = np.flatnonzero(~repeated(texts))
    p = probabilities[once[evenly(len(once), MOST_ROWS)]]
    targets = decision.targets(p, task)
    label = Quantity.of_names("label", first_labels(p, targets, task), task.labels)
    return label, Quantity.of_numbers("confidence", confidence(p, targets))


def _frequent_words(texts: Sequence[str]) -> tuple[Words, Floats]:
    """The words of so many texts, at most 5,000, and (n,) the share of others in each text, if it were not there."""
    parts = [tokenize(batch) for batch in chunks([text[:HEAD] for text in texts])]
    words, row = [*map(_hashes, parts)], 0
    pairs = []
    for hashes, tokens in zip(words, parts, strict=True):
        rows = token_rows(tokens.indptr).astype(np.uint64) + np.uint64(row)
        pairs.append(np.unique(hashes.astype(np.uint64) << np.uint64(32) | rows))
        row += len(tokens.indptr) - 1
    every = np.concatenate([np.zeros(0, np.uint64), *pairs]) >> np.uint64(32)
    distinct, counts = np.unique(every, return_counts=True)
    least = FEWEST_TEXTS
    if (counts >= least).sum() > MOST_WORDS:
        least = int(np.partition(counts, -MOST_WORDS - 1)[-MOST_WORDS - 1]) + 1
    known, others = (distinct[counts >= number].astype(np.uint32) for number in (least, least + 1))
    shares = [
        _share_of_rows(~np.isin(hashes, others), tokens.indptr) for hashes, tokens in zip(words, parts, strict=True)
    ]
    return known, np.concatenate([np.zeros(0), *shares])


def _rounded(values: Any) -> Floats:
    """Numbers without what differs between precisions and runtimes."""
    return np.asarray(np.round(np.asarray(values, np.float64), DIGITS), np.float64)


def _hashes(tokens: Tokens) -> Words:
    return (hash_pieces(tokens.codes, tokens.start, tokens.stop) >> np.uint64(32)).astype(np.uint32)


def _share_of_rows(these: NDArray[np.bool_], indptr: Places) -> Floats:
    """(n,) the share of the tokens of each row that are these; 0 of one without tokens."""
    sums = np.concatenate(([0], np.cumsum(these)))
    return np.asarray((sums[indptr[1:]] - sums[indptr[:-1]]) / np.maximum(np.diff(indptr), 1), np.float64)


def _quantity(name: str, **parts: list[Any]) -> Quantity:
    """One from JSON."""
    return Quantity(name, **{part: tuple(values) for part, values in parts.items()})


def _is_quantity(entry: Any) -> bool:
    """Whether these are the fields of a ``Quantity``."""
    if not isinstance(entry, Mapping) or entry.keys() not in (
        {"name", "counts", "edges"},
        {"name", "counts", "categories"},
    ):
        return False
    counts, edges, categories = entry["counts"], entry.get("edges", []), entry.get("categories", [])
    right = (
        entry["name"] in NAMES and isinstance(counts, list) and all(map(is_whole, counts)) and isinstance(edges, list)
    )
    if not right or not is_strings(categories) or len(set(categories)) < len(categories):
        return False
    numbers = all(is_number(edge, -1e300, 1e300) for edge in edges)
    ascending = numbers and all(a < b for a, b in pairwise(edges))
    return ascending and len(counts) == len(edges) + len(categories) + 1 and sum(counts) < 1 << 53
