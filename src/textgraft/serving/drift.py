"""Whether the texts that a service gets are still like those that a model was trained on.

Of each window of time a uniform sample of the texts (Li, ACM TOMS 1994) is held against the sketch of the model; each
hour and each day so is the sum of its windows, so that small changes show too. **The chance of any false alarm in 100
days is at most 5 %**, whatever depends on whatever: it is divided by the number of tests that fit into 100 days
(Bonferroni), those of the quantities of one window are corrected by Holm's procedure, and no p-value is understated
(``evaluation.drift.bounded``). Besides, at least 5 % of the texts must be others: what is sure and small is no alarm.

No text is kept: at most 32 or one request's wait in memory until they are counted; then there are numbers of intervals
alone. A text that is more than a hundredth of a window counts once, and is told.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.drift import Moved, QuantityChange, changes, predicted
from textgraft.errors import ArtifactError, SettingError, listed
from textgraft.evaluation.drift import bounded
from textgraft.json_files import is_number, is_whole, read_object
from textgraft.methods import TextClassifier
from textgraft.model_directory.sketch import Rows, Sketch, repeated
from textgraft.whole import whole_file

AT_ONCE: Final = 32  # texts that are counted together
STRETCH: Final = 100 * 86_400  # seconds that the chance of a false alarm is of
HEAD_START: Final = 0.1  # seconds of work that need not be saved up for
SHOWN: Final = 20  # windows
MOST_STATE: Final = 1 << 24  # bytes

Clock = Callable[[], float]


@dataclass(frozen=True)
class DriftSettings:
    """How a service looks for changes.

    Attributes:
        window_s: seconds of a window, at least; it lasts until it has ``least`` texts.
        least: texts of a window.
        most: texts of a window that are looked at.
        false_alarms: the chance of any false alarm in 100 days.
        time_share: the share of one core's time that looking may take.
        spans: how many windows each are tested together.

    Raises:
        SettingError: one of them cannot be used.
    """

    window_s: float = 600.0
    least: int = 100
    most: int = 1_000
    false_alarms: float = 0.05
    time_share: float = 0.01
    spans: tuple[int, ...] = (1, 6, 144)

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("window_s", self.window_s, 0.001, STRETCH),
            ("least", self.least, 20, self.most),
            ("most", self.most, 20, 30_000),
            ("false_alarms", self.false_alarms, 1e-12, 1),
            ("time_share", self.time_share, 0, math.inf),
        ):
            if not least <= value <= most:
                raise SettingError(f"{name} of the look for drift must be from {least:g} to {most:g}; got {value!r}.")

    def level(self, workers: int) -> float:
        """The chance of a false alarm of one test, where several processes look each on their own."""
        return self.false_alarms / workers / sum(STRETCH / (self.window_s * span) + 1 for span in self.spans)


@dataclass(frozen=True)
class Alarm:
    """A change that is sure.

    Attributes:
        quantity: what has changed.
        windows: how many windows were held together against the training data when it was seen.
        since: seconds since 1970, when it was first seen.
        now: the end of the last window that showed it.
        change: what the last of them showed.
    """

    quantity: str
    windows: int
    since: float
    now: float
    change: dict[str, Any]


@dataclass(frozen=True)
class Window:
    """What was counted of texts in some time.

    Attributes:
        start, end: seconds since 1970.
        texts: how many there were.
        looked_at: of these.
        heavy: how many of these repeat a text that is more than a hundredth of them.
        counts: of each quantity of the sketch.
    """

    start: float
    end: float
    texts: int
    looked_at: int
    heavy: int
    counts: list[NDArray[np.int64]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the counts."""
        return {name: getattr(self, name) for name in ("start", "end", "texts", "looked_at", "heavy")}


