"""Models and streams that several tests of predictions use."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import count

from textgraft import NgramClassifier
from textgraft.prediction import Prediction, Texts

TEXTS = ["good film", "bad film", "fine book", "dull book"] * 6
MODEL = NgramClassifier().fit(TEXTS, ["yes", "no"] * 12)
SEVERAL = NgramClassifier().fit(TEXTS, [{"good", "film"}, {"film"}, {"good"}, set()] * 6)


def pieces(sizes: list[int]) -> list[Texts]:
    return [
        Texts([TEXTS[(i + j) % 4] for j in range(size)], f"file{i}", range(1, size + 1))
        for i, size in enumerate(sizes)
        if size
    ]


def rows_of(predictions: Iterable[Prediction]) -> list[tuple[object, ...]]:
    """Each row with all that is known of it, to the last bit."""
    return [
        (p.file, number, text, label, probability.tobytes(), shares.tobytes())
        for p in predictions
        for number, text, label, probability, shares in zip(
            p.numbers, p.texts, p.labels, p.probability, p.probabilities, strict=True
        )
    ]


def endless(read: list[int]) -> Iterator[Texts]:
    """Pieces without end; how many rows were read is appended to ``read``."""
    for i in count(1):
        read.append(1000 * i)
        yield Texts(TEXTS[:4] * 250, "f", range(1000))


def threads() -> list[str]:
    """The threads that textgraft has started and not ended."""
    return [thread.name for thread in threading.enumerate() if thread.name == "textgraft"]


class Sentences(list[str]):
    """A listener that keeps what is said."""

    def start(self, what: str, total: float | None) -> None: ...
    def advance(self, work: object, amount: float, detail: str) -> None: ...
    def finish(self, work: object) -> None: ...
    def say(self, sentence: str) -> None:
        self.append(sentence)
