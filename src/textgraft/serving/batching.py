"""Texts of many requests in batches: full throughput for single texts that come at the same time.

One thread computes. Whenever it is free and texts wait, it takes a batch: nothing waits at low load, and under load as
many texts gather as come while a batch is computed.

Texts wait in lines by length, each for texts up to four times as long as those of the line before. **The next batch is
of the line that has had the least computing, in tokens, since texts wait in it** (fair queueing: Demers, Keshav &
Shenker 1989): however many long texts wait, short ones have their share of the thread, and the other way round. In a
line requests take turns text by text, so that one of a single text does not wait for all of one of a thousand.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import TextgraftError
from textgraft.wording import counted

Floats = NDArray[np.float32]
Scores = tuple[Floats, Floats | None]  # (n, k) probabilities, (n,) familiarities
Predict = Callable[[list[str], bool], Scores]
T = TypeVar("T")

SHORT: Final = 32  # tokens of the texts of the first line, at most
MEMORY: Final = 0.8  # what the speed so far counts beside that of the last batch
MOST_CALLS: Final = 16  # that wait for the thread besides texts


class QueueFullError(TextgraftError):
    """A request is refused, since it would wait too long.

    Attributes:
        retry_after: seconds until it is worth trying again.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Observer(Protocol):
    """What is told of the work of a batcher, in any thread."""

    def queued(self, texts: int) -> None:
        """So many texts wait when a batch begins."""

    def computed(self, texts: int, tokens: int, seconds: float) -> None:
        """A batch is done."""


def tokens_of(text: str) -> int:
    """About how many tokens a text has: a fourth of its bytes, as of most tokenizers and languages, and two."""
    return (len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))) // 4 + 2


@dataclass(eq=False)
class _Request:
    """Texts that are answered together: of each its row, its familiarity, or why there is none."""

    familiar: bool
    answer: asyncio.Future[Scores]
    rows: list[tuple[Floats, np.float32 | None] | BaseException | None]
    open: int


@dataclass(order=True)
class _Text:
    """A text in a line: those of the lowest turn are first, of these the earliest."""

    turn: int
    number: int
    text: str = field(compare=False)
    tokens: int = field(compare=False)
    place: int = field(compare=False)
    request: _Request = field(compare=False)


@dataclass
class _Line:
    """Texts of about the same length: a heap of them, the turn that it is, and tokens: computed so far, and waiting."""

    texts: list[_Text] = field(default_factory=list)
    turn: int = 0
    work: int = 0
    tokens: int = 0