@dataclass
class _Open:
    """A window that is not over: a uniform sample of its texts so far (algorithm L of Li 1994)."""

    start: float
    places: NDArray[np.int16]
    texts: int = 0
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
    ``observe`` says so, in the thread that the model computes in.

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
        alarms: by quantity and number of windows, those that are on.
        raised: how often an alarm of each quantity has begun.
        windows: that are over, of the last day.
        note: a sentence about a state that could not be read or kept.
    """

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
        self.alarms: dict[tuple[str, int], Alarm] = {}
        self.raised: Counter[str] = Counter()
        self.windows: deque[Window] = deque(maxlen=max(self.settings.spans))
        self.last: tuple[QuantityChange, ...] = ()
        self.note = ""
        self._model, self._clock, self._work, self._state, self._version = model, clock, work, state, version
        self._level = self.settings.level(workers)
        self._number = 0
        self._chance = random.Random(0)
        self._began, self._spent = clock(), 0.0
        self._lock = Lock()
        self._waiting: list[tuple[int, str, NDArray[Any]]] = []
        self._open = self._opened()
        if state is not None and state.exists():
            self._resume(state)

    def observe(self, texts: Sequence[str], probabilities: NDArray[Any]) -> bool:
        """Takes note of n texts that were answered, by (n, k) probabilities.

        Returns:
            Whether ``count`` should be called.
        """
        with self._lock:
            now = self._clock()
            if self._spent > HEAD_START + self.settings.time_share * (now - self._began):
                return self._is_due(now)
            for taken, slot in self._open.slots(len(texts), self.settings.most, self._chance):
                self._waiting.append((slot, texts[taken], probabilities[taken]))
                self._open.hashes[slot] = hash(texts[taken])
                self._open.places[slot] = -1
            return len(self._waiting) >= AT_ONCE or self._is_due(now)

    def count(self) -> tuple[QuantityChange, ...] | None:
        """Counts the texts that wait, and ends the window where it is over.

        Returns:
            What the window shows that has ended; None where none has.
        """
        begun = self._work()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            places = self._open.places  # no other call ends the window meanwhile
        found = self._looked_at(waiting) if waiting else ()
        with self._lock:
            for (slot, _, _), row in zip(waiting, found, strict=True):
                places[slot] = row  # a later text that has taken the slot comes later
            now = self._clock()
            over = self._ended(now) if self._is_due(now) else None
            self._spent += self._work() - begun
        return over

    def to_dict(self) -> dict[str, Any]:
        """What is known now, as plain data for JSON."""
        with self._lock:
            return {
                "windows": [window.to_dict() for window in list(self.windows)[-SHOWN:]],
                "alarms": [vars(alarm) for alarm in self.alarms.values()],
                "last": [change.to_dict() for change in self.last],
                "raised": dict(self.raised),
                "open": {"start": self._open.start, "texts": self._open.texts, "looked_at": len(self._open.hashes)},
                "said": said(self),
                "note": self.note,
            }

    def _opened(self) -> _Open:
        places = np.full((self.settings.most, len(self.sketch.quantities)), -1, np.int16)
        return _Open(self._clock(), places)

    def _is_due(self, now: float) -> bool:
        return now - self._open.start >= self.settings.window_s and len(self._open.hashes) >= self.settings.least

    def _looked_at(self, waiting: list[tuple[int, str, NDArray[Any]]]) -> NDArray[np.int16]:
        texts = [text for _, text, _ in waiting]
        rows = Rows(texts, np.stack([p for _, _, p in waiting]))
        if "familiarity" in self.sketch:
            rows = predicted(self._model, texts, self.sketch)
        return self.sketch.places(rows, self._model.task_, self._model.decision)

    def _ended(self, now: float) -> tuple[QuantityChange, ...]:
        over, self._open = self._open, self._opened()
        places = over.places[: len(over.hashes)]
        again = repeated(over.hashes)
        counts = self.sketch.counted(places[~again])
        self.windows.append(Window(over.start, now, over.texts, len(places), int(again.sum()), counts))
        self._number += 1
        for span in self.settings.spans:
            if self._number % span == 0 and len(self.windows) >= span:
                self._test(span, now)
        self._keep()
        return self.last

    def _test(self, span: int, now: float) -> None:
        some = list(self.windows)[-span:]
        counts = [np.sum([window.counts[i] for window in some], axis=0) for i in range(len(self.sketch.quantities))]
        found = changes(self.sketch, counts, self._level, bounded)
        if span == 1:
            self.last = found
        for each in found:
            key = (each.name, span)
            if not each.changed:
                self.alarms.pop(key, None)
                continue
            if not any(name == each.name for name, _ in self.alarms):
                self.raised[each.name] += 1
            since = self.alarms[key].since if key in self.alarms else now
            self.alarms[key] = Alarm(each.name, span, since, now, each.to_dict())

    def _keep(self) -> None:
        """Writes the windows that are over, so that a restart goes on from them."""
        if self._state is None:
            return
        content = {
            "version": self._version,
            "number": self._number,
            "raised": dict(self.raised),
            "windows": [window.to_dict() | {"counts": [c.tolist() for c in window.counts]} for window in self.windows],
            "alarms": [vars(alarm) for alarm in self.alarms.values()],
        }
        try:
            with whole_file(self._state, durable=False) as part:
                part.write_text(json.dumps(content), "utf-8")
            self.note = ""
        except OSError as error:
            self.note = f"What was seen is not kept for a restart: {self._state}: {error.strerror or error}."

    def _resume(self, state: Path) -> None:
        """Goes on from what was written for this version of the model; else starts over and says so."""
        try:
            if state.stat().st_size > MOST_STATE:
                raise ArtifactError(f"{state} has more than {MOST_STATE:,} bytes.")
            content = read_object(state, {"version", "number", "raised", "windows", "alarms"})
            if content["version"] != self._version:
                self.note = f"{state} is of another version of the model, so that the look for drift starts over."
                return
            windows = [self._read(entry) for entry in content["windows"]]
            alarms = [Alarm(**entry) for entry in content["alarms"]]
            raised = {str(name): int(count) for name, count in content["raised"].items()}
            if not is_whole(content["number"]):
                raise ValueError("its number is none")
        except (ArtifactError, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
            self.note = f"{state} cannot be used, so that the look for drift starts over ({error})."
            return
        self.windows.extend(windows)
        self.alarms = {(alarm.quantity, alarm.windows): alarm for alarm in alarms}
        self.raised.update(raised)
        self._number = content["number"]

    def _read(self, entry: dict[str, Any]) -> Window:
        counts = [np.array(each, np.int64) for each in entry.pop("counts")]
        shapes = [(len(quantity.counts),) for quantity in self.sketch.quantities]
        right = all(is_number(entry[name], 0, 1e15) for name in ("start", "end", "texts", "looked_at", "heavy"))
        if not right or [each.shape for each in counts] != shapes or any((each < 0).any() for each in counts):
            raise ValueError("a window is none of this model")
        return Window(**entry, counts=counts)


def said(monitor: DriftMonitor) -> str:
    """What the windows show, in a sentence or two."""
    settings = monitor.settings
    if not monitor.windows:
        return (
            f"No window is over yet: one lasts {settings.window_s:g} seconds, and until {settings.least:,} of its "
            "texts were looked at."
        )
    last = monitor.windows[-1]
    again = f" {last.heavy:,} of {last.looked_at:,} texts repeat others, which count once." if last.heavy else ""
    chance = f"the chance of any false alarm in 100 days is at most {100 * settings.false_alarms:g} %"
    if not monitor.alarms:
        return f"No change since the training is found ({chance}).{again}"
    parts = {
        alarm.quantity: f"{alarm.quantity} ({Moved(**alarm.change['moved'])})" for alarm in monitor.alarms.values()
    }
    return f"Changed since the training: {listed(parts.values(), 9)} ({chance}).{again}"
