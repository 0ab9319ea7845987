"""Batches of the texts of many requests: each answered, each by its own row, none for ever behind others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import DataError, TextgraftError
from textgraft.serving.batching import Batcher, QueueFullError, tokens_of

Scores = tuple[np.ndarray, np.ndarray | None]


class Steps(Executor):
    """A thread that does one thing whenever a test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, function: Any, /, *args: Any, **_: Any) -> Future[Any]:
        job: Future[Any] = Future()
        self.jobs.append((job, function, args))
        return job

    async def step(self) -> None:
        """Does the next thing, and lets all hear of it."""
        if self.jobs:
            job, function, args = self.jobs.pop(0)
            job.set_result(function(*args))
        await settle()

    async def all(self) -> None:
        while self.jobs:
            await self.step()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Model:
    """Rows that depend on their text alone; keeps what it was asked together."""

    def __init__(self, fails: str = "") -> None:
        self.batches: list[list[str]] = []
        self.fails = fails

    def __call__(self, texts: list[str], familiar: bool) -> Scores:
        self.batches.append(texts)
        if self.fails and any(self.fails in text for text in texts):
            raise DataError("This text cannot be read.")
        rows = np.array([row_of(text) for text in texts], np.float32)
        return rows, rows[:, 0] if familiar else None


def row_of(text: str) -> tuple[float, float]:
    number = float(text.split(maxsplit=1)[0])
    return number, -number


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def text(number: int, tokens: int) -> str:
    """A text of about so many tokens that begins with its number."""
    return f"{number} ".ljust(max(4 * (tokens - 2), 6), "x")


Requests = st.lists(
    st.tuples(st.lists(st.integers(3, 600), min_size=1, max_size=9), st.sampled_from(["step", "cancel", ""])),
    max_size=30,
)


@given(Requests, st.integers(1, 400), st.booleans())
def test_each_text_has_its_own_row_in_whatever_order_requests_come_and_go(
    requests: list[tuple[list[int], str]], budget: int, familiar: bool
) -> None:
    async def work() -> None:
        thread, model, number = Steps(), Model(), 0
        batcher = Batcher(model, max_batch_tokens=budget, thread=thread)
        sent: list[tuple[list[str], asyncio.Task[Any]]] = []
        for sizes, then in requests:
            texts = [text(number := number + 1, tokens) for tokens in sizes]
            sent.append((texts, asyncio.create_task(batcher.scored(texts, familiar=familiar))))
            await settle()
            if then == "step":
                await thread.step()
            if then == "cancel":
                sent.pop(len(sent) // 2)[1].cancel()
                await settle()
        await thread.all()
        for texts, task in sent:
            rows, familiarity = task.result()
            np.testing.assert_array_equal(rows, [row_of(each) for each in texts])
            assert (familiarity is not None) == familiar
            if familiarity is not None:
                np.testing.assert_array_equal(familiarity, rows[:, 0])
        assert batcher.waiting == 0
        for batch in model.batches:
            costs = [tokens_of(each) for each in batch]
            assert len(batch) == 1 or sum(costs) <= budget
            assert max(costs) <= max(32, 4 * min(costs))
        assert len({each for batch in model.batches for each in batch}) == sum(map(len, model.batches))

    run(work())


def test_a_lone_text_is_computed_at_once() -> None:
    async def work() -> None:
        thread, model = Steps(), Model()
        batcher = Batcher(model, max_wait=1e6, thread=thread)  # the first step would not end if it waited for more
        task = asyncio.create_task(batcher.scored([text(1, 9)]))
        await settle()
        await thread.step()
        assert task.done()

    run(work())


def test_a_cancelled_request_is_never_computed() -> None:
    async def work() -> None:
        thread, model = Steps(), Model()
        batcher = Batcher(model, thread=thread)
        stays, goes = (asyncio.create_task(batcher.scored([text(i, 9), text(i + 1, 90)])) for i in (1, 3))
        await settle()
        assert batcher.waiting == 4
        goes.cancel()
        await settle()
        assert batcher.waiting == 2
        await thread.all()
        assert sorted(each.split()[0] for batch in model.batches for each in batch) == ["1", "2"]
        assert stays.done()

    run(work())


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    async def work() -> None:
        thread, model = Steps(), Model()
        batcher = Batcher(model, max_queue=3, thread=thread)
        first = asyncio.create_task(batcher.scored([text(i, 9) for i in range(5)]))  # nothing waits, so all of it may
        await settle()
        with pytest.raises(QueueFullError, match="5 texts wait already") as refused:
            await batcher.scored([text(9, 9)])
        assert refused.value.retry_after > 0
        assert model.batches == []
        await thread.all()
        assert first.done()
        again = asyncio.create_task(batcher.scored([text(9, 9)]))
        await settle()
        await thread.all()
        assert again.done()

    run(work())


def test_what_would_wait_too_long_is_refused_and_what_would_not_is_taken() -> None:
    async def work() -> None:
        thread = Steps()
        batcher = Batcher(Model(), max_batch_tokens=200, patience=1, thread=thread)
        batcher._speed = 1000  # tokens a second
        tasks = [asyncio.create_task(batcher.scored([text(i, 400)])) for i in range(4)]
        await settle()
        refused = [task for task in tasks if task.done()]
        assert len(refused) == 1
        assert all(isinstance(task.exception(), QueueFullError) for task in refused)
        short = asyncio.create_task(batcher.scored([text(9, 9)]))  # has its share, so the long ones do not hinder it
        await settle()
        assert not short.done()
        await thread.all()

    run(work())


@pytest.mark.parametrize("many", [6, 2000], ids=["many short texts", "many long texts"])
def test_however_many_texts_of_one_length_wait_one_of_another_is_computed_soon(many: int) -> None:
    async def work() -> None:
        thread, model = Steps(), Model()
        batcher = Batcher(model, max_batch_tokens=2048, max_queue=10_000, thread=thread)
        tasks = [asyncio.create_task(batcher.scored([text(i, many) for i in range(64)])) for _ in range(5)]
        await settle()
        await thread.step()
        other = asyncio.create_task(batcher.scored([text(1, 2006 - many)]))
        for _ in range(3):
            tasks.append(asyncio.create_task(batcher.scored([text(i, many) for i in range(512)])))
            await settle()
            await thread.step()
        assert other.done()
        await thread.all()
        assert all(task.done() for task in tasks)

    run(work())


def test_in_a_line_requests_take_turns() -> None:
    async def work() -> None:
        thread, model = Steps(), Model()
        batcher = Batcher(model, max_batch_tokens=100, thread=thread)
        large = asyncio.create_task(batcher.scored([text(i, 9) for i in range(1000)]))
        await settle()
        await thread.step()
        small = asyncio.create_task(batcher.scored([text(5000, 9)]))
        await settle()
        await thread.step()
        assert small.done()
        assert not large.done()
        await thread.all()
        assert large.done()

    run(work())


def test_a_failing_text_fails_its_own_request_alone() -> None:
    async def work() -> None:
        thread, model = Steps(), Model(fails="13 ")
        batcher = Batcher(model, thread=thread)
        tasks = [asyncio.create_task(batcher.scored([text(10 * i + 3, 9), text(10 * i + 4, 9)])) for i in range(5)]
        await settle()
        await thread.all()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(outcome, DataError) for outcome in outcomes] == [False, True, False, False, False]

    run(work())


