"""Searches whose time is counted and not measured: candidates that say themselves how long they take."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset, Rows
from textgraft.ladder.clock import Clock
from textgraft.methods import NgramClassifier
from textgraft.task import Task

TASK = Task(("no", "yes"))


class CountedClock(Clock):
    """The seconds that candidates took."""

    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


class Cheap(NgramClassifier):
    """Takes a hundredth of a second for each text that it is trained on; knows what it was fitted to."""

    clock: ClassVar[CountedClock]
    fits: ClassVar[list[tuple[str, int]]]
    stop_at: ClassVar[int | None] = None
    seconds: ClassVar[float] = 0.01

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        if len(self.fits) == self.stop_at:
            raise KeyboardInterrupt
        self.fits.append((train.fingerprint, len(train)))
        type(self).clock.now += self.seconds * len(train)
        super()._fit(train, valid)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        type(self).clock.now += self.seconds / 10 * len(texts)
        return super()._proba(texts)


class Dear(Cheap):
    """Ten times as long, and another method to a stack."""

    method = "features"
    rung = 30
    seconds = 0.1


def begin(stop_at: int | None = None) -> CountedClock:
    """A new clock, which all candidates move from now on, and no fits yet."""
    Cheap.clock, Cheap.fits, Cheap.stop_at = CountedClock(), [], stop_at
    return Cheap.clock


def candidates() -> list[NgramClassifier]:
    """One that knows little, and one that knows more and takes longer."""
    return [Cheap(words=(1, 1), characters=None, C=1e-3), Dear(words=(1, 1), characters=None, C=1.0)]


def dataset(n: int = 400, seed: int = 0) -> Dataset:
    """Texts whose words tell the label, most of the time."""
    rng = np.random.RandomState(seed)
    targets = rng.randint(0, 2, n)
    words = [["dull", "grey", "slow"], ["bright", "quick", "fine"]]
    texts = [
        " ".join([words[t if rng.rand() < 0.8 else 1 - t][rng.randint(3)], *(f"w{i}" for i in rng.randint(0, 200, 6))])
        for t in targets
    ]
    return Dataset(texts, targets.astype(np.int64), TASK, Rows.numbered(n))
