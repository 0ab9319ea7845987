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
from textgraft.heads.sharing import MOST_NUMBERS, MOST_ROWS, Share, choose_share
from textgraft.linear import Choice, Chooser, ClassWeight, LinearModel, Matrix

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
HeadKind = Literal["auto", "linear", "kernel"]
NeighbourShare = float | Literal["auto"]

BANDWIDTHS = (1.0, 2.0, 4.0)  # gamma times the median squared distance
KERNEL_GRID = (0.1, 1.0, 10.0, 100.0)  # of C


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
    rows = chooser.rows(choice)
    checked = X[rows] if rows is not None or of_valid is None else of_valid[choice.at]
    electorate = _Electorate.of(kept, checked, chooser.fold, rows)
    if neighbour_share != 0 and electorate is not None:
        found = electorate.share(probabilities, checks, median, neighbour_share)
        chosen["neighbours"] = found.to_dict()
        if found.share:
            head = replace(head, kept=kept, share=found.share, sharpness=found.sharpness / median)
            probabilities = head.mixed(probabilities, electorate.votes(head.sharpness))
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
    if kind == "auto" and most < min(len(distinct), FEW_LANDMARKS):
        return none, (
            f"With {n:,} texts and {k:,} labels a kernel of {FEW_LANDMARKS:,} landmarks would take too much memory or "
            f"time, so the head is linear; --head kernel (head=) takes {most:,}.",
        )
    some = np.random.RandomState(seed).permutation(len(distinct))[:most]
    return distinct[np.sort(some)], ()


def _trials(
    X: Floats, valid: Floats | None, chooser: Chooser, kind: HeadKind, landmarks: Floats, median: float
) -> Iterator[_Trial]:
    """The heads to be tried, one at a time; along the bandwidth the loss has a single valley."""
    if kind != "kernel":
        linear = Standardised.of(X)
        design = linear.design(X)
        choice = chooser.choose(design, None if valid is None else linear.design(valid))
        yield _Trial("linear", design, choice, linear)
    before = np.inf
    for bandwidth in BANDWIDTHS if len(landmarks) else ():
        kernel = RbfKernel(landmarks, bandwidth / median)
        nystroem = Nystroem(kernel)
        design = Matrix(nystroem.features(X))
        of_valid = None if valid is None else Matrix(nystroem.features(valid))
        choice = chooser.choose(design, of_valid, KERNEL_GRID)
        yield _Trial(f"kernel {bandwidth:g}", design, choice, kernel, nystroem)
        if choice.loss > before:
            return
        before = choice.loss


@dataclass(frozen=True)
class _Electorate:
    """Votes for rows that were held out, by the texts that are kept and were not held out with them."""

    kept: KeptTexts
    X: Floats
    groups: Places | None
    own: Places | None

    @classmethod
    def of(cls, kept: KeptTexts, X: Floats, fold: Places | None, rows: Places | None) -> _Electorate | None:
        """For the (r, d) vectors of the ``rows`` that were scored; None where all texts were held out together."""
        if fold is None or rows is None:
            return cls(kept, X, None, None)
        groups, own = fold[kept.rows], fold[rows]
        return cls(kept, X, groups, own) if all((groups != group).any() for group in np.unique(own)) else None

    def votes(self, sharpness: float, at: Places | slice = slice(None)) -> Floats:
        return self.kept.votes(self.X[at], sharpness, self.groups, None if self.own is None else self.own[at])

    def share(self, probabilities: Floats, checks: Dataset, median: float, neighbour_share: NeighbourShare) -> Share:
        """See ``choose_share``; on evenly as many rows as there is time for."""
        few = evenly(len(checks), min(MOST_ROWS, max(1, MOST_NUMBERS // len(checks.task))))
        some = checks.select(few)
        return choose_share(
            probabilities[few],
            lambda sharpness: self.votes(sharpness / median, few),
            some.targets,
            some.task,
            weights=some.weights,
            share=neighbour_share,
        )
