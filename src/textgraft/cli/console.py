"""What people see: results on standard output; remarks, progress and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.progress import current_listener
from textgraft.unicode import escaped_in_json, said, shown_name

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from textgraft.report import Report

PATIENCE = 1.0  # seconds of silence before a bar is drawn
MOST_OF_BAR = 80  # characters beside it
MOST_LINES = 40  # of a remark
MOST_REMARKS = 100  # at once


def remark(sentences: str | Iterable[str]) -> None:
    """Says sentences on standard error, each on lines of its own, but for those that were said while working."""
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes that train together the first one speaks
    bars = current_listener()
    heard = bars.said if isinstance(bars, Bars) else set()  # what a fit says before its end stands in its notes too
    unheard = [each for each in ([sentences] if isinstance(sentences, str) else sentences) if each not in heard]
    for sentence in unheard[:MOST_REMARKS]:
        print(_in_lines(sentence), file=sys.stderr)
    if len(unheard) > MOST_REMARKS:
        print(f"({len(unheard) - MOST_REMARKS:,} more remarks)", file=sys.stderr)


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    text = json.dumps(content, indent=2, ensure_ascii="utf" not in str(sys.stdout.encoding).lower(), allow_nan=False)
    print(escaped_in_json(text))


def present(report: Report, page: Path | None = None, *, quietly: bool = False) -> None:
    """Shows a report on standard output, unless ``quietly``, and writes it as a page of HTML where one is wanted."""
    from textgraft.report import html, terminal

    if not quietly:
        terminal.show(report)
    if page is not None:
        html.write(report, page)
        remark(f"The report is in {page}.")


class Bars:
    """Draws a bar for each piece of work that takes longer than a second.

    Args:
        drawn: whether to draw at all, which is for terminals only; what is said is said all the same.
    """

    def __init__(self, *, drawn: bool = True) -> None:
        self._drawn = drawn
        self._progress: Progress | None = None
        self._running = 0
        self.said: set[str] = set()

    def start(self, what: str, total: float | None) -> _Work:  # noqa: D102
        self._running += 1
        return _Work(what, total)

    def advance(self, work: object, amount: float, detail: str) -> None:  # noqa: D102
        assert isinstance(work, _Work)
        work.done += amount
        if work.task is None and self._drawn and time.monotonic() - work.started > PATIENCE:
            work.task = self._bars().add_task(shown_name(said(work.what, MOST_OF_BAR)), total=work.total, detail="")
        if work.task is not None:
            self._bars().update(work.task, completed=work.done, detail=shown_name(said(detail, MOST_OF_BAR)))

    def finish(self, work: object) -> None:  # noqa: D102
        assert isinstance(work, _Work)
        self._running -= 1
        if work.task is not None:
            self._bars().remove_task(work.task)
        if self._running == 0 and self._progress is not None:
            self._progress.stop()
            self._progress = None

    def say(self, sentence: str) -> None:
        """Says a sentence the first time: what every fold of a cross-validation remarks is said once."""
        if sentence in self.said:
            return
        if self._progress is None:
            remark(sentence)
        else:
            self._progress.console.print(_in_lines(sentence), markup=False, highlight=False, soft_wrap=True)
        self.said.add(sentence)

    def _bars(self) -> Progress:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}", style="dim"),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
        return self._progress


def _in_lines(sentence: str) -> str:
    lines = said(sentence).split("\n")
    left = [f"({len(lines) - MOST_LINES:,} lines left out)"] if len(lines) > MOST_LINES else []
    return "\n".join((*lines[:MOST_LINES], *left))


@dataclass
class _Work:
    """A piece of work that may or may not have a bar yet."""

    what: str
    total: float | None
    done: float = 0.0
    started: float = field(default_factory=time.monotonic)
    task: TaskID | None = None
