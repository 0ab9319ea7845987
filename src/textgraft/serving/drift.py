"""A monitor of what a model answers: a sample of the texts of each window, looked at for next to nothing.

The sample of a window is uniform however many texts it has (algorithm L of Li, ACM TOMS 1994). No text is kept: at
most 32, or those of one request, wait in memory until they are counted; then there are numbers of intervals alone, and
hashes of this process, by which a text that is more than a 200th of a window is told, and counts once.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.drift import predicted
from textgraft.errors import ArtifactError
from textgraft.methods import TextClassifier
from textgraft.model_directory.sketch import ScoredTexts, Sketch, repeated
from textgraft.serving.windows import DriftSettings, Window, Windows

AT_ONCE: Final = 32  # texts that are counted together
HEAD_START: Final = 0.1  # seconds of work that need not be saved up for

Clock = Callable[[], float]


@dataclass
class _Open:
    """A window that is not over: a uniform sample of its texts so far (algorithm L of Li 1994)."""

    start: float
    places: NDArray[np.int16]
    texts: int = 0
    passed_over: int = 0  # for want of time or room
    hashes: list[int] = field(default_factory=list)
    weight: float = 1.0
    next: int = 0

    def slots(self, n: int, most: int, chance: random.Random) -> Iterator[tuple[int, int]]:
        """Which of the next n texts are taken, and the place of each in the sample."""
        end = self.texts + n
        while self.next < end:
            taken, self.next = self.next - self.texts, self.next + 1
            if len(self.hashes) < most:
                self.hashes.append(0)
                slot = len(self.hashes) - 1
            else:
                slot = chance.randrange(most)
            if len(self.hashes) == most:
                self.weight *= math.exp(math.log(chance.random() or 1e-300) / most)
                rest = math.log1p(-min(self.weight, 1 - 1e-16))
                self.next += math.floor(math.log(chance.random() or 1e-300) / rest) if rest else 1 << 62
            yield taken, slot
        self.texts = end


class DriftMonitor:
    """Looks at what a model answers, in windows.

    ``observe`` is called with all texts and costs next to nothing; ``count`` looks at those that were taken, whenever
    ``observe`` says so, in the thread that the model computes in. It takes at most a hundredth of the time, so that
    under load few texts are looked at; which ones does not depend on what is in them.

    Args:
        model: which answers.
        sketch: of its training data.
        settings: how to look.
        workers: how many processes look each on their own.
        clock: seconds since 1970.
        work: seconds of work, by which its own time is measured.
        state: a file from which it goes on after a restart; None keeps nothing.
        version: of the model, for that file.

    Attributes:
        windows: those that are over, and what they show.
        note: a sentence about a state that could not be read or kept.
    """

    settings: DriftSettings
    sketch: Sketch
    windows: Windows
    note: str

    def __init__(
        self,
        model: TextClassifier,
        sketch: Sketch,
        settings: DriftSettings | None = None,
        *,
        workers: int = 1,
        clock: Clock = time.time,
        work: Clock = time.perf_counter,
        state: Path | None = None,
        version: str = "",
    ) -> None:
        self.sketch, self.settings = sketch, settings or DriftSettings()
        self.windows = Windows(sketch, self.settings, workers)
        self.note = ""
        self._model, self._clock, self._work, self._state, self._version = model, clock, work, state, version
        self._chance = random.Random(0)
        self._began, self._spent = clock(), 0.0
        self._lock = Lock()
        self._waiting: list[tuple[int, str, NDArray[Any]]] = []
        self._open = self._opened()
        if state is not None and state.exists():
            try:
                self.windows.resume(state, version)
            except ArtifactError as error:
                self.note = f"{error} The look for drift starts over."

    def observe(self, texts: Sequence[str], probabilities: NDArray[Any]) -> bool:
        """Takes note of n texts that were answered, by (n, k) probabilities.

        Returns:
            Whether ``count`` should be called.
        """
        with self._lock:
            now = self._clock()
            is_late = self._spent > HEAD_START + self.settings.time_share * (now - self._began)
            if is_late or len(self._waiting) >= self.settings.most:
                self._open.passed_over += len(texts)
                return not is_late or self._is_due(now)
            for taken, slot in self._open.slots(len(texts), self.settings.most, self._chance):
                self._waiting.append((slot, texts[taken], probabilities[taken]))
                self._open.hashes[slot] = hash(texts[taken])
                self._open.places[slot] = -1
            return len(self._waiting) >= AT_ONCE or self._is_due(now)

    def count(self) -> bool:
        """Counts the texts that wait, and ends the window where it is over; says whether it did."""
        begun = self._work()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            places = self._open.places  # no other call ends the window meanwhile
        found = self._looked_at(waiting) if waiting else ()
        with self._lock:
            for (slot, _, _), row in zip(waiting, found, strict=True):
                places[slot] = row  # a later text that has taken the slot comes later
            if over := self._is_due(now := self._clock()):
                self._end(now)
            self._spent += self._work() - begun
        return over

    def to_dict(self) -> dict[str, Any]:
        """What is known now, as plain data for JSON."""
        with self._lock:
            waiting = {"start": self._open.start, "texts": self._open.texts, "looked_at": len(self._open.hashes)}
            return {**self.windows.to_dict(), "open": waiting, "note": self.note}

    def _opened(self) -> _Open:
        places = np.full((self.settings.most, len(self.sketch.quantities)), -1, np.int16)
        return _Open(self._clock(), places)

    def _is_due(self, now: float) -> bool:
        return now - self._open.start >= self.settings.window_s and len(self._open.hashes) >= self.settings.least

    def _looked_at(self, waiting: list[tuple[int, str, NDArray[Any]]]) -> NDArray[np.int16]:
        texts = [text for _, text, _ in waiting]
        rows = ScoredTexts(texts, np.stack([p for _, _, p in waiting]))
        if "familiarity" in self.sketch:
            rows = predicted(self._model, texts, self.sketch)
        return self.sketch.places(rows, self._model.task_, self._model.decision)

    def _end(self, now: float) -> None:
        over, self._open = self._open, self._opened()
        places, again = over.places[: len(over.hashes)], repeated(over.hashes)
        counts = self.sketch.counted(places[~again])
        self.windows.add(Window(over.start, now, over.texts + over.passed_over, len(places), int(again.sum()), counts))
        if self._state is not None:
            try:
                self.windows.write(self._state, self._version)
                self.note = ""
            except OSError as error:
                self.note = f"What was seen is not kept for a restart: {self._state}: {error.strerror or error}."
