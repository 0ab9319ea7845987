"""The page at ``/``: static files that by their policy load, run and ask nothing but each other and this server."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from textgraft.digests import text_digest

INDEX: Final = "index.html"
KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS: Final = {
    # Scripts may not even make HTML from strings (Trusted Types): all that they show of texts and models is text.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for anew each time, answered in no bytes where nothing has changed
}


def page_routes() -> list[Route]:
    """The page itself at ``/``, and the files that it is made of below ``/page/``."""
    own, shared = files("textgraft.serving") / "page", files("textgraft.report") / "base.css"
    held = [_File(entry.name, entry.read_text("utf-8")) for entry in (*own.iterdir(), shared)]
    return [Route(each.path, each.answer, include_in_schema=False) for each in held]


class _File:
    """A file of the page, kept as it was when the service began."""

    def __init__(self, name: str, content: str) -> None:
        self.path = "/" if name == INDEX else f"/page/{name}"
        self._content = content.encode("utf-8")
        self._kind = KINDS[PurePath(name).suffix]
        self._headers = HEADERS | {"ETag": f'"{text_digest(content).hex()}"'}

    async def answer(self, request: Request) -> Response:
        if request.headers.get("If-None-Match") == self._headers["ETag"]:
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, headers=self._headers, media_type=self._kind)
