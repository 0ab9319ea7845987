"""Files as streams: a line of JSON in, a line of JSON out, in order, as they come, and no more of them held than a few.

The client writes and reads at once, as curl does: whoever sends all before reading anything is waited for until both
sides' buffers are full, and then no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from textgraft.serving import schemas
from textgraft.serving.bodies import Gone, check_plain, pieces, too_large, too_long, validated
from textgraft.serving.models import Served
from textgraft.serving.predicting import MOST_LABELS, Row, Service, cut_of, reasons, rows_of
from textgraft.serving.problems import Problem
from textgraft.serving.routes import body_of, problems, service_of

router: APIRouter = APIRouter()
MEDIA_TYPE = "application/x-ndjson"
AT_ONCE = 256  # lines that are predicted together
AHEAD = 4  # such groups, of which the answers are not sent yet
BUSY_SECONDS = 60.0  # that a group waits for room in the queue


@router.post(
    "/v1/predict/stream",
    summary="Predict a stream of lines",
    tags=["predict"],
    response_model=None,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Predicted"}}}},
        **problems(401, 403, 404, 415, 422, 503),
    },
    openapi_extra=body_of(schemas.Line, MEDIA_TYPE),
)
async def stream(
    request: Request,
    model: str | None = None,
    top_k: int = Query(MOST_LABELS, ge=1, le=1_000_000),
    threshold: float | None = Query(None, ge=0, le=1, allow_inf_nan=False),
    abstain: bool = False,
) -> Response:
    """A prediction for each line ``{"text": ..., "id": ...}``, with its id; for a line that is none, its problem."""
    service, passage = service_of(request), request.state.passage
    check_plain(request)
    wish = schemas.PredictRequest(texts=[], top_k=top_k, threshold=threshold, abstain=abstain)
    served = service.named(model, "")
    service.check(served.classifier, wish)
    passage.fields |= {"model": served.name, "version": served.version}
    return Stream(request, Lines(service, served, wish, passage.id))


class Lines:
    """The lines of one stream, all predicted by one version of one model."""

    count: int

    def __init__(self, service: Service, served: Served, wish: schemas.PredictRequest, request_id: str) -> None:
        self._service, self._served, self._wish, self._request_id = service, served, wish, request_id
        self.count = 0

    async def groups(self, request: Request) -> AsyncIterator[list[bytes]]:
        """Lines as they come, some at once."""
        most = self._service.limits.max_body_bytes
        rest = b""
        async for piece in pieces(request, self._service.limits.receive_s):
            *lines, rest = (rest + piece).split(b"\n")
            for start in range(0, len(lines), AT_ONCE):
                yield lines[start : start + AT_ONCE]
            if len(rest) > most:
                raise too_large(most)
        if rest.strip():
            yield [rest]

    async def predicted(self, lines: list[bytes]) -> bytes:
        """The lines of answers to some lines; blank ones have none."""
        read = [self._read(line) for line in lines if line.strip()]
        good = [line for line in read if not isinstance(line, Problem)]
        start, self.count = self.count, self.count + len(read)
        numbers = [str(start + i) for i in range(len(read))]
        ids = [
            f"{self._request_id}-{i}" for i, line in zip(numbers, read, strict=True) if not isinstance(line, Problem)
        ]
        try:
            rows = iter(await self._rows([line.text for line in good], ids))
        except Problem as problem:  # of all of them
            read, rows = [problem] * len(read), iter(())
        answers = []
        for number, line in zip(numbers, read, strict=True):
            if isinstance(line, Problem):
                content = line.content(f"{self._request_id}-{number}")
                answers.append({"id": content.pop("request_id"), "error": content})
            else:
                row = next(rows)
                answers.append(row if line.id is None else {**row, "id": line.id})
        return b"".join(to_json(answer) + b"\n" for answer in answers)

    def last(self, problem: Problem) -> bytes:
        """The line that says why a stream ends before its time."""
        return to_json({"id": None, "error": problem.content(self._request_id)}) + b"\n"

    def _read(self, line: bytes) -> schemas.Line | Problem:
        try:
            read = validated(line, schemas.Line)
        except Problem as problem:
            return problem
        limits = self._service.limits
        return read if len(read.text) <= limits.max_characters else too_long("/text", len(read.text), limits)

    async def _rows(self, texts: list[str], ids: list[str]) -> list[Row]:
        """Predictions of texts; where the queue is full they wait, and with them the client."""
        until = asyncio.get_running_loop().time() + BUSY_SECONDS
        while True:
            try:
                answers = await self._service.answers(self._served, texts, ids, threshold=self._wish.threshold)
                cut = await cut_of(self._served.classifier, texts)
                rows = rows_of(answers, reasons(answers, self._wish), ids, self._wish.top_k or MOST_LABELS)
                return [{**row, "cut": is_cut} for row, is_cut in zip(rows, cut, strict=True)]
            except Problem as problem:
                if problem.reason != "queue" or asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(float(problem.headers["Retry-After"]))


class Stream(Response):
    """Answers that are sent while the request is still read."""

    def __init__(self, request: Request, lines: Lines) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._request, self._lines = request, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Reads groups of lines, and sends the answers of the oldest."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        queue: asyncio.Queue[asyncio.Task[bytes] | Problem | Gone | None] = asyncio.Queue(AHEAD)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fill(queue, tasks))
            while (item := await queue.get()) is not None:
                if isinstance(item, Gone):
                    raise item
                body = self._lines.last(item) if isinstance(item, Problem) else await item
                await send({"type": "http.response.body", "body": body, "more_body": True})
        self._request.state.passage.fields["texts"] = self._lines.count
        await send({"type": "http.response.body", "body": b""})

    async def _fill(
        self, queue: asyncio.Queue[asyncio.Task[bytes] | Problem | Gone | None], tasks: asyncio.TaskGroup
    ) -> None:
        """Begins the prediction of groups, as far ahead as the queue has room, and ends it with None."""
        try:
            async for lines in self._lines.groups(self._request):
                await queue.put(tasks.create_task(self._lines.predicted(lines)))
        except (Problem, Gone) as error:
            await queue.put(error)
        await queue.put(None)
