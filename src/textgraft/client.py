"""A service asked over HTTP: typed answers, and retries only where trying again can help.

What is refused for now (429, 503 and their like) or never arrived is asked again, after the time that ``Retry-After``
says, or growing ones with a random part. What can never succeed, such as a text that is too long, raises at once. A
prediction may be asked for twice: nothing changes by it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count, islice
from typing import Any, Self, TypeVar

from textgraft.errors import SettingError, TextgraftError
from textgraft.extras import library
from textgraft.unicode import quoted, said, whole

AGAIN = frozenset({408, 429, 502, 503, 504})
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 60.0  # seconds between two tries
TEXTS_AT_ONCE = 256  # of a request; what is asked for many texts is asked in several
REQUESTS_AT_ONCE = 4  # of an asynchronous client
T = TypeVar("T")


class ServiceError(TextgraftError):
    """A service does not answer as wished.

    Attributes:
        status: of HTTP; None where no answer came.
        faults: JSON pointers into what was sent, each with a sentence.
        request_id: under which the service's log has more.
    """

    faults: tuple[tuple[str, str], ...]
    request_id: str
    status: int | None

    def __init__(
        self, message: str, status: int | None = None, faults: Sequence[tuple[str, str]] = (), request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.faults, self.request_id = status, tuple(faults), request_id


@dataclass(frozen=True)
class Prediction:
    """What a service says of a text.

    Attributes:
        id: of the text, for feedback.
        label: of a task with one label; None where no answer is given.
        labels: of a task with several; None where no answer is given.
        reason: why there is no answer: ``"unsure"``, ``"out of scope"``, or ``""``.
        confidence: how probable it is that what is predicted is right.
        probabilities: by label, the highest first.
        model: that has answered.
        version: of the model.
        possible: labels that are possible, where the model has sets.
        explanation: of the words, where it was asked for.
        neighbours: similar training texts, where they were asked for and are known.
        cut: whether the text is longer than what the model reads of it.
    """

    id: str
    label: str | None
    labels: tuple[str, ...] | None
    reason: str
    confidence: float
    probabilities: Mapping[str, float]
    model: str
    version: str
    possible: tuple[str, ...] | None = None
    explanation: Mapping[str, Any] | None = None
    neighbours: tuple[Mapping[str, Any], ...] | None = None
    cut: bool = False

    @classmethod
    def of(cls, content: Mapping[str, Any], model: str, version: str) -> Prediction:
        """From a member of ``predictions``; members of newer services are passed over."""
        known = {each.name: content[each.name] for each in fields(cls) if each.name in content}
        tuples = {
            name: None if content.get(name) is None else tuple(content[name])
            for name in ("labels", "possible", "neighbours")
        }
        probabilities = {each["label"]: each["probability"] for each in content["probabilities"]}
        more = {"label": content.get("label"), "probabilities": probabilities, "model": model, "version": version}
        return cls(**known | tuples | more)


@dataclass(frozen=True)
class _Call:
    """A request."""

    method: str
    path: str
    content: Mapping[str, Any] | None = None


Steps = Generator["_Call | float", Any, T]  # yields requests and seconds to wait; is sent responses and errors


class _Asking:
    """What both clients share: requests made, answers read, and when to ask again.

    Args:
        url: of the service.
        api_key: one of its keys.
        model: that answers; None is the service's first one.
        retries: how often a request is repeated at most.
        timeout: seconds that an answer may take.

    Raises:
        MissingExtraError: httpx is not installed.
        SettingError: an option cannot be used.
    """

    model: str | None
    retries: int
    url: str

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        model: str | None = None,
        retries: int = 5,
        timeout: float = 60.0,
    ) -> None:
        self._httpx = library("httpx", "Asking a service", "client")
        if not url.startswith(("http://", "https://")):
            raise SettingError(f"url must be an address such as http://127.0.0.1:8000; got {quoted(url)}.")
        if retries < 0 or timeout <= 0:
            raise SettingError(f"retries must be from 0 on and timeout above 0; got {retries} and {timeout}.")
        if api_key is not None and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
            raise SettingError("api_key must be of printable ASCII without blanks, as no header can carry others.")
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self.url, self.model, self.retries = url.rstrip("/"), model, retries
        self._options: dict[str, Any] = {"base_url": self.url, "headers": headers, "timeout": timeout}

    def _predicted(self, texts: Sequence[str], options: Mapping[str, Any]) -> Steps[list[Prediction]]:
        wished = {name: value for name, value in options.items() if value is not None}
        content = {"texts": [whole(text) for text in texts], **wished}
        if self.model is not None:
            content["model"] = self.model
        answer = yield from self._asked(_Call("POST", "/v1/predict", content))
        model, version = answer["model"], answer["version"]
        rows = [Prediction.of(each, model, version) for each in answer["predictions"]]
        if len(rows) != len(texts):
            raise ServiceError(f"{self.url} gave {len(rows):,} predictions for {len(texts):,} texts.")
        return rows

    def _asked(self, call: _Call) -> Steps[Any]:
        """The JSON of an answer.

        Raises:
            ServiceError: it is a refusal that lasts, or no answer came for as often as was tried.
        """
        for attempt in count():
            outcome = yield call
            error = self._refusal(outcome)
            if error is None:
                return outcome.json()
            lasts = error.status is not None and error.status not in AGAIN
            if lasts or attempt == self.retries or isinstance(outcome, self._httpx.UnsupportedProtocol):
                raise error
            yield pause(getattr(outcome, "headers", {}).get("Retry-After"), attempt)
        raise AssertionError

    def _refusal(self, outcome: Any) -> ServiceError | None:
        """What is said of an answer that is none, or of none."""
        if isinstance(outcome, Exception):
            what = str(outcome).rstrip(".") or type(outcome).__name__
            return ServiceError(f"{self.url} cannot be reached: {said(what)}. Is textgraft serve running there?")
        kind = outcome.headers.get("content-type", "").partition(";")[0]
        if outcome.is_success and kind == "application/json":
            return None
        try:
            problem = outcome.json()
            faults = [(each["pointer"], each["detail"]) for each in problem.get("errors", ())]
            detail, request_id = str(problem["detail"]), str(problem.get("request_id", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            sentence = f"{self.url} answers with {outcome.status_code} and {kind or 'no type'}; is it textgraft serve?"
            return ServiceError(sentence, outcome.status_code)
        return ServiceError(detail, outcome.status_code, faults, request_id)


class Client(_Asking):
    """A service, asked one request after the other; close it, or use it in a ``with`` block.

    See ``AsyncClient`` for many requests at once; both take the same options.
    """

    __doc__ = f"{__doc__}\n{_Asking.__doc__}"

    def __init__(self, url: str = "http://127.0.0.1:8000", **options: Any) -> None:
        super().__init__(url, **options)
        self._client = self._httpx.Client(**self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def predict(
        self,
        texts: Iterable[str],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        abstain: bool | None = None,
        explain: bool | None = None,
        neighbours: int | None = None,
    ) -> list[Prediction]:
        """The predictions of n texts, in their order.

        Args:
            texts: any number of them.
            top_k: so many labels of each, the most probable ones.
            threshold: labels are given from this probability on.
            abstain: give no label where the model is too unsure.
            explain: say which words mattered, of a few texts.
            neighbours: so many of the most similar training texts.

        Raises:
            ServiceError: the service refuses, or cannot be reached.
        """
        options = {"top_k": top_k, "threshold": threshold, "abstain": abstain, "explain": explain}
        options |= {"neighbours": neighbours}
        return [row for part in parts(texts) for row in self._run(self._predicted(part, options))]

    def stream(self, texts: Iterable[str], **options: Any) -> Iterator[Prediction]:
        """Predictions of any number of texts, of which few are held; see ``predict`` for the options."""
        for part in parts(texts):
            yield from self.predict(part, **options)

    def models(self) -> list[dict[str, Any]]:
        """The models of the service."""
        return list(self._run(self._asked(_Call("GET", "/v1/models")))["models"])

    def is_ready(self) -> bool:
        """Whether the service answers now."""
        try:
            return bool(self._client.get("/readyz").is_success)
        except self._httpx.TransportError:
            return False

    def _run(self, steps: Steps[T]) -> T:
        outcome: Any = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, float):
                    time.sleep(step)
                    outcome = None
                else:
                    outcome = self._send(step)
        except StopIteration as done:
            result: T = done.value
            return result

    def _send(self, call: _Call) -> Any:
        try:
            return self._client.request(call.method, call.path, json=call.content)
        except self._httpx.TransportError as error:
            return error


class AsyncClient(_Asking):
    """A service, asked from ``asyncio``; use it in an ``async with`` block."""

    __doc__ = f"{__doc__}\n{_Asking.__doc__}"

    def __init__(self, url: str = "http://127.0.0.1:8000", **options: Any) -> None:
        super().__init__(url, **options)
        self._client = self._httpx.AsyncClient(**self._options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def predict(self, texts: Iterable[str], **options: Any) -> list[Prediction]:
        """The predictions of n texts, in their order; see ``Client.predict`` for the options."""
        room = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def one(part: list[str]) -> list[Prediction]:
            async with room:
                return await self._run(self._predicted(part, options))

        return [row for rows in await asyncio.gather(*map(one, parts(texts))) for row in rows]

    async def models(self) -> list[dict[str, Any]]:
        """The models of the service."""
        return list((await self._run(self._asked(_Call("GET", "/v1/models"))))["models"])

    async def _run(self, steps: Steps[T]) -> T:
        outcome: Any = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = await (asyncio.sleep(step) if isinstance(step, float) else self._send(step))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _send(self, call: _Call) -> Any:
        try:
            return await self._client.request(call.method, call.path, json=call.content)
        except self._httpx.TransportError as error:
            return error


def parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts of one request after the other.

    Raises:
        SettingError: it is one text and no collection of them.
    """
    if isinstance(texts, str):
        raise SettingError("texts must be a list of texts; got one text. Put it in brackets: [text].")
    remaining = iter(texts)
    while part := list(islice(remaining, TEXTS_AT_ONCE)):
        yield part


def pause(retry_after: str | None, attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds before a request is repeated.

    Args:
        retry_after: what the service says: seconds, or a date.
        attempt: how often it was repeated before.
        chance: a random number from 0 to 1, so that not all clients come back at once.
    """
    seconds = FIRST_PAUSE * 2.0**attempt * (0.5 + chance())
    if retry_after is not None:
        try:
            wished = float(retry_after)
        except ValueError:
            try:
                wished = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
            except (ValueError, TypeError):
                wished = 0.0
        seconds = max(seconds if wished <= 0 else 0.0, wished * (1 + 0.1 * chance()))
    return min(seconds, LONGEST_PAUSE)
