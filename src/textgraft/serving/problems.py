"""Problems as JSON (RFC 9457): what was wrong with a request and where, and when to try again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Response
from pydantic_core import ErrorDetails, to_json

from textgraft.unicode import quoted, said

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 20  # that are named of a request


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """A request that is not answered as wished.

    Args:
        status: of HTTP.
        detail: a sentence.
        reason: a word for counts and logs, such as ``"queue"``.
        faults: JSON pointers (RFC 6901) into the body, each with a sentence.
        retry_after: seconds; None where trying again would not help.
        headers: more of them.
    """

    detail: str
    faults: tuple[tuple[str, str], ...]
    reason: str
    status: int
    headers: dict[str, str]

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        reason: str,
        faults: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.reason, self.faults = status, said(detail), reason, tuple(faults)
        self.headers = dict(headers)
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, round(retry_after)))

    def content(self, request_id: str) -> dict[str, Any]:
        """The members of the problem."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            "request_id": request_id,
        }
        if self.faults:
            content["errors"] = [{"pointer": pointer, "detail": said(detail)} for pointer, detail in self.faults]
        return content

    def body(self, request_id: str) -> bytes:
        """The same as JSON."""
        return to_json(self.content(request_id))

    def response(self, request_id: str) -> Response:
        """The same as a response."""
        return Response(self.body(request_id), self.status, self.headers, MEDIA_TYPE)


def of_one(pointer: str, detail: str, *, status: int = 422, reason: str = "invalid") -> Problem:
    """The problem of one place in the body."""
    return Problem(status, detail, reason=reason, faults=((pointer, detail),))


def of_validation(errors: Sequence[ErrorDetails]) -> Problem:
    """The problem of a body that is JSON and not what is asked for."""
    faults = [(pointer(error["loc"]), _sentence(error)) for error in errors[:MOST_FAULTS]]
    first, where = faults[0][1], faults[0][0] or "the body"
    others = len(errors) - 1
    more = f" There {'is' if others == 1 else 'are'} {others:,} more." if others else ""
    return Problem(422, f"{where}: {first}{more}", reason="invalid", faults=faults)


def pointer(place: Iterable[str | int]) -> str:
    """The JSON pointer of a place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def _sentence(error: ErrorDetails) -> str:
    given = "" if error["type"] in ("missing", "extra_forbidden") else f"; got {_named(error['input'])}"
    return f"{error['msg']}{given}."


def _named(value: object) -> str:
    """A value of JSON for a sentence; of what could be millions of values, what it is."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return quoted(value)
