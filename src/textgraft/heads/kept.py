"""Training texts that a model keeps as vectors: what they carry votes for a text, the more the nearer they are.

A text's share of the vote is ``exp(-sharpness |x - y|^2)`` times its weight, over the sum of all (Nadaraya 1964, Watson
1964); so there is no number of neighbours to choose, and a text of weight 2 is that text twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.heads.distances import blocks, halved, squared_distances, unit
from textgraft.label_sets import LabelSets
from textgraft.tensors import Tensors

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

MOST_KEPT = 20_000  # texts; with 384 components they are 15 MB


class Neighbour(NamedTuple):
    """A training text that is like another: its place among those that ``fit`` was given, their cosine, its labels."""

    row: int
    similarity: float
    labels: tuple[str, ...]


@dataclass(frozen=True)
class KeptTexts:
    """s training texts.

    Attributes:
        vectors: (s, d) of length 1, as 16 bits hold them.
        rows: (s,) their places among the training texts, ascending.
        labels: the s sets of labels that they carry.
        weights: (s,) what each counts.
    """

    vectors: Floats
    rows: Places
    labels: LabelSets
    weights: Floats

    @classmethod
    def of(cls, X: Floats, rows: Places, labels: LabelSets, weights: NDArray[np.float64] | None) -> KeptTexts:
        """Those of some rows of all (n, d) vectors of an encoder, with all labels and weights."""
        w = np.ones(len(X)) if weights is None else weights / weights.max()
        return cls(halved(unit(X[rows])), rows, labels[rows], np.maximum(w[rows], 1e-30).astype(np.float32))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _units(self) -> Floats:
        """(s, d) the vectors at length 1 in 32 bits, which for one text takes longer than all else."""
        return unit(self.vectors)

    def select(self, at: Places) -> KeptTexts:
        """Those at some places."""
        return KeptTexts(self.vectors[at], self.rows[at], self.labels[at], self.weights[at])

    def votes(
        self, X: Floats, sharpness: float, groups: NDArray[Any] | None = None, own: NDArray[Any] | None = None
    ) -> Floats:
        """(n, k) the share of the vote that each label has, for (n, d) vectors of the encoder.

        Args:
            X: the vectors.
            sharpness: how fast a vote falls with the squared distance.
            groups: (s,) the group of each text that is kept.
            own: (n,) the group of each row, whose votes do not count for it; another group has some.
        """
        votes = np.zeros((len(X), self.labels.width), np.float32)
        entries, labels = self.labels.pairs()
        order = np.argsort(labels, kind="stable")
        voters, (seen, starts) = entries[order], np.unique(labels[order], return_index=True)
        weights = np.log(self.weights)
        for rows in blocks(len(X), len(self) + len(voters)):
            logits = squared_distances(unit(X[rows]), self.vectors)
            logits *= -sharpness
            logits += weights
            if groups is not None and own is not None:
                logits[own[rows, None] == groups] = -np.inf
            logits -= logits.max(axis=1, keepdims=True)
            shares = np.exp(logits, out=logits)
            total = shares.sum(axis=1, keepdims=True)
            if len(seen):
                votes[rows, seen] = np.add.reduceat(shares[:, voters], starts, axis=1) / total
        return np.minimum(votes, 1, out=votes)

    def familiarity(self, X: Floats, own: Places | None = None) -> Floats:
        """(n,) the mean cosine of each of some vectors to the nearest of these, the root of their number of them.

        After Sun, Ming, Zhu and Li, Out-of-distribution detection with deep nearest neighbors, ICML 2022.

        Args:
            X: (n, d) vectors of the encoder.
            own: (n,) which of these each is, and is then not counted among its nearest; None where it is none of them.
        """
        most, vectors, at_once = max(1, round(len(self) ** 0.5)), self._units, unit(X)
        found = np.zeros(len(X), np.float32)
        for rows in blocks(len(X), len(self)):
            cosines = at_once[rows] @ vectors.T
            if own is not None:
                cosines[np.arange(len(cosines)), own[rows]] = -1
            found[rows] = np.sort(np.partition(cosines, len(self) - most, axis=1)[:, -most:], axis=1).mean(axis=1)
        return found

    def nearest(self, X: Floats, n: int, names: tuple[str, ...]) -> list[list[Neighbour]]:
        """The n texts with the highest cosine to each of some vectors, the most similar first; ties by their place."""
        found: list[list[Neighbour]] = []
        at_once, n, vectors = unit(X), min(n, len(self)), self._units
        for rows in blocks(len(X), len(self)):
            cosines = at_once[rows] @ vectors.T
            for row in cosines:
                edge = np.partition(row, len(row) - n)[len(row) - n]
                some = np.flatnonzero(row >= edge)
                some = some[np.argsort(-row[some], kind="stable")][:n]
                found.append([self._neighbour(i, float(row[i]), names) for i in some.tolist()])
        return found

    def _neighbour(self, i: int, similarity: float, names: tuple[str, ...]) -> Neighbour:
        labels = tuple(names[label] for label in self.labels.row(i).tolist())
        return Neighbour(int(self.rows[i]), min(1.0, similarity), labels)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What is written."""
        return {
            "kept_vectors": self.vectors.astype(np.float16),
            "kept_rows": self.rows.astype(np.int64),
            "kept_starts": self.labels.starts.astype(np.int64),
            "kept_labels": self.labels.labels.astype(np.int32),
            "kept_weights": self.weights,
        }

    @classmethod
    def restored(cls, tensors: Tensors, width: int, labels: int) -> KeptTexts:
        """What was written.

        Raises:
            ArtifactError: a tensor is missing or of another shape, or holds what none of them can.
        """
        vectors = tensors("kept_vectors", None, width, dtypes=("float16",)).astype(np.float32)
        rows = tensors("kept_rows", len(vectors), dtypes=("int64",))
        starts = tensors("kept_starts", len(vectors) + 1, dtypes=("int64",))
        carried = tensors("kept_labels", None, dtypes=("int32",))
        weights = tensors("kept_weights", len(vectors))
        in_order = len(rows) and rows[0] >= 0 and (np.diff(rows) > 0).all() and (weights > 0).all()
        if not in_order or starts[0] != 0 or starts[-1] != len(carried) or (np.diff(starts) < 0).any():
            raise ArtifactError("The training texts that the model keeps are damaged: they are in no order.")
        if len(carried) and not 0 <= carried.min() <= carried.max() < labels:
            raise ArtifactError(f"The training texts that the model keeps are damaged: there are {labels:,} labels.")
        return cls(vectors, rows, LabelSets(starts, carried, labels), weights)
