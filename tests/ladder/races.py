"""Searches whose time is counted and not measured: candidates that say themselves how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset, Rows
from textgraft.encoders import vector_store
from textgraft.ladder.clock import Clock
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import TimeSpan
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Runtime
from textgraft.task import Task

TASK = Task(("no", "yes"))


class CountedClock(Clock):
    """The seconds that candidates took."""

    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


@hyperparameters
class Cheap(TextClassifier):
    """Naive Bayes on few words: a hundredth of a second for each text, and it keeps what it was fitted to."""

    method = "ngrams"
    rung = 10
    facts = MethodFacts("a few words")
    words: ClassVar = ("dull", "bright")
    seconds: ClassVar = 0.01

    clock: ClassVar[CountedClock]
    fits: ClassVar[list[int]]
    stop_at: ClassVar[int | None] = None

    odds_: NDArray[np.float32] = fitted()

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        if len(self.fits) == self.stop_at:
            Cheap.stop_at = None
            raise KeyboardInterrupt
        self.fits.append(len(train))
        self.clock.now += self.seconds * len(train)
        Y, X = np.asarray(train.label_sets, np.float32), self._read(train.texts)
        self.odds_ = np.log((X.T @ Y + 1) / (X.T @ (1 - Y) + 1))

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        self.clock.now += self.seconds / 10 * len(texts)
        p = np.exp(self._read(texts) @ self.odds_)
        return p / (1 + p) if self.task_.multi_label else p / p.sum(axis=1, keepdims=True)

    def _read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[word in text for word in self.words] for text in texts], np.float32)

    def write_state(self, folder: Path) -> None:
        np.save(folder / "odds.npy", self.odds_)

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.odds_ = np.load(folder / "odds.npy")


@hyperparameters
class Dear(Cheap):
    """All words, for ten times the time; another method to a stack."""

    method = "features"
    rung = 30
    words = ("dull", "grey", "slow", "bright", "quick", "fine")
    seconds = 0.1


@hyperparameters
class Reader(Dear):
    """The same words; what takes time is reading a text, for the first time."""

    reads = True
    seconds = 0.03
    opening = 2.0  # seconds, before the first text of a model
    known: ClassVar[set[str]]
    is_open_: bool = fitted(default=False)

    def read(self, texts: Sequence[str]) -> None:
        self.clock.now += 0 if self.is_open_ else self.opening
        self.is_open_ = True
        self.clock.now += 0.1 * len({*texts} - (self.known if vector_store.looks_up() else set()))
        self.known.update(texts)

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        self.read(train.texts)
        super()._fit(train, valid)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        self.read(texts)
        return super()._proba(texts)


@hyperparameters
class Timed(Dear):
    """A training that can be told when to end; it knows all words only where it had time for all of it."""

    method = "finetune"
    rung = 40
    seconds = 0.2
    unsaved = frozenset({"budget"})
    budget: float | None = hyperparameter(TimeSpan(), "at most so long.", default=None, saved=False)

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        whole = self.seconds * len(train)
        spent = min(whole, self.budget or whole)
        self.clock.now -= whole - spent
        super()._fit(train, valid)
        if spent < whole:
            self.odds_[2:] = 0


def begin(stop_at: int | None = None) -> CountedClock:
    """A new clock, which all candidates move from now on, and no fits yet."""
    Cheap.clock, Cheap.fits, Cheap.stop_at, Reader.known = CountedClock(), [], stop_at, set()
    return Cheap.clock


def candidates() -> list[TextClassifier]:
    """One that knows little, and one that knows more and takes longer."""
    return [Cheap(), Dear()]


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
