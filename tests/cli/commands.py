"""The command line as a user runs it: a process of its own, its output, and the one line of a refusal."""

from __future__ import annotations

import subprocess
import sys

COMMAND = [sys.executable, "-c", "from textgraft.cli import main; main()"]


def textgraft(*words: object, stdin: str | None = None, base: list[str] = COMMAND) -> subprocess.CompletedProcess[str]:
    """A command that has ended, well or not."""
    return subprocess.run(
        [*base, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def said(*words: object, stdin: str | None = None) -> str:
    """Standard output of a command that goes well."""
    ended = textgraft(*words, stdin=stdin)
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
