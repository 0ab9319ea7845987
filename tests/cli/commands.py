"""The command line as a user runs it: its output, and the one line of a refusal.

A command runs in this process where only its words and its output matter, since starting one takes seconds; what is
about the process, such as signals, pipes and standard input, is started as ``COMMAND``.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from unittest.mock import patch

from textgraft.cli import main

COMMAND = [sys.executable, "-c", "from textgraft.cli import main; main()"]


def process(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own that has ended, well or not."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def textgraft(*words: object) -> subprocess.CompletedProcess[str]:
    """A command that has ended, well or not."""
    given = ["textgraft", *map(str, words)]
    code = 0
    # As a shell's pipes are: text with bytes below it.
    with (
        io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) as output,
        io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) as errors,
    ):
        with patch.object(sys, "argv", given), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        texts = [stream.buffer.getvalue().decode("utf-8") for stream in (output, errors)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(given, code, *texts)


def said(*words: object) -> str:
    """Standard output of a command that goes well."""
    ended = textgraft(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def refused(*words: object, code: int = 1) -> str:
    """The one line of a command that is refused."""
    ended = textgraft(*words)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, ended.stderr
    return errors[0]
