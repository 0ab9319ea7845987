"""Which head is fitted to vectors of an encoder: all are tried on the same held-out rows, the least log loss wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.heads.distances import evenly, median_squared_distance
from textgraft.heads.head import Head, Standardised
from textgraft.heads.kept import MOST_KEPT, KeptTexts
from textgraft.heads.kernel import FEW_LANDMARKS, Nystroem, RbfKernel, landmarks_for
from textgraft.heads.sharing import Share, choose_share
from textgraft.linear import Choice, Chooser, ClassWeight, LinearModel, Matrix

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
HeadKind = Literal["auto", "linear", "kernel"]
NeighbourShare = float | Literal["auto"]

BANDWIDTHS = (1.0, 2.0)  # of kernels: gamma times the median squared distance
KERNEL_GRID = (0.1, 1.0, 10.0, 100.0)  # of C
SHARPNESS = 40.0  # of votes, the same way
_MOST_NUMBERS, _MOST_ROWS = 1 << 20, 4_096  # rows times labels, and rows, that a share is chosen on


@dataclass(frozen=True)
class FittedHead:
    """A head with what it was chosen by.

    Attributes:
        head: the head, fitted to all training texts.
        held: rows held out of the training data, of which a model keeps a sample; see ``Choice``.
        probabilities: (r, k) of rows that it was not fitted to when they were made.
        checks: these rows.
        chosen: what was tried and chosen, for ``chosen_``.
        notes: sentences that a user should see.
    """

    head: Head
    held: Places | None
    probabilities: Floats
    checks: Dataset
    chosen: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Trial:
    """A design with the model that does best on it."""

    name: str
    design: Matrix
    choice: Choice
    features: Standardised | RbfKernel
    nystroem: Nystroem | None = None

    def final(self, model: LinearModel) -> LinearModel:
        """A model on the design as one on the features."""
        return model if self.nystroem is None else self.nystroem.on_values(model)


def fit_head(
    X: Floats,
    train: Dataset,
    valid: tuple[Floats, Dataset] | None,
    *,
    kind: HeadKind = "auto",
    neighbour_share: NeighbourShare = "auto",
    C: float | Sequence[float] | Literal["auto"] = "auto",
    class_weight: ClassWeight = None,
    seed: int = 0,
) -> FittedHead:
    """Fits a head to n vectors.

    Args:
        X: (n, d) vectors of an encoder.
        train: their texts' labels.
        valid: vectors and labels of validation data; see ``Chooser``.
        kind: linear, with a kernel, or whichever has the lower log loss on rows held out.
        neighbour_share: the share of the neighbours' votes, 0 for none, or chosen; see ``choose_share``.
        C, class_weight: see ``Chooser``.
        seed: of the rows held out and of the landmarks.
    """
    of_valid, data = valid or (None, None)
    chooser = Chooser.of(train, data, C=C, loss="logistic", class_weight=class_weight, seed=seed)
    kept = KeptTexts.of(X, evenly(len(X), MOST_KEPT), train.label_sets, train.weights)
    median = median_squared_distance(kept.vectors)
    landmarks, notes = _landmarks(kept, train, kind, seed)
    losses: dict[str, float] = {}
    best: _Trial | None = None
    for trial in _trials(X, of_valid, chooser, kind, kept.vectors[landmarks], median):
        losses[trial.name] = round(trial.choice.loss, 4)
        if best is None or trial.choice.loss < best.choice.loss:
            best = trial
    assert best is not None
    choice = chooser.fitted(best.choice, best.design)
    head = Head(best.features, best.final(choice.model), choice.calibration)
    probabilities, checks = choice.checked()
    chosen: dict[str, Any] = {"head": best.name, "log_loss_of_heads": losses, **choice.to_dict()}
    share, sharpness = 0.0 if isinstance(neighbour_share, str) else neighbour_share, SHARPNESS / median
    electorate = _Electorate.of(kept, chooser, choice, X, of_valid, sharpness) if neighbour_share != 0 else None
    if electorate is not None:
        found = electorate.share(probabilities, checks, neighbour_share)
        chosen["neighbours"], share = found.to_dict(), found.share
    if share:
        chosen["calibration"].pop("without", None)  # what is mixed with votes is no function of the scores
        head = replace(head, kept=kept, share=share, sharpness=sharpness)
        if electorate is not None:
            probabilities = head.mixed(probabilities, electorate.votes())
        if len(kept) < len(X):
            notes += (f"Of {len(X):,} training texts {len(kept):,}, evenly drawn, vote as neighbours.",)
    if best.nystroem is not None:
        chosen["landmarks"] = len(landmarks)
        kept, landmarks = (kept, landmarks) if head.share else (kept.select(landmarks), np.arange(len(landmarks)))
        head = replace(head, kept=kept, landmarks=landmarks)
    if head.kept is not None:
        chosen["vectors_kept"] = len(head.kept)
    return FittedHead(head, choice.held, probabilities, checks, chosen, notes)


def _landmarks(kept: KeptTexts, train: Dataset, kind: HeadKind, seed: int) -> tuple[Places, tuple[str, ...]]:
    """Which of the texts that are kept are the landmarks of a kernel, none where none is tried; and what to say of it.

    No two of them are alike.
    """
    none, n, k = np.zeros(0, np.int64), len(train), len(train.task)
    if kind == "linear":
        return none, ()
    distinct = np.sort(np.unique(kept.vectors, axis=0, return_index=True)[1])
    most = landmarks_for(n, k)
    least = min(len(distinct), FEW_LANDMARKS)
    if kind == "auto" and most < least:
        return none, (
            f"With {n:,} texts and {k:,} labels a kernel of {least:,} landmarks would take too much memory or "
            f"time, so the head is linear; --head kernel (head='kernel') takes {most:,}.",
        )
    some = np.random.RandomState(seed).permutation(len(distinct))[:most]
    return distinct[np.sort(some)], ()


def _trials(
    X: Floats, valid: Floats | None, chooser: Chooser, kind: HeadKind, landmarks: Floats, median: float
) -> Iterator[_Trial]:
    """The heads to be tried, one design at a time."""
    if kind != "kernel":
        linear = Standardised.of(X)
        design = linear.design(X)
        choice = chooser.choose(design, None if valid is None else linear.design(valid))
        yield _Trial("linear", design, choice, linear)
    for bandwidth in BANDWIDTHS if len(landmarks) else ():
        kernel = RbfKernel(landmarks, bandwidth / median)
        nystroem = Nystroem(kernel)
        design = Matrix(nystroem.features(X))
        of_valid = None if valid is None else Matrix(nystroem.features(valid))
        choice = chooser.choose(design, of_valid, KERNEL_GRID)
        yield _Trial(f"kernel {bandwidth:g}", design, choice, kernel, nystroem)


@dataclass(frozen=True)
class _Electorate:
    """Votes for (r, d) vectors of rows that were held out, by the texts that are kept and were not held out with them.

    ``groups`` (s,) and ``own`` (r,) say which were; they are None where none of the texts that are kept was.
    """

    kept: KeptTexts
    sharpness: float
    X: Floats
    groups: Places | None
    own: Places | None

    @classmethod
    def of(
        cls, kept: KeptTexts, chooser: Chooser, choice: Choice, X: Floats, valid: Floats | None, sharpness: float
    ) -> _Electorate | None:
        """For the rows that were scored; None where all texts that are kept were held out with one of them."""
        rows = chooser.rows(choice)
        if valid is not None and rows is None:
            return cls(kept, sharpness, valid[choice.at], None, None)
        assert rows is not None
        assert chooser.fold is not None
        groups, own = chooser.fold[kept.rows], chooser.fold[rows]
        some = all((groups != group).any() for group in np.unique(own))
        return cls(kept, sharpness, X[rows], groups, own) if some else None

    def votes(self, at: Places | slice = slice(None)) -> Floats:
        """(r, k) for all of the rows, or some."""
        return self.kept.votes(self.X[at], self.sharpness, self.groups, None if self.own is None else self.own[at])

    def share(self, probabilities: Floats, checks: Dataset, share: NeighbourShare) -> Share:
        """See ``choose_share``; on evenly as many rows as there is time for."""
        few = evenly(len(checks), min(_MOST_ROWS, max(1, _MOST_NUMBERS // len(checks.task))))
        some, votes = checks.select(few), self.votes(few)
        return choose_share(probabilities[few], votes, some.targets, some.task, weights=some.weights, share=share)
