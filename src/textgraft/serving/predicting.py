"""From texts to what is said of each: batches of the model, then labels, reasons, words and neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from textgraft.analysis.explaining import explain
from textgraft.decision import UNSURE, Decision
from textgraft.errors import SettingError
from textgraft.methods import TextClassifier
from textgraft.methods.answering import Answers, Floats
from textgraft.serving.batching import QueueFullError
from textgraft.serving.bodies import check_texts
from textgraft.serving.limits import Limits
from textgraft.serving.metrics import Metrics
from textgraft.serving.models import Models, Served, UnknownModelError
from textgraft.serving.problems import Problem, of_one
from textgraft.serving.schemas import PredictRequest

MOST_LABELS = 100  # that are named of each text, where nobody says how many
Row = dict[str, Any]
T = TypeVar("T")
Watcher = Callable[[Served, Sequence[str], Answers, Sequence[str]], None]


@dataclass
class Service:
    """What all routes share.

    Attributes:
        models: that are served.
        limits: of requests.
        metrics: count them.
        watchers: are called with the model, texts, answers and ids of the texts of each request.
    """

    models: Models
    limits: Limits
    metrics: Metrics
    watchers: list[Watcher] = field(default_factory=list)

    def named(self, name: str | None, place: str = "/model") -> Served:
        """A model.

        Raises:
            Problem: there is none of that name.
        """
        try:
            return self.models.get(name)
        except UnknownModelError as error:
            raise of_one(place, str(error), status=404, reason="model") from None

    async def predict(self, served: Served, wish: PredictRequest, request_id: str) -> list[Row]:
        """What is said of each text of a request.

        Raises:
            Problem: a limit is crossed, or the model cannot do what is wished.
        """
        model, texts = served.classifier, wish.texts
        check_texts(texts, self.limits)
        self.check(model, wish)
        ids = [f"{request_id}-{i}" for i in range(len(texts))]
        answers = await self.answers(served, texts, ids, threshold=wish.threshold)
        rows = rows_of(answers, reasons(answers, wish), ids, wish.top_k or MOST_LABELS)
        for row, cut in zip(rows, await cut_of(model, texts), strict=True):
            row["cut"] = cut
        if wish.explain:
            for row, text in zip(rows, texts, strict=True):
                row["explanation"] = await self._timed(_explained(served, text))
        if wish.neighbours is not None:
            for row, near in zip(rows, await self._timed(_near(served, texts, wish.neighbours)), strict=True):
                row["neighbours"] = near
        return rows

    async def answers(
        self, served: Served, texts: list[str], ids: Sequence[str], *, threshold: float | None = None
    ) -> Answers:
        """What a model says of n texts that are within the limits.

        Args:
            served: the model.
            texts: the texts.
            ids: of the texts.
            threshold: from which on each of several labels is given; None is the model's own decision.

        Raises:
            Problem: the queue is full, or it took too long.
        """
        model, decision = served.classifier, served.classifier.decision
        if threshold is not None and model.task_.multi_label:
            decision = Decision(np.full(len(model.task_), threshold, np.float32))
        scores = await self._timed(served.batcher.scored(texts, familiar=False)) if texts else model.scored([])
        answers = Answers.of(model.task_, decision, model.abstention_, *scores)
        self.metrics.labelled(served.name, _names(answers))
        for watcher in self.watchers:
            watcher(served, texts, answers, ids)
        return answers

    def check(self, model: TextClassifier, wish: PredictRequest) -> None:
        """Raises Problem for what the model, or this service, does not do."""
        most = self.limits.max_explained
        for member, wished in (("explain", wish.explain), ("neighbours", wish.neighbours is not None)):
            if wished and len(wish.texts) > most:
                what = f"At most {most:,} texts of a request can have {member}; there are {len(wish.texts):,}."
                raise of_one(f"/{member}", what, reason="explained")
        try:
            model.check_answering(abstain=wish.abstain, sets=False)
        except SettingError as error:
            raise of_one("/abstain", str(error), reason="abstain") from None

    async def _timed(self, work: Awaitable[T]) -> T:
        """What some work gives, or the problem of a queue without room, or of too long a wait."""
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                return await work
        except QueueFullError as full:
            raise Problem(429, str(full), reason="queue", retry_after=full.retry_after) from None
        except TimeoutError:
            detail = (
                f"The answer was not there after {self.limits.timeout_s:g} seconds; send fewer texts, or try later."
            )
            raise Problem(504, detail, reason="time") from None


async def cut_of(model: TextClassifier, texts: Sequence[str]) -> list[bool]:
    """Whether each text is longer than what the model reads of it; no texts are read again that cannot be."""
    cut = [False] * len(texts)
    # A token has at least a byte, and a character at most four.
    long = [] if model.cuts_at is None else [i for i, text in enumerate(texts) if 4 * len(text) > model.cuts_at]
    if long:
        found = await asyncio.to_thread(model.cut, [texts[i] for i in long])
        for i, is_cut in zip(long, found.tolist(), strict=True):
            cut[i] = is_cut
    return cut


def reasons(answers: Answers, wish: PredictRequest) -> list[str]:
    """Why each text gets no label where that is wished; empty where it gets one."""
    given = answers.reasons if wish.abstain else [""] * len(answers.reasons)
    if wish.threshold is None or answers.task.multi_label:
        return given
    enough = (answers.confidence >= wish.threshold).tolist()
    return [reason if sure else reason or UNSURE for reason, sure in zip(given, enough, strict=True)]


def rows_of(answers: Answers, reasons: Sequence[str], ids: Sequence[str], most: int) -> list[Row]:
    """What is said of each text, in plain data; of at most so many labels, the most probable first."""
    order = np.argsort(-answers.probabilities, axis=1, kind="stable")[:, :most]
    probabilities = np.take_along_axis(answers.probabilities, order, axis=1).tolist()
    names, key = answers.task.labels, "labels" if answers.task.multi_label else "label"
    sets = answers.sets
    rows: list[Row] = []
    columns = (ids, answers.predicted, reasons, answers.confidence.tolist(), order.tolist(), probabilities)
    for text_id, predicted, reason, confidence, places, chances in zip(*columns, strict=True):
        scored = [{"label": names[j], "probability": p} for j, p in zip(places, chances, strict=True)]
        row = {"id": text_id, key: None if reason else predicted, "reason": reason, "confidence": confidence}
        rows.append({**row, "probabilities": scored})
    if sets is not None:
        for row, possible in zip(rows, sets, strict=True):
            row["possible"] = possible
    return rows


def _names(answers: Answers) -> list[str | None]:
    """All labels that were predicted; None for each text without an answer."""
    if answers.task.multi_label:
        return [name for names in answers.labels for name in names or [None]]
    return [str(label) if label is not None else None for label in answers.labels]


async def _explained(served: Served, text: str) -> Row:
    """Which words of a text mattered.

    Where nothing is left but to leave words out, the texts without them are predicted as others are, so that nobody
    waits for all of them.
    """
    model, batcher = served.classifier, served.batcher
    if model.attribution is None:
        loop = asyncio.get_running_loop()

        def predict_proba(texts: Iterable[str]) -> Floats:
            return asyncio.run_coroutine_threadsafe(batcher.scored(list(texts)), loop).result()[0]

        asking = copy(model)
        asking.predict_proba = predict_proba  # type: ignore[method-assign]
        found = await asyncio.to_thread(explain, asking, text)
    else:
        found = await batcher.call(lambda: explain(model, text))
    words = [vars(span) for span in found.spans]
    return {"label": found.label, "method": found.how, "said": found.meaning, "words": words}


async def _near(served: Served, texts: list[str], count: int) -> Sequence[list[Row] | None]:
    """The training texts that are most similar to each text; None where the model does not know."""
    model = served.classifier
    if not model.keeps_neighbours:
        return [None] * len(texts)
    found = await served.batcher.call(lambda: model.neighbours(texts, count))
    return [[{**each._asdict(), "text": None} for each in near] for near in found]