def test_a_model_that_loses_rows_fails_in_a_sentence() -> None:
    async def work() -> None:
        thread = Steps()
        batcher = Batcher(lambda _texts, _familiar: (np.zeros((0, 2), np.float32), None), thread=thread)
        task = asyncio.create_task(batcher.scored([text(1, 9)]))
        await settle()
        await thread.all()
        with pytest.raises(TextgraftError, match="gave 0 answers for 1 text"):
            task.result()

    run(work())


def test_calls_are_made_between_batches_and_a_limited_number_waits() -> None:
    async def work() -> None:
        thread, model, seen = Steps(), Model(), list[int]()
        batcher = Batcher(model, max_batch_tokens=40, thread=thread)
        texts = asyncio.create_task(batcher.scored([text(i, 9) for i in range(40)]))
        await settle()
        calls = [asyncio.create_task(batcher.call(lambda: seen.append(len(model.batches)))) for _ in range(17)]
        await settle()
        with pytest.raises(QueueFullError, match="16 requests that need the model for themselves"):
            calls[-1].result()
        await thread.all()
        assert seen == [1] * 16  # after the batch that was there before them, and before the next one
        assert texts.done()

    run(work())


def test_draining_answers_all_that_was_accepted_in_a_real_thread() -> None:
    async def work() -> None:
        batcher = Batcher(Model(), max_batch_tokens=64, max_wait=0.001)
        tasks = [asyncio.create_task(batcher.scored([text(i, 5 + i % 200)])) for i in range(300)]
        call = asyncio.create_task(batcher.call(lambda: 7))
        await asyncio.sleep(0)
        await batcher.drain()
        await asyncio.sleep(0)
        assert all(task.done() for task in tasks)
        assert [float(task.result()[0][0, 0]) for task in tasks] == list(range(300))
        assert await call == 7
        assert len((await batcher.scored([text(1, 9)]))[0]) == 1  # who still holds it is answered
        assert batcher.speed > 0

    run(work())