class Batcher:
    """Answers texts of all requests from one thread.

    Args:
        predict: (n, k) probabilities of n texts and (n,) familiarities, the latter where the second argument asks for
            them and the model knows them. It is called in the thread alone.
        costs: about how many tokens a text has.
        max_batch_tokens: of a batch; a longer text is a batch of its own.
        max_wait: seconds that a batch smaller than the one before waits for more texts at most, while one follows the
            other; the first one after a pause begins at once.
        max_queue: texts that may wait; a request that would make it more is refused, unless nothing waits.
        patience: seconds; a request that would wait longer until it is begun, at the speed of the last batches, is
            refused, unless nothing waits.
        thread: an executor of one thread, in which the model was loaded; None starts one.
        observer: is told of the queue and of batches.
    """

    def __init__(
        self,
        predict: Predict,
        *,
        costs: Callable[[str], int] = tokens_of,
        max_batch_tokens: int = 2048,
        max_wait: float = 0.0,
        max_queue: int = 2048,
        patience: float = math.inf,
        thread: Executor | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._predict, self._costs, self._observer = predict, costs, observer
        self._most_tokens, self._max_wait = max_batch_tokens, max_wait
        self._most_texts, self._patience = max_queue, patience
        self._thread = thread or ThreadPoolExecutor(1, "textgraft-model")
        self._unanswered: set[asyncio.Future[Scores]] = set()
        self._calls: set[asyncio.Future[Any]] = set()
        self._changed = threading.Condition()  # of all that follows
        self._lines: dict[int, _Line] = {}
        self._working = False
        self._waiting = self._number = self._clock = self._before = self._now = 0
        self._speed = 0.0

    @property
    def waiting(self) -> int:
        """How many texts wait."""
        return self._waiting

    @property
    def speed(self) -> float:
        """Tokens a second of the last batches; 0 before the first one."""
        return self._speed

    async def scored(self, texts: Sequence[str], *, familiar: bool = False) -> Scores:
        """(n, k) probabilities and, where asked for and known, (n,) familiarities of n >= 1 texts, in order.

        When it is cancelled, its texts leave the lines.

        Raises:
            QueueFullError: too much waits already.
            Exception: what ``predict`` raises of one of the texts alone.
        """
        costs = [self._costs(text) for text in texts]
        answer: asyncio.Future[Scores] = asyncio.get_running_loop().create_future()
        request = _Request(familiar, answer, [None] * len(costs), len(costs))
        with self._changed:
            self._check_room(costs)
            self._put(texts, costs, request)
            starts, self._working = not self._working, True
            self._changed.notify()
        self._unanswered.add(answer)
        try:
            if starts:
                self._thread.submit(self._work)
            return await answer
        finally:
            self._unanswered.discard(answer)
            if request.open:
                self._remove(request)

    async def call(self, function: Callable[[], T]) -> T:
        """What a function gives that uses the model; it is called in the model's thread, between two batches.

        Raises:
            QueueFullError: too many calls wait already.
            Exception: what the function raises.
        """
        if len(self._calls) >= MOST_CALLS:
            raise QueueFullError(
                f"{len(self._calls)} requests that need the model for themselves wait already; try again later.",
                self._seconds(self._backlog()) + 1,
            )
        call = asyncio.get_running_loop().run_in_executor(self._thread, function)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return await call

    async def drain(self) -> None:
        """Waits until all that was accepted is answered."""
        while unanswered := self._unanswered | self._calls:
            await asyncio.wait(unanswered)
            await asyncio.sleep(0)

    def _check_room(self, costs: Sequence[int]) -> None:
        """Raises QueueFullError where a request would wait too long."""
        if not self._waiting:
            return
        wait = self._seconds(self._ahead(costs))
        if self._waiting + len(costs) <= self._most_texts and wait <= self._patience:
            return
        raise QueueFullError(
            f"{counted(self._waiting, 'text')} wait already, so that this request would wait {wait:,.1f} s; at most "
            f"{self._most_texts:,} texts wait, and none longer than {self._patience:,.1f} s. Try again later.",
            max(self._seconds(self._backlog()), 0.1),
        )

    def _seconds(self, tokens: int) -> float:
        return tokens / self._speed if self._speed else 0.0

    def _backlog(self) -> int:
        """Tokens that wait or are computed."""
        return self._now + sum(line.tokens for line in self._lines.values())

    def _ahead(self, costs: Sequence[int]) -> int:
        """Tokens that are computed before a request begins, at most: other lines get ahead by no more than a batch."""
        waiting = {key: line.tokens for key, line in self._lines.items()}
        own = max(waiting.get(key, 0) for key in {_line_of(tokens) for tokens in costs}) + self._most_tokens
        return self._now + sum(min(tokens, own) for tokens in waiting.values())

    def _put(self, texts: Sequence[str], costs: Sequence[int], request: _Request) -> None:
        turns: dict[int, int] = {}
        for place, (text, tokens) in enumerate(zip(texts, costs, strict=True)):
            key = _line_of(tokens)
            line = self._lines.setdefault(key, _Line())
            if not line.texts:
                line.work = max(line.work, self._clock)
            turn = turns[key] = turns.get(key, line.turn - 1) + 1
            self._number += 1
            heapq.heappush(line.texts, _Text(turn, self._number, text, tokens, place, request))
            line.tokens += tokens
        self._waiting += len(costs)

    def _remove(self, request: _Request) -> None:
        with self._changed:
            for line in self._lines.values():
                stay = [text for text in line.texts if text.request is not request]
                if gone := len(line.texts) - len(stay):
                    heapq.heapify(stay)
                    line.texts, line.tokens = stay, sum(text.tokens for text in stay)
                    self._waiting -= gone

    def _take(self) -> list[_Text]:
        """The next batch, of one line; none where nothing waits."""
        if self._before > 1 and self._max_wait:
            self._changed.wait_for(lambda: self._waiting >= self._before, self._max_wait)
        line = min((line for line in self._lines.values() if line.texts), key=lambda line: line.work, default=None)
        batch: list[_Text] = []
        if line is not None:
            self._clock, room = line.work, self._most_tokens
            while line.texts and (not batch or line.texts[0].tokens <= room):
                batch.append(heapq.heappop(line.texts))
                room -= batch[-1].tokens
            self._now = self._most_tokens - room
            line.turn = batch[-1].turn
            line.tokens -= self._now
            line.work += self._now
        self._waiting -= len(batch)
        self._before, self._working = len(batch), bool(batch)
        return batch

    def _work(self) -> None:
        """Computes a batch in the thread, and has the next one computed after calls that wait."""
        with self._changed:
            batch = self._take()
        if self._observer is not None:
            self._observer.queued(self._waiting)
        if not batch:
            return
        started = time.perf_counter()
        rows = self._rows(batch)
        seconds = max(time.perf_counter() - started, 1e-6)
        speed = self._now / seconds
        self._speed = MEMORY * self._speed + (1 - MEMORY) * speed if self._speed else speed
        if self._observer is not None:
            self._observer.computed(len(batch), self._now, seconds)
        self._now = 0
        self._thread.submit(self._work)
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            batch[0].request.answer.get_loop().call_soon_threadsafe(_answer, batch, rows)

    def _rows(self, batch: Sequence[_Text]) -> list[tuple[Floats, np.float32 | None] | BaseException]:
        """Of each text its row and familiarity; where ``predict`` fails, of each half, down to the text to blame."""
        try:
            texts = [each.text for each in batch]
            rows, familiarity = self._predict(texts, any(each.request.familiar for each in batch))
            if len(rows) != len(batch):
                raise TextgraftError(f"The model gave {len(rows):,} answers for {counted(len(batch), 'text')}.")
        except BaseException as error:  # whatever it is, the thread goes on
            if len(batch) == 1:
                return [error]
            middle = len(batch) // 2
            return self._rows(batch[:middle]) + self._rows(batch[middle:])
        return list(zip(rows, [None] * len(rows) if familiarity is None else familiarity, strict=True))


def _line_of(tokens: int) -> int:
    """Which line a text waits in: 0 up to ``SHORT`` tokens, 1 up to four times as many, and so on."""
    return (max(tokens - 1, 0) // SHORT).bit_length() + 1 >> 1


def _answer(batch: Sequence[_Text], rows: Sequence[tuple[Floats, np.float32 | None] | BaseException]) -> None:
    """Hands over a batch in the event loop; a request is answered with its last row."""
    for each, row in zip(batch, rows, strict=True):
        request = each.request
        request.rows[each.place] = row
        request.open -= 1
        if not request.open and not request.answer.done():
            _finish(request)


def _finish(request: _Request) -> None:
    failed = [row for row in request.rows if isinstance(row, BaseException)]
    if failed:
        request.answer.set_exception(failed[0])
        return
    pairs = [row for row in request.rows if isinstance(row, tuple)]
    rows = np.stack([row for row, _ in pairs])
    known = [familiarity for _, familiarity in pairs if familiarity is not None]
    request.answer.set_result((rows, np.array(known, np.float32) if len(known) == len(pairs) else None))
