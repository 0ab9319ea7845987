"""Bodies of requests: read no further than is allowed, within a time, and parsed strictly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request as HttpRequest

from textgraft.serving.problems import Problem, of_one, of_validation, pointer

if TYPE_CHECKING:
    from textgraft.serving.limits import Limits

MOST_FAULTS = 1000  # that are looked at one by one
Model = TypeVar("Model", bound=BaseModel)


async def parsed(request: HttpRequest, kind: type[Model], limits: Limits) -> Model:
    """The body as one of the ``schemas``.

    Raises:
        Problem: it is too large, too slow, not JSON, or something else than is asked for.
    """
    return validated(await read(request, limits.max_body_bytes, limits.receive_s), kind)


async def read(request: HttpRequest, most: int, patience: float) -> bytes:
    """The whole body.

    Raises:
        Problem: it has more than ``most`` bytes, of which no more are read; it is packed; or it takes more seconds than
            there is patience.
    """
    check_plain(request)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for piece in pieces(request, None):
                body += piece
                if len(body) > most:
                    raise too_large(most)
    except TimeoutError:
        raise _slow(patience) from None
    return bytes(body)


class Gone(Exception):  # noqa: N818 - it is nobody's fault
    """The client has closed the connection."""


async def pieces(request: HttpRequest, patience: float | None) -> AsyncIterator[bytes]:
    """The pieces of a body as they come.

    Raises:
        Gone: there will be no more of them.
        Problem: none came for so many seconds; None waits for ever.
    """
    more = True
    while more:
        try:
            async with asyncio.timeout(patience):
                message = await request.receive()
        except TimeoutError:
            raise _slow(patience or 0) from None
        if message["type"] == "http.disconnect":
            raise Gone
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _slow(seconds: float) -> Problem:
    detail = f"The rest of the body was not there after {seconds:g} seconds."
    return Problem(408, detail, reason="slow", headers=[("Connection", "close")])


def check_plain(request: HttpRequest) -> None:
    """Raises Problem where the body is packed: a few of its bytes could be many texts."""
    if (coding := request.headers.get("content-encoding", "identity")) != "identity":
        raise Problem(415, f"The body is packed ({coding}); send it as it is.", reason="packed")


def too_large(most: int) -> Problem:
    """What is said of a body of more than ``most`` bytes."""
    return Problem(
        413, f"The body has more than {most:,} bytes, which is the most of a request; send it in parts.", reason="body"
    )


def validated(body: bytes, kind: type[Model]) -> Model:
    """JSON as one of the ``schemas``.

    Raises:
        Problem: it is none.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        if (count := error.error_count()) > MOST_FAULTS:
            raise of_one("", f"The body has {count:,} faults, such as members that nobody asks for.") from None
        faults = error.errors(include_url=False, include_context=False)
        if faults[0]["type"] != "json_invalid":
            raise of_validation(faults) from None
        what = faults[0]["msg"].removeprefix("Invalid JSON: ")
        if "hex escape" in what and (place := _half_character(body)) is not None:
            detail = f"{place or 'The body'} holds half a character (a lone surrogate), which no text can hold."
            raise of_one(place, detail) from None
        raise of_one("", f"The body is not JSON: {what}.", status=400, reason="json") from None


def check_texts(texts: Sequence[str], limits: Limits, at: str = "/texts") -> None:
    """Raises Problem for more texts, or longer ones, than a request may have."""
    if len(texts) > limits.max_texts:
        raise of_one(
            at, f"There are {len(texts):,} texts, and a request may have {limits.max_texts:,}; send several, or a "
            "stream to /v1/predict/stream.", reason="texts",
        )  # fmt: skip
    for i, text in enumerate(texts):
        if len(text) > limits.max_characters:
            raise too_long(f"{at}/{i}", len(text), limits)


def too_long(place: str, characters: int, limits: Limits) -> Problem:
    """What is said of a text with too many characters."""
    return of_one(
        place, f"The text has {characters:,} characters, and may have {limits.max_characters:,}.", reason="characters"
    )


def _half_character(body: bytes) -> str | None:
    """Where a string of JSON, as Python reads it, holds a lone surrogate; None where none does."""
    try:
        return next((pointer(place) for place, text in _strings(json.loads(body)) if not _is_whole(text)), None)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any, place: tuple[str | int, ...] = ()) -> Iterable[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _strings(item, (*place, i))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield place, name
            yield from _strings(item, (*place, name))


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
