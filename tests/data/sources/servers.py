"""A web server on loopback that gives what it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event

from ...loopback import serving


@dataclass
class Page:
    """What is answered: the first ``sent`` bytes of the body where it is to break off or to stall."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    stalls: bool = False


@dataclass
class Web:
    """A running server: its pages by their paths with the query, and the headers of each request."""

    url: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    stalled: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)


@contextmanager
def running_web() -> Iterator[Web]:
    """A server that answers until the block ends."""
    web = Web()
    with serving(type("Answer", (_Answer,), {"web": web})) as web.url:
        try:
            yield web
        finally:
            web.ended.set()


class _Answer(BaseHTTPRequestHandler):
    web: Web

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.web.asked.append(dict(self.headers))
        page = self.web.pages.get(self.path, Page(b"<html>not here</html>", 404))
        self.send_response(page.status)
        for name, value in ({"Content-Length": str(len(page.body))} | page.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page.body[: page.sent])
        if page.stalls:
            self.wfile.flush()
            self.web.stalled.set()
            self.web.ended.wait()
