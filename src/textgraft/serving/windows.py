"""Windows of served texts held against what a model keeps of its training data, and the alarms that follow.

Each window is tested, and each hour and each day so is the sum of its windows, so that small changes show too. **The
chance of any false alarm of a model in 100 days is at most 5 %**, whatever depends on whatever: it is divided by the
number of tests that fit into 100 days (Bonferroni), those of the quantities of one window are corrected by Holm's
procedure, and no p-value is understated (``evaluation.drift.bounded``). Besides, at least 5 % of the texts must be
others: what is sure and small is no alarm.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.drift import Moved, QuantityChange, changes
from textgraft.errors import ArtifactError, SettingError, listed
from textgraft.evaluation.drift import bounded
from textgraft.json_files import is_number, is_whole, read_json
from textgraft.model_directory.sketch import Sketch
from textgraft.unicode import quoted
from textgraft.whole import whole_file

STRETCH: Final = 100 * 86_400  # seconds that the chance of a false alarm is of
SHOWN: Final = 20  # windows
MOST_STATE: Final = 1 << 24  # bytes


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
            ("--drift-window (window_s=)", self.window_s, 0.001, STRETCH),
            ("least=", self.least, 20, self.most),
            ("most=", self.most, 20, 30_000),
            ("false_alarms=", self.false_alarms, 1e-12, 1),
            ("time_share=", self.time_share, 0, math.inf),
        ):
            if not least <= value <= most:
                raise SettingError(f"{name} must be from {least:g} to {most:g}; got {quoted(value)}.")

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
        heavy: how many of these repeat a text that is more than a 200th of them.
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


class Windows:
    """The windows of a model, and what they show.

    Args:
        sketch: of the training data.
        settings: how to look.
        workers: how many processes look each on their own.

    Attributes:
        alarms: by quantity and number of windows, those that are on.
        raised: how often an alarm of each quantity has begun.
        over: the windows of the longest span that are over.
        last: what the last of them shows.
    """

    settings: DriftSettings
    sketch: Sketch

    def __init__(self, sketch: Sketch, settings: DriftSettings, workers: int = 1) -> None:
        self.sketch, self.settings = sketch, settings
        self.alarms: dict[tuple[str, int], Alarm] = {}
        self.raised: Counter[str] = Counter()
        self.over: deque[Window] = deque(maxlen=max(settings.spans))
        self.last: tuple[QuantityChange, ...] = ()
        self._level, self._number = settings.level(workers), 0

    def add(self, window: Window) -> None:
        """Tests a window that is over, and the longer ones that end with it."""
        self.over.append(window)
        self._number += 1
        for span in self.settings.spans:
            if self._number % span == 0 and len(self.over) >= span:
                self._test(span, window.end)

    def _test(self, span: int, now: float) -> None:
        some = list(self.over)[-span:]
        counts = [np.sum([window.counts[i] for window in some], axis=0) for i in range(len(self.sketch.quantities))]
        found = changes(self.sketch, counts, self._level, bounded)
        self.last = found if span == min(self.settings.spans) else self.last
        for each in found:
            key = (each.name, span)
            if not each.changed:
                self.alarms.pop(key, None)
                continue
            if not any(name == each.name for name, _ in self.alarms):
                self.raised[each.name] += 1
            since = self.alarms[key].since if key in self.alarms else now
            self.alarms[key] = Alarm(each.name, span, since, now, each.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """What is known, as plain data for JSON."""
        return {
            "said": self.said(),
            "windows": [window.to_dict() for window in list(self.over)[-SHOWN:]],
            "alarms": [vars(alarm) for alarm in self.alarms.values()],
            "last": [change.to_dict() for change in self.last],
            "raised": dict(self.raised),
        }

    def said(self) -> str:
        """What the windows show, in a sentence or two."""
        settings = self.settings
        if not self.over:
            return (
                f"No window is over yet: one lasts {settings.window_s:g} seconds, and until {settings.least:,} of its "
                "texts were looked at."
            )
        last = self.over[-1]
        again = f" {last.heavy:,} of {last.looked_at:,} texts repeat others, which count once." if last.heavy else ""
        chance = f"the chance of any false alarm in 100 days is at most {100 * settings.false_alarms:g} %"
        if not self.alarms:
            return f"No change since the training is found ({chance}).{again}"
        moved = {alarm.quantity: Moved(**alarm.change["moved"]) for alarm in self.alarms.values()}
        parts = [f"{quantity} ({each})" for quantity, each in moved.items()]
        return f"Changed since the training: {listed(parts, 9)} ({chance}).{again}"

    def write(self, path: Path, version: str) -> None:
        """Keeps what is over, for a restart.

        Args:
            path: of the file.
            version: of the model.

        Raises:
            OSError: it cannot be written.
        """
        content = {
            "version": version,
            "number": self._number,
            "raised": dict(self.raised),
            "windows": [window.to_dict() | {"counts": [c.tolist() for c in window.counts]} for window in self.over],
            "alarms": [vars(alarm) for alarm in self.alarms.values()],
        }
        with whole_file(path, durable=False) as part:
            part.write_text(json.dumps(content), "utf-8")

    def resume(self, path: Path, version: str) -> None:
        """Goes on from what ``write`` wrote.

        Raises:
            ArtifactError: it is damaged, or of another version of the model.
        """
        content = read_json(path, most=MOST_STATE)
        if not isinstance(content, dict) or content.get("version") != version:
            raise ArtifactError(f"{path} is of another version of the model.")
        try:
            windows = [self._read(**entry) for entry in content["windows"]]
            alarms = [Alarm(**entry) for entry in content["alarms"]]
            shown = [(each.quantity in self.sketch, Moved(**each.change["moved"])) for each in alarms]
            raised = {str(name): int(count) for name, count in content["raised"].items()}
            if not all(known for known, _ in shown) or not is_whole(content["number"]):
                raise ValueError("it is of other quantities")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{path} is damaged: {error}.") from None
        self.over.extend(windows)
        self.alarms = {(alarm.quantity, alarm.windows): alarm for alarm in alarms}
        self.raised.update(raised)
        self._number = content["number"]

    def _read(self, counts: list[list[int]], **rest: Any) -> Window:
        arrays = [np.array(each, np.int64) for each in counts]
        shapes = [(len(quantity.counts),) for quantity in self.sketch.quantities]
        right = all(is_number(value, 0, 1e15) for value in rest.values())
        if not right or [each.shape for each in arrays] != shapes or any((each < 0).any() for each in arrays):
            raise ValueError("a window is none of this model")
        return Window(**rest, counts=arrays)
