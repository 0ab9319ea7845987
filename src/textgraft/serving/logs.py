"""Structured logs: a line of JSON for each request, on standard output; never the texts unless that is wished."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import Any, BinaryIO

from pydantic_core import to_json

from textgraft.unicode import said

MOST_WAITING = 100_000  # lines, of a reader that does not keep up
FLUSH_SECONDS = 0.1
PIPE_BYTES = 4096  # PIPE_BUF of Linux


class Log:
    """Writes lines in a thread of its own: a reader that is slow, or gone, holds up no request.

    Args:
        file: where they go; standard output where none is given.
        texts: whether lines of requests may hold their texts.
    """

    def __init__(self, file: BinaryIO | None = None, *, texts: bool = False) -> None:
        self.texts = texts
        self._file = sys.stdout.buffer if file is None else file
        self._lines: deque[bytes] = deque()
        self._lost = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, event: str, level: str = "info", **fields: Any) -> None:
        """Writes a line with the time, the process and these fields."""
        if len(self._lines) >= MOST_WAITING:
            self._lost += 1
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "event": event, "process": os.getpid(), **fields}
        self._lines.append(to_json(line, inf_nan_mode="null", fallback=str) + b"\n")

    def fault(self, error: BaseException, **fields: Any) -> None:
        """Writes what went wrong and where in the code; not the message, which may quote a text."""
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        more = {"message": str(error)} if self.texts else {}
        self.write("fault", "error", kind=type(error).__name__, **more, where=frames[-12:], **fields)

    def close(self) -> None:
        """Writes what is waiting."""
        self._ended.set()
        self._thread.join(2)

    def _piece(self) -> bytes:
        """Whole lines, together no longer than what a pipe takes at once from one of several processes."""
        piece = self._lines.popleft()
        while self._lines and len(piece) + len(self._lines[0]) <= PIPE_BYTES:
            piece += self._lines.popleft()
        return piece

    def _run(self) -> None:
        while True:
            ended = self._ended.wait(FLUSH_SECONDS)
            if self._lost:
                lost, self._lost = self._lost, 0
                self.write("log", "warning", lost=lost)
            try:
                while self._lines:
                    self._file.write(self._piece())
                    self._file.flush()
            except (OSError, ValueError):  # nobody reads it any more
                self._lines.clear()
            if ended:
                return


class Records(logging.Handler):
    """Warnings of libraries, as lines of the log; tracebacks without what they say."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._log.fault(error, logger=record.name)
        else:
            self._log.write(
                "library", record.levelname.lower(), logger=record.name, said=said(record.getMessage(), 500)
            )
